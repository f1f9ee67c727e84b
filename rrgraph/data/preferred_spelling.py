"""Spelling of precursors as chemists write them: `NH4H2PO4` instead of `PH6NO4`."""

from __future__ import annotations

from functools import cache
from typing import Final

from rrgraph.chem import Composition, parse_formula
from rrgraph.data.catalogue import load_table

__all__ = ["preferred_spelling"]

# Common reagents that are not in the textbook table.
_REAGENTS: Final = [
    "NaOH",
    "KOH",
    "CsOH",
    "RbOH",
    "FeOOH",
    "MnOOH",
    "Mg5(CO3)4(OH)2",
    "(NH4)6Mo7O24",
    "(NH4)2SO4",
    "NH4ReO4",
    "NaCH3COO",
    "KCH3COO",
    "Ca3(PO4)2",
    "Mn(CH3COO)2",
    "Ni(CH3COO)2",
    "Co(CH3COO)2",
    "Ba(CH3COO)2",
    "Zn(CH3COO)2",
    "Cu(CH3COO)2",
    "Mg(CH3COO)2",
    "Ca(CH3COO)2",
    "Sr(CH3COO)2",
    "Pb(CH3COO)2",
    "NiC2O4",
    "CoC2O4",
    "MnC2O4",
    "ZnC2O4",
    "FeC2O4",
    "MgC2O4",
    "SrC2O4",
    "CaC2O4",
    "LiNH2",
    "Pb3(CO3)2(OH)2",
    "H2SiO3",
    "Si(OC2H5)4",
    "Ti(OC4H9)4",
    "Ni3CO3(OH)4",
    "Ca(H2PO2)2",
    "NaHCO3",
    "KHCO3",
    "NH4HCO3",
    "(NH4)2CO3",
    "NaHSO4",
    "(NH4)3PO4",
]


def preferred_spelling(precursor: Composition) -> Composition:
    """Return a composition in the spelling of the textbook table or of a list of reagents, else in its own spelling.

    Hydroxide groups written as `(HO)` become `(OH)`.
    """
    known = _spellings().get(precursor.key)
    if known is not None:
        return known
    return parse_formula(precursor.formula.replace("(HO)", "(OH)"))


@cache
def _spellings() -> dict[str, Composition]:
    reagents = {reagent.key: reagent for reagent in map(parse_formula, _REAGENTS)}
    return load_table("textbook").precursors() | reagents
