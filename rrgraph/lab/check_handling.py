"""Compares handling notes with published GHS classifications: recall and precision of each class.

    python -m rrgraph.lab.check_handling precursor_facts.csv

The table has the columns ``formula`` and ``ghs_jp_kr`` (classifications of the national authorities of Japan and Korea,
joined by ``|``). It is read, and nothing of it ships. Rows without a classification are left out: nobody has looked.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rrgraph.chem import parse_formula
from rrgraph.lab.handling import handling_notes
from rrgraph.lab.notes import Hazard

__all__ = ["CLASSES", "Agreement", "compare"]

CLASSES: Final[Mapping[str, tuple[re.Pattern[str], frozenset[Hazard]]]] = {
    "acute toxicity": (
        re.compile(r"acute toxicity.*category\s*[1-5]", re.IGNORECASE),
        frozenset({Hazard.TOXIC, Hazard.HARMFUL}),
    ),
    "carcinogenicity": (
        re.compile(r"carcinogenicity.*category\s*[12]", re.IGNORECASE),
        frozenset({Hazard.CARCINOGENIC}),
    ),
    "oxidising": (re.compile(r"oxidi[sz]ing.*category\s*[1-3]", re.IGNORECASE), frozenset({Hazard.OXIDISER})),
    "water-reactive": (
        re.compile(r"contact with water.*category\s*[1-3]", re.IGNORECASE),
        frozenset({Hazard.WATER_REACTIVE}),
    ),
}
"""By name: how the classification is written, and the hazards by which notes say the same."""


@dataclass
class Agreement:
    """Formulas of one class.

    Attributes:
        both: classified, and noted.
        missed: classified only.
        more: noted only.
    """

    both: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of the classified ones that are noted."""
        return len(self.both) / max(1, len(self.both) + len(self.missed))

    @property
    def precision(self) -> float:
        """Share of the noted ones that are classified."""
        return len(self.both) / max(1, len(self.both) + len(self.more))


def compare(rows: Iterable[tuple[str, str]]) -> dict[str, Agreement]:
    """Return the agreement in each class, and in all together.

    >>> found = compare([("PbO", "Acute toxicity (oral) - Category 4"), ("NaNO3", "Carcinogenicity - Category 1A")])
    >>> found["acute toxicity"].both, found["acute toxicity"].more, found["all"].recall
    (['PbO'], ['NaNO3'], 0.5)

    Args:
        rows: formula and classification of each material.
    """
    found = {name: Agreement() for name in CLASSES}
    for formula, classification in rows:
        hazards = {note.hazard for note in handling_notes(parse_formula(formula))}
        for name, (pattern, ours) in CLASSES.items():
            is_classified = any(pattern.search(entry) for entry in classification.split("|"))
            is_noted = not ours.isdisjoint(hazards)
            if is_classified or is_noted:
                agreement = found[name]
                (
                    agreement.both
                    if is_classified and is_noted
                    else agreement.missed
                    if is_classified
                    else agreement.more
                ).append(formula)
    every = found.values()
    found["all"] = Agreement(
        both=[each for one in every for each in one.both],
        missed=[each for one in every for each in one.missed],
        more=[each for one in every for each in one.more],
    )
    return found


def main() -> None:
    """Print a table in Markdown, and what is missed and noted beyond it."""
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as stream:
        rows = [(row["formula"], row["ghs_jp_kr"]) for row in csv.DictReader(stream) if row["ghs_jp_kr"].strip()]
    found = compare(rows)
    print(f"{len(rows)} classified materials\n")
    print("| class | classified | noted | recall | precision |\n|---|---|---|---|---|")
    for name, each in found.items():
        classified, noted = len(each.both) + len(each.missed), len(each.both) + len(each.more)
        print(f"| {name} | {classified} | {noted} | {100 * each.recall:.0f} % | {100 * each.precision:.0f} % |")
    for name in CLASSES:
        missed, more = (", ".join(each) or "none" for each in (found[name].missed, found[name].more))
        print(f"\n{name}: missed {missed}; more {more}")


if __name__ == "__main__":
    main()
