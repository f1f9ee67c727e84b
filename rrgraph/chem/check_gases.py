"""Check the heat capacities of `rrgraph.chem.thermo.GASES`, which are fits, against the NIST-JANAF tables.

    pip install --no-deps chemicals && python -m rrgraph.chem.check_gases

The package chemicals (MIT) holds the Shomate equations by which the NIST WebBook represents those tables. Each gas is
printed with the largest error of its free energy up to 2500 K, in kJ/mol.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem.thermo import GASES, GasData

__all__ = ["CAS", "free_energy_error", "shomate"]

_LOWEST, _HIGHEST = 298.15, 2500.0
_TABLE = "Heat Capacity/webbook_shomate_coefficients.json"

Piece = Sequence[float]
"""Lowest and highest temperature in K, and A to E of Cp = A + B T + C T² + D T³ + E / T² in J/(mol K)."""

CAS = {
    **{"H2": "1333-74-0", "N2": "7727-37-9", "O2": "7782-44-7", "Cl2": "7782-50-5", "Br2": "7726-95-6"},
    **{"I2": "7553-56-2", "S2": "23550-45-0", "H2O": "7732-18-5", "CO2": "124-38-9", "CO": "630-08-0"},
    **{"NH3": "7664-41-7", "NO": "10102-43-9", "NO2": "10102-44-0", "SO2": "7446-09-5", "SO3": "7446-11-9"},
    **{"H2S": "7783-06-4", "HF": "7664-39-3", "HCl": "7647-01-0", "HBr": "10035-10-6", "HI": "10034-85-2"},
}
"""CAS numbers of the gases."""


def shomate(pieces: Sequence[Piece], temperature: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the heat capacity (n,) in J/(mol K) at temperatures (n,) in K by a piecewise Shomate equation."""
    values = np.full(temperature.shape, np.nan)
    for low, high, a, b, c, d, e in pieces:
        inside = (temperature >= low) & (temperature <= high) & np.isnan(values)
        t = temperature[inside]
        values[inside] = a + b * t + c * t**2 + d * t**3 + e / t**2
    return values


def free_energy_error(gas: GasData, pieces: Sequence[Piece]) -> float:
    """Return the largest error of a gas's free energy against the Shomate equation, kJ/mol."""
    steps = np.linspace(_LOWEST, _HIGHEST, 4001)
    difference = _capacity(gas, steps) - shomate(pieces, steps)
    steps, difference = steps[np.isfinite(difference)], difference[np.isfinite(difference)]
    width = np.diff(steps)
    enthalpy = np.concatenate([[0.0], np.cumsum(width * (difference[1:] + difference[:-1]) / 2)])
    slope = difference / steps
    entropy = np.concatenate([[0.0], np.cumsum(width * (slope[1:] + slope[:-1]) / 2)])
    return float(np.abs(enthalpy - steps * entropy).max() / 1000)


def _capacity(gas: GasData, temperature: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, c = gas.heat_capacity
    return a + b * 1e-3 * temperature + c * 1e5 / temperature**2


def main() -> None:
    """Print the table."""
    package = find_spec("chemicals")
    if package is None or package.origin is None:
        raise SystemExit("The package chemicals is not installed: pip install --no-deps chemicals")
    text = (Path(package.origin).parent / _TABLE).read_text(encoding="utf-8")
    tables: Mapping[str, Sequence[Sequence[Piece] | None]] = json.loads(text)
    for gas in GASES.values():
        name = gas.composition.formula
        pieces = tables[CAS[name]][2]  # of solid, liquid and gas
        error = "no equation" if pieces is None else f"{free_energy_error(gas, pieces):.2f} kJ/mol"
        print(f"{name:4} {error}")


if __name__ == "__main__":
    main()
