"""What the parts of a split share: the report that goes with every split.

Flows in: the training, validation, test and holdout tables. Flows out: counts of shared targets, element systems,
reactions and recipes, and of rows whose precursors training never shows.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from rrgraph.data.table import ReactionTable

__all__ = ["LeakageReport", "Overlap", "leakage_report"]

_NAMES = {
    "targets": "targets",
    "element_systems": "element systems",
    "reactions": "reactions (target and set)",
    "recipes": "recipes (group)",
    "publications": "publications (doi)",
}


@dataclass(frozen=True)
class Overlap:
    """What two parts have in common.

    Attributes:
        shared: number of distinct values that occur in both parts.
        rows: rows of the later part (validation after training, then test, then holdout) that carry one of them.
    """

    shared: int
    rows: int


@dataclass(frozen=True)
class LeakageReport:
    """Sizes of a split's parts, what they share, and which rows it left out; a holdout counts as a part.

    Attributes:
        split: name of the split.
        rows: number of rows of each part.
        removed: number of rows left out, by reason.
        overlaps: for each pair of parts that have rows (`"train/test"`) and each kind of thing (`targets`,
            `element_systems`, `reactions`, and where the table has the column `recipes` and `publications`) what
            they share.
        unseen: validation, test and holdout rows whose recorded set has a precursor that no training row uses.
    """

    split: str
    rows: Mapping[str, int]
    removed: Mapping[str, int]
    overlaps: Mapping[str, Mapping[str, Overlap]]
    unseen: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"split {self.split}: " + ", ".join(f"{count:,} {part} rows" for part, count in self.rows.items())]
        lines += [f"  left out, {reason}: {count:,} rows" for reason, count in self.removed.items() if count]
        for pair, kinds in self.overlaps.items():
            earlier, later = pair.split("/")
            for kind, overlap in kinds.items():
                where = f" (in {overlap.rows:,} {later} rows)" if overlap.shared else ""
                lines.append(f"  {earlier} and {later} share {overlap.shared:,} {_NAMES[kind]}{where}")
        for part, count in self.unseen.items():
            total = self.rows[part]
            share = f" ({count / total:.1%})" if total else ""
            lines.append(f"  {part} rows with a precursor unseen in training: {count:,}{share}")
        return "\n".join(lines)


def leakage_report(name: str, parts: Mapping[str, ReactionTable], *, removed: Mapping[str, int]) -> LeakageReport:
    """Compare the parts of a split.

    Args:
        name: of the split.
        parts: the tables in the order `train`, `validation`, `test` and, if there is one, `holdout`.
        removed: rows left out, by reason.
    """
    values = {part: _values(table) for part, table in parts.items()}
    overlaps = {
        f"{first}/{second}": {
            kind: _overlap(values[first][kind], values[second][kind])
            for kind in values[first]
            if kind in values[second]
        }
        for first, second in combinations(parts, 2)
        if len(parts[first]) and len(parts[second])
    }
    known = parts["train"].precursors().keys()
    return LeakageReport(
        split=name,
        rows={part: len(table) for part, table in parts.items()},
        removed=dict(removed),
        overlaps=overlaps,
        unseen={
            part: sum(not keys <= known for keys in table.set_keys)
            for part, table in parts.items()
            if part != "train" and len(table)
        },
    )


def _values(table: ReactionTable) -> dict[str, list[Any]]:
    """Return what may leak, one value a row and kind; None where a row has none."""
    values: dict[str, list[Any]] = {
        "targets": table.target_keys.tolist(),
        "element_systems": table.element_systems.tolist(),
        "reactions": list(zip(table.target_keys.tolist(), table.set_keys, strict=True)),
    }
    for kind, column in (("recipes", "group"), ("publications", "doi")):
        if column in table.frame and table.frame[column].notna().any():
            cells = table.frame[column].astype(object)
            values[kind] = cells.where(cells.notna(), None).tolist()
    return values


def _overlap(first: Iterable[Hashable], second: list[Hashable]) -> Overlap:
    shared = (set(first) & set(second)) - {None}
    return Overlap(shared=len(shared), rows=int(np.sum([value in shared for value in second])))
