"""Spelling of precursors as chemists write them: `NH4H2PO4` instead of `PH6NO4`."""

from __future__ import annotations

from rrgraph.chem import Composition, parse_formula, usual_spelling

__all__ = ["preferred_spelling"]


def preferred_spelling(precursor: Composition) -> Composition:
    """Return a composition in the spelling of the reagent library, else in its own spelling.

    Hydroxide groups written as `(HO)` become `(OH)`.
    """
    known = usual_spelling(precursor)
    if known is not None:
        return known
    return parse_formula(precursor.formula.replace("(HO)", "(OH)"))
