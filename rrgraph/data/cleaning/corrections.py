"""Corrections of precursor formulas that cannot exist.

They are in `corrections.csv` of this folder (formula, correction or `drop`, reason) and follow from charge balance.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from rrgraph.chem import Composition, parse_formula

__all__ = ["Correction", "corrections"]

_DROP = "drop"


@dataclass(frozen=True, slots=True)
class Correction:
    """The correction of an impossible formula.

    Attributes:
        formula: the impossible formula.
        meant: the composition that was meant, None if unknown.
        reason: why the formula is impossible.
    """

    formula: str
    meant: Composition | None
    reason: str


@cache
def corrections() -> Mapping[str, Correction]:
    """Return the corrections by canonical key of the impossible formula without water of crystallisation."""
    text = (resources.files("rrgraph.data.cleaning") / "corrections.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        meant = None if row["correction"] == _DROP else parse_formula(row["correction"])
        found[parse_formula(row["formula"]).key] = Correction(row["formula"], meant, row["reason"])
    return found
