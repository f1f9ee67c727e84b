"""How much oxygen a material brings into a synthesis, beyond what its carbon, hydrogen and nitrogen take away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rrgraph.chem.charges import CHALCOGENS, HALOGENS
from rrgraph.chem.composition import Composition
from rrgraph.chem.redox import redox

__all__ = ["oxygen_values"]

_IN_CARBON_DIOXIDE: Final = 2.0
_IN_CO_AND_CO2: Final = 1.5
_IN_NITROGEN_DIOXIDE: Final = 2.0
_EXACT: Final = 1e-6
#: Elements beside which hydrogen is positive, and leaves as water.
_ACIDIC: Final = HALOGENS | CHALCOGENS | {"C", "N", "O", "P"}


def oxygen_values(composition: Composition) -> tuple[float, float]:
    """Return the oxygen that is left when volatile elements have gone, in atoms for an atom of the material.

    Precursors whose values add up to that of their target need no oxygen from outside and give none away. Carbon leaves
    as CO2, that of oxalates half as CO; hydrogen as H2O, that of ammonium as NH3. The first value lets nitrate leave as
    N2 and the hydrogen of hydrides as H2, the second as NO2 and as H2O; for other materials they are the same.

    >>> from rrgraph.chem import parse_formula
    >>> for formula in ("TiO2", "Ti", "BaCO3", "LiOH", "FeC2O4", "NH4H2PO4", "Ba(NO3)2"):
    ...     composition = parse_formula(formula)
    ...     print(formula, *(round(value * float(composition.atoms), 6) for value in oxygen_values(composition)))
    TiO2 2.0 2.0
    Ti 0.0 0.0
    BaCO3 1.0 1.0
    LiOH 0.5 0.5
    FeC2O4 1.0 1.0
    NH4H2PO4 2.5 2.5
    Ba(NO3)2 6.0 2.0
    """
    amounts = composition.floats
    carbon, hydrogen, nitrogen, oxygen = (amounts.get(symbol, 0.0) for symbol in ("C", "H", "N", "O"))
    traits = redox(composition)
    oxygen_left = oxygen - (_IN_CO_AND_CO2 if _is_oxalate(amounts) else _IN_CARBON_DIOXIDE) * carbon
    if traits.ammonium:
        hydrogen -= min(3 * nitrogen, hydrogen)
    first = second = oxygen_left - hydrogen / 2
    if amounts.keys().isdisjoint(_ACIDIC):
        first += hydrogen / 2
    if traits.nitrate and oxygen >= 3 * nitrogen:  # nitrites and ammonium nitrate leave as N2 alone
        second -= _IN_NITROGEN_DIOXIDE * nitrogen
    atoms = sum(amounts.values())
    return first / atoms, second / atoms


def _is_oxalate(amounts: Mapping[str, float]) -> bool:
    """Whether all oxygen is that of oxalate and of water, and all other hydrogen that of ammonium."""
    if "C" not in amounts or amounts.keys() <= {"C", "H", "O"}:
        return False
    water = (amounts.get("H", 0.0) - 4 * amounts.get("N", 0.0)) / 2
    return water >= 0 and abs(amounts.get("O", 0.0) - 2 * amounts["C"] - water) < _EXACT
