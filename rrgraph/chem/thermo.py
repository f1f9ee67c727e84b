"""Thermochemistry of the gases of solid-state reactions: formation enthalpies, entropies, free energies.

Energies are in eV/atom relative to the elements in their standard states at 298.15 K. Values are those of M. W. Chase,
NIST-JANAF Thermochemical Tables, 4th edition (1998); the heat capacities are fits to its tables, which reproduce free
energies within 0.3 kJ/mol up to 2500 K.

At a given temperature, the energy of a gas is its free energy by the third law less that of as many atoms in an average
solid. Solids then keep their enthalpies of formation: their vibrations cancel wherever atoms stay solid (the rule of
Neumann and Kopp), and are subtracted for atoms that leave as gas. docs/energies.md compares this with measured
reactions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, expm1, log, log1p
from types import MappingProxyType

from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import parse_formula
from rrgraph.errors import RRGraphError

__all__ = [
    "GASES",
    "KJ_PER_EV",
    "REFERENCE_TEMPERATURE",
    "GasData",
    "as_temperature",
    "check_temperature",
    "free_energy",
    "gas_energy",
    "gas_uncertainty",
    "heat_capacity_at",
    "solid_free_energy",
    "solid_uncertainty",
]

#: kJ/mol in one eV a particle (CODATA 2018).
KJ_PER_EV = 96.48533212
#: Temperature of the tabulated enthalpies, K.
REFERENCE_TEMPERATURE = 298.15
#: Temperatures for which the heat capacities are fitted, K.
_LOWEST, _HIGHEST = 298.0, 2500.0
_OUT_OF_RANGE = f"The temperature is {{}}, expected {_LOWEST:g} to {_HIGHEST:g} K, the range of the gas data."
_CELSIUS = 273.15
#: A number with K, or with C, °C, ℃ or deg C as the second group, or with no unit.
_TEMPERATURE = re.compile(r"([+-]?\d+(?:\.\d*)?|\.\d+)\s*(?:K|((?:°|º|deg)?\s?C|℃))?", re.IGNORECASE)
_CAPACITY_UNITS = (1.0, 1e-3, 1e5)
_GAS_CONSTANT = 8.314462618  # J/(mol K)
#: Einstein temperature of an atom in an average solid, K: it has 16 J/(mol K) at 298.15 K, the mean that carbonates,
#: hydroxides, nitrates, sulfates and nitrides lose for each atom that leaves them as gas.
_EINSTEIN = 470.5
#: Standard deviation of the entropy of a solid from that, J/(mol K) for each atom of gas: for gases that are compounds,
#: and for gases that are elements, where the remaining solid changes its valences and often its magnetism.
_MOLECULE_SPREAD, _ELEMENT_SPREAD = 3.0, 30.0
#: The same for each atom of a solid that is made from other solids.
_SOLID_SPREAD = 1.5


@dataclass(frozen=True, slots=True)
class GasData:
    """One ideal gas at 1 bar, per mole of `composition` as typed.

    Attributes:
        composition: the molecule.
        enthalpy: of formation at 298.15 K, kJ/mol.
        entropy: at 298.15 K, J/(mol K).
        heat_capacity: (a, b, c) of a + b·1e-3 T + c·1e5 / T², J/(mol K).
    """

    composition: Composition
    enthalpy: float
    entropy: float
    heat_capacity: tuple[float, float, float]

    @property
    def atoms(self) -> int:
        """Number of atoms of the molecule."""
        return int(self.composition.atoms)

    @property
    def is_condensed_element(self) -> bool:
        """Whether it is the vapour of an element whose standard state is solid or liquid."""
        return len(self.composition.amounts) == 1 and self.enthalpy != 0

    def free_energy(self, temperature: float) -> float:
        """Return H(T) - T S(T) in kJ/mol, where H is 0 for the elements at 298.15 K and S is the third-law entropy.

        Its differences over a reaction of gases are reaction free energies.
        """
        return free_energy(self.enthalpy, self.entropy, self.heat_capacity, temperature)[0]


def free_energy(
    enthalpy: float,
    entropy: float,
    heat_capacity: tuple[float, float, float],
    temperature: float,
    *,
    start: float = REFERENCE_TEMPERATURE,
) -> tuple[float, float]:
    """Return H(T) - T S(T) in kJ/mol and S(T) in J/(mol K) from enthalpy and entropy at the temperature `start`.

    Units are those of `GasData`.
    """
    a, b, c = (value * unit for value, unit in zip(heat_capacity, _CAPACITY_UNITS, strict=True))
    t, t0 = temperature, start
    heat = a * (t - t0) + b * (t**2 - t0**2) / 2 - c * (1 / t - 1 / t0)
    entropy += a * log(t / t0) + b * (t - t0) - c * (1 / t**2 - 1 / t0**2) / 2
    return enthalpy + (heat - t * entropy) / 1000, entropy


def heat_capacity_at(heat_capacity: tuple[float, float, float], temperature: float) -> float:
    """Return the heat capacity in J/(mol K)."""
    a, b, c = (value * unit for value, unit in zip(heat_capacity, _CAPACITY_UNITS, strict=True))
    return a + b * temperature + c / temperature**2


def _table(*rows: tuple[str, float, float, float, float, float]) -> Mapping[str, GasData]:
    gases = [GasData(parse_formula(name), enthalpy, entropy, (a, b, c)) for name, enthalpy, entropy, a, b, c in rows]
    return MappingProxyType({gas.composition.key: gas for gas in gases})


#: By canonical key. Sulfur is the vapour S2, bromine and iodine are Br2 and I2, water is steam.
GASES: Mapping[str, GasData] = _table(
    ("H2", 0.0, 130.680, 26.37, 3.85, 1.83),
    ("N2", 0.0, 191.609, 27.83, 4.59, -0.57),
    ("O2", 0.0, 205.147, 31.11, 3.75, -3.58),
    ("Cl2", 0.0, 223.079, 37.00, 0.64, -3.02),
    ("Br2", 30.910, 245.394, 37.05, 0.86, -1.08),
    ("I2", 62.421, 260.685, 35.10, 3.08, 1.37),
    ("S2", 128.600, 228.165, 35.04, 2.59, -3.09),
    ("H2O", -241.826, 188.834, 29.71, 11.38, 0.02),
    ("CO2", -393.522, 213.795, 46.77, 8.07, -13.02),
    ("CO", -110.527, 197.653, 28.49, 4.47, -1.34),
    ("NH3", -45.898, 192.774, 36.47, 20.02, -8.47),
    ("NO", 90.291, 210.758, 29.70, 4.08, -1.93),
    ("NO2", 33.095, 240.034, 46.26, 6.34, -12.72),
    ("SO2", -296.842, 248.212, 50.09, 5.04, -12.79),
    ("SO3", -395.765, 256.769, 70.26, 7.00, -23.07),
    ("H2S", -20.502, 205.757, 33.77, 11.75, -4.30),
    ("HF", -272.546, 173.780, 26.30, 3.82, 1.93),
    ("HCl", -92.312, 186.901, 26.52, 4.89, 1.01),
    ("HBr", -36.443, 198.699, 27.07, 5.00, 0.22),
    ("HI", 26.359, 206.589, 28.01, 4.88, -0.90),
)


def gas_energy(gas: Composition, *, temperature: float | None = None) -> float:
    """Return the energy of a gas in eV/atom.

    Args:
        gas: a composition of `GASES`.
        temperature: K. None means the enthalpy of formation at 298.15 K; otherwise the free energy at 1 bar less
            that of its atoms in an average solid, so that it adds up with the formation enthalpies of solids.

    Raises:
        RRGraphError: the gas is not tabulated, or the temperature is outside the fitted range.
    """
    data = _data(gas)
    if temperature is None:
        return data.enthalpy / data.atoms / KJ_PER_EV
    check_temperature(temperature)
    return (data.free_energy(temperature) / data.atoms - solid_free_energy(temperature)) / KJ_PER_EV


def gas_uncertainty(gas: Composition, *, temperature: float | None = None) -> float:
    """Return the standard deviation of `gas_energy` in eV/atom, due to the spread of solids around the average one.

    Without a temperature it is 0: the tabulated enthalpies are known within about 0.01 eV.

    Raises:
        RRGraphError: as `gas_energy`.
    """
    data = _data(gas)
    if temperature is None:
        return 0.0
    check_temperature(temperature)
    spread = _ELEMENT_SPREAD if len(data.composition.amounts) == 1 else _MOLECULE_SPREAD
    return temperature * spread / 1000 / KJ_PER_EV


def solid_uncertainty(temperature: float | None) -> float:
    """Return the standard deviation of a solid's free energy from that of the solids it is made from, eV/atom.

    Without a temperature it is 0.
    """
    return 0.0 if temperature is None else temperature * _SOLID_SPREAD / 1000 / KJ_PER_EV


def solid_free_energy(temperature: float) -> float:
    """Return H(T) - H(298.15 K) - T S(T) of an atom in an average solid, kJ/mol, by Einstein's model."""
    u, u0 = _EINSTEIN / temperature, _EINSTEIN / REFERENCE_TEMPERATURE
    enthalpy = _EINSTEIN * (1 / expm1(u) - 1 / expm1(u0))
    entropy = u / expm1(u) - log1p(-exp(-u))
    return 3 * _GAS_CONSTANT * (enthalpy - temperature * entropy) / 1000


def as_temperature(temperature: float | str) -> float:
    """Return a temperature in K from a number of K, or from text that may carry a unit.

    >>> as_temperature(1200), as_temperature("1200 K"), as_temperature("900 °C")
    (1200, 1200.0, 1173.15)

    Raises:
        RRGraphError: it is none, or not from 298 to 2500 K.
    """
    if not isinstance(temperature, str):
        check_temperature(temperature)
        return temperature
    found = _TEMPERATURE.fullmatch(temperature.strip())
    if found is None:
        raise RRGraphError(
            f"The temperature is '{temperature}', expected K or °C such as 1200, '1200 K', 900C or '900 °C'."
        )
    number = float(found[1])
    kelvin = round(number + _CELSIUS, 6) if found[2] else number
    if not _LOWEST <= kelvin <= _HIGHEST:
        shown = f"{number:g} °C ({kelvin:g} K)" if found[2] else f"{kelvin:g} K"
        raise RRGraphError(_OUT_OF_RANGE.format(shown))
    return kelvin


def check_temperature(temperature: float) -> None:
    """Check that a temperature is in the range of the fitted heat capacities.

    Raises:
        RRGraphError: it is not from 298 to 2500 K.
    """
    number = isinstance(temperature, int | float)
    if not number or not _LOWEST <= temperature <= _HIGHEST:
        raise RRGraphError(_OUT_OF_RANGE.format(f"{temperature:g} K" if number else f"{temperature!r}"))


def _data(gas: Composition) -> GasData:
    found = GASES.get(gas.key)
    if found is None:
        raise RRGraphError(f"There is no tabulated gas '{gas.formula}', expected one of {', '.join(_names())}.")
    return found


def _names() -> list[str]:
    return sorted(gas.composition.formula for gas in GASES.values())
