"""Precursor formulas that cannot exist, and what was meant.

Flows in: the table `corrections.csv` of this folder (formula, correction or `drop`, reason), written from charge
balance. Flows out: a mapping by canonical key.
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
    """What to read in place of an impossible formula.

    Attributes:
        formula: the impossible one.
        meant: the composition that was meant, None if nobody can know.
        reason: why the formula is impossible.
    """

    formula: str
    meant: Composition | None
    reason: str


@cache
def corrections() -> Mapping[str, Correction]:
    """Return every correction by the canonical key of the impossible formula, without water of crystallisation."""
    text = (resources.files("rrgraph.data.cleaning") / "corrections.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        meant = None if row["correction"] == _DROP else parse_formula(row["correction"])
        found[parse_formula(row["formula"]).key] = Correction(row["formula"], meant, row["reason"])
    return found
