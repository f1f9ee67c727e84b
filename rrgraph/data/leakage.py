"""The report of what the subsets of a split share: targets, element systems, reactions, recipes, publications."""

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
    """What two subsets have in common.

    Attributes:
        shared: number of distinct values that are in both subsets.
        rows: rows with such a value in the later subset (validation after training, then test, then holdout).
    """

    shared: int
    rows: int


@dataclass(frozen=True)
class LeakageReport:
    """Sizes of a split's subsets, what they share, and the rows left out; a holdout counts as a subset.

    Attributes:
        split: name of the split.
        rows: number of rows of each subset.
        removed: number of rows left out, by reason.
        overlaps: what each pair of nonempty subsets (`"train/test"`) shares: `targets`, `element_systems`,
            `reactions`, and, if the table has these columns, `recipes` and `publications`.
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
        lines = [f"split {self.split}: " + ", ".join(f"{count:,} {subset} rows" for subset, count in self.rows.items())]
        lines += [f"  left out, {reason}: {count:,} rows" for reason, count in self.removed.items() if count]
        for pair, overlaps in self.overlaps.items():
            earlier, later = pair.split("/")
            for shared, overlap in overlaps.items():
                where = f" (in {overlap.rows:,} {later} rows)" if overlap.shared else ""
                lines.append(f"  {earlier} and {later} share {overlap.shared:,} {_NAMES[shared]}{where}")
        for subset, count in self.unseen.items():
            total = self.rows[subset]
            share = f" ({count / total:.1%})" if total else ""
            lines.append(f"  {subset} rows with a precursor unseen in training: {count:,}{share}")
        return "\n".join(lines)


def leakage_report(name: str, subsets: Mapping[str, ReactionTable], *, removed: Mapping[str, int]) -> LeakageReport:
    """Compare the subsets of a split.

    Args:
        name: of the split.
        subsets: the tables in the order `train`, `validation`, `test` and, if there is one, `holdout`.
        removed: rows left out, by reason.
    """
    values = {subset: _values(table) for subset, table in subsets.items()}
    overlaps = {
        f"{first}/{second}": {
            shared: _overlap(values[first][shared], values[second][shared])
            for shared in values[first]
            if shared in values[second]
        }
        for first, second in combinations(subsets, 2)
        if len(subsets[first]) and len(subsets[second])
    }
    known = subsets["train"].precursors().keys()
    return LeakageReport(
        split=name,
        rows={subset: len(table) for subset, table in subsets.items()},
        removed=dict(removed),
        overlaps=overlaps,
        unseen={
            subset: sum(not keys <= known for keys in table.set_keys)
            for subset, table in subsets.items()
            if subset != "train" and len(table)
        },
    )


def _values(table: ReactionTable) -> dict[str, list[Any]]:
    """Return the values that may leak, one for each row; None where a row has none."""
    values: dict[str, list[Any]] = {
        "targets": table.target_keys.tolist(),
        "element_systems": table.element_systems.tolist(),
        "reactions": list(zip(table.target_keys.tolist(), table.set_keys, strict=True)),
    }
    for name, column in (("recipes", "group"), ("publications", "doi")):
        if column in table.frame and table.frame[column].notna().any():
            cells = table.frame[column].astype(object)
            values[name] = cells.where(cells.notna(), None).tolist()
    return values


def _overlap(first: Iterable[Hashable], second: list[Hashable]) -> Overlap:
    shared = (set(first) & set(second)) - {None}
    return Overlap(shared=len(shared), rows=int(np.sum([value in shared for value in second])))
