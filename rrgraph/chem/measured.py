"""Measured thermochemistry of solids: formation enthalpies, and entropies and heat capacities where they are known.

The table `measured.csv` holds facts compiled from the NIST-JANAF tables (M. W. Chase, 4th edition, 1998) and the FREED
database (A. E. Morris, 2019, after the U.S. Bureau of Mines), both as in the package reaction-network (modified BSD
licence), and from the CRC Handbook's standard properties as in the package chemicals (MIT licence); `make_measured.py`
makes it. A composition stands for its stable solid; melts and gases have no entry.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.thermo import KJ_PER_EV, check_temperature, free_energy, heat_capacity_at, solid_free_energy

__all__ = ["SolidData", "measured_solids", "thermal_energy", "thermal_uncertainty"]

#: Standard deviation of measured entropies, J/(mol K) for each atom: that of CRC and FREED against each other.
_ENTROPY_SPREAD = 0.5


@dataclass(frozen=True, slots=True)
class SolidData:
    """One solid, per mole of `composition` as typed.

    >>> from rrgraph.chem import measured_solids, parse_formula
    >>> rutile = measured_solids()[parse_formula("TiO2").key]
    >>> round(rutile.enthalpy), rutile.source
    (-945, 'JANAF')

    Attributes:
        composition: a formula unit.
        enthalpy: of formation at 298.15 K, kJ/mol.
        uncertainty: one standard deviation of that, kJ/mol.
        entropy: at 298.15 K, J/(mol K); None where it is not known.
        heat_capacity: (a, b, c) of a + b·1e-3 T + c·1e5 / T², J/(mol K).
        highest: temperature above which the heat capacity is taken as constant, K.
        source: JANAF, FREED, CRC, or elements.
    """

    composition: Composition
    enthalpy: float
    uncertainty: float
    entropy: float | None
    heat_capacity: tuple[float, float, float]
    highest: float
    source: str

    @property
    def atoms(self) -> float:
        """Number of atoms of a formula unit."""
        return float(self.composition.atoms)

    def free_energy(self, temperature: float) -> float:
        """Return H(T) - T S(T) in kJ/mol, with the reference of `GasData.free_energy`.

        Without a known entropy it is the enthalpy of formation and the thermal part of an average solid.

        Raises:
            RRGraphError: the temperature is outside the range of `check_temperature`.
        """
        check_temperature(temperature)
        if self.entropy is None:
            return self.enthalpy + self.atoms * solid_free_energy(temperature)
        reached = min(temperature, self.highest)
        at_reached, entropy = free_energy(self.enthalpy, self.entropy, self.heat_capacity, reached)
        if temperature == reached:
            return at_reached
        constant = (heat_capacity_at(self.heat_capacity, reached), 0.0, 0.0)
        beyond, _ = free_energy(0.0, entropy, constant, temperature, start=reached)
        return at_reached + reached * entropy / 1000 + beyond


@cache
def measured_solids() -> Mapping[str, SolidData]:
    """Return the table by canonical key of the composition."""
    table = files("rrgraph.chem") / "measured.csv"
    with table.open(encoding="utf-8") as lines:
        solids = [_solid(row) for row in csv.DictReader(lines)]
    return MappingProxyType({solid.composition.key: solid for solid in solids})


def thermal_energy(composition: Composition, temperature: float | None) -> float:
    """Return what a solid's free energy has beyond its formation enthalpy and the average solid, in eV/atom.

    It is 0 without a temperature, and for solids without a measured entropy: those count as average.
    """
    solid = _with_entropy(composition)
    if temperature is None or solid is None:
        return 0.0
    thermal = (solid.free_energy(temperature) - solid.enthalpy) / solid.atoms
    return (thermal - solid_free_energy(temperature)) / KJ_PER_EV


def thermal_uncertainty(composition: Composition, temperature: float | None) -> float | None:
    """Return the standard deviation of `thermal_energy` in eV/atom, None for a solid without a measured entropy."""
    if temperature is None:
        return 0.0
    return None if _with_entropy(composition) is None else temperature * _ENTROPY_SPREAD / 1000 / KJ_PER_EV


def _with_entropy(composition: Composition) -> SolidData | None:
    solid = measured_solids().get(composition.key)
    return None if solid is None or solid.entropy is None else solid


def _solid(row: Mapping[str, str]) -> SolidData:
    a, b, c, highest = (float(row[name] or 0.0) for name in ("cp_a", "cp_b", "cp_c", "highest"))
    return SolidData(
        composition=parse_formula(row["formula"]),
        enthalpy=float(row["enthalpy"]),
        uncertainty=float(row["uncertainty"]),
        entropy=float(row["entropy"]) if row["entropy"] else None,
        heat_capacity=(a, b, c),
        highest=highest,
        source=row["source"],
    )
