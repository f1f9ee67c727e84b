"""What a screening found, counted over its shards: what can be made, by element, anion class and distance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rrgraph.chem import ELEMENTS
from rrgraph.graph import ANION_CLASSES, anion_class
from rrgraph.screening.shards import Shards
from rrgraph.util.files import write_json

__all__ = ["BINS", "Count", "Summary", "SystemCount", "summarise"]

BINS: Final = 20
"""Of the histogram of probabilities, which go from 0 to 1."""

_SHOWN: Final = 10
"""Systems at either end of the ranking."""
_LEAST: Final = 3
"""Targets that a system needs to be ranked, where any has as many."""
_FARTHEST: Final = 6
_COLLAPSED: Final = 64
"""Tables of counts that are added up at a time."""


@dataclass(frozen=True)
class Count:
    """How many targets there are of a kind.

    Attributes:
        targets: all of them.
        with_set: those for which there is a precursor set.
        from_shelf: those for which one of the listed sets is wholly on the shelf.
    """

    targets: int = 0
    with_set: int = 0
    from_shelf: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.targets + other.targets, self.with_set + other.with_set, self.from_shelf + other.from_shelf)

    def made(self, *, shelf: bool) -> int:
        """Return the number that can be made, from the shelf where that is known."""
        return self.from_shelf if shelf else self.with_set


@dataclass(frozen=True)
class SystemCount:
    """The targets of an element system, and the mean of their probabilities.

    Attributes:
        system: such as `Fe-O`.
        count: its targets.
        probability: mean over them of that of the best set, from the shelf where that is known; 0 where there is none.
    """

    system: str
    count: Count
    probability: float


@dataclass(frozen=True)
class Summary:
    """What a screening found.

    Attributes:
        folder: where it is.
        rows: of the input.
        rejects: rows that were rejected, by kind of reason.
        shelf: whether it is known what is at hand.
        total: all targets.
        by_element: targets that contain an element.
        by_anion_class: targets by their chemical family.
        by_distance: targets by the distance of their element system from the nearest of the training reactions.
        probabilities: numbers of targets by the probability of their best set, in bins: those that can be made from the
            shelf, and the others.
        ranked_from: number of targets from which on a system is ranked.
        most: systems with the largest mean probability.
        least: systems with the smallest.
    """

    folder: Path
    rows: int
    rejects: dict[str, int]
    shelf: bool
    total: Count
    by_element: dict[str, Count]
    by_anion_class: dict[str, Count]
    by_distance: dict[str, Count]
    probabilities: tuple[list[int], list[int]]
    ranked_from: int
    most: list[SystemCount]
    least: list[SystemCount]

    @property
    def rejected(self) -> int:
        """The number of rows that were rejected."""
        return sum(self.rejects.values())


def summarise(shards: Shards, *, shelf: bool) -> Summary:
    """Return the summary of a screening that is done; write it, the rejected rows, and page and figures beside it.

    Page and figures are left out where matplotlib or Jinja2 is not installed.

    Args:
        shards: all of them.
        shelf: whether it is known what is at hand.
    """
    from rrgraph.screening.page import write_page

    summary = _counted(shards, shelf=shelf)
    values = asdict(summary)
    del values["folder"]
    write_json(shards.folder / "summary.json", values)
    write_page(summary)
    return summary


def _counted(shards: Shards, *, shelf: bool) -> Summary:
    histogram = np.zeros((2, BINS), dtype=np.int64)
    by_distance: dict[int, Count] = {}
    systems = _systems(_with_numbers(shards, histogram, by_distance, shelf=shelf))
    by_element: dict[str, Count] = {}
    by_class: dict[str, Count] = {}
    ranked = []
    for row in systems.to_pylist():
        count = Count(row["targets_sum"], row["with_set_sum"], row["from_shelf_sum"])
        elements = row["system"].split("-")
        for found, names in ((by_element, elements), (by_class, [anion_class(elements)])):
            for name in names:
                found[name] = found.get(name, Count()) + count
        ranked.append(SystemCount(row["system"], count, row["probability_sum"] / count.targets))
    least = min(_LEAST, max((each.count.targets for each in ranked), default=0))
    ranked = [each for each in ranked if each.count.targets >= least]
    return Summary(
        folder=shards.folder,
        rows=sum(note["rows"] for note in shards.notes()),
        rejects=shards.write_rejects(),
        shelf=shelf,
        total=sum(by_class.values(), Count()),
        by_element={name: by_element[name] for name in ELEMENTS if name in by_element},
        by_anion_class={name: by_class[name] for name in ANION_CLASSES if name in by_class},
        by_distance={
            f"{distance}{' or more' if distance == _FARTHEST else ''}": by_distance[distance]
            for distance in sorted(by_distance)
        },
        probabilities=(histogram[0].tolist(), histogram[1].tolist()),
        ranked_from=least,
        most=sorted(ranked, key=lambda each: (-each.probability, -each.count.targets, each.system))[:_SHOWN],
        least=sorted(ranked, key=lambda each: (each.probability, -each.count.targets, each.system))[:_SHOWN],
    )


def _with_numbers(shards: Shards, histogram: Any, by_distance: dict[int, Count], *, shelf: bool) -> Iterator[pa.Table]:
    """Yield the counts of each shard by system, and add to the histogram and to the counts by distance."""
    for table in shards.tables(["system", "probability", "system_distance", "shelf_rank", "shelf_probability"]):
        best = table["probability"].to_numpy()
        with_set = pc.is_valid(table["probability"]).to_numpy()
        there = pc.is_valid(table["shelf_rank"]).to_numpy()
        for row, chosen in enumerate((there, with_set & ~there)):
            histogram[row] += np.histogram(best[chosen], bins=BINS, range=(0, 1))[0]
        far = pc.fill_null(table["system_distance"], -1).to_numpy()
        for distance in np.unique(far[far >= 0]).tolist():
            own = far == distance
            count = Count(int(own.sum()), int(with_set[own].sum()), int(there[own].sum()))
            name = min(distance, _FARTHEST)
            by_distance[name] = by_distance.get(name, Count()) + count
        chance = pc.fill_null(table["shelf_probability" if shelf else "probability"], 0.0)
        yield pa.table(
            {
                "system": table["system"],
                "targets": np.ones(len(best), dtype=np.int64),
                "with_set": with_set.astype(np.int64),
                "from_shelf": there.astype(np.int64),
                "probability": chance,
            }
        )


_SUMS: Final = ("targets", "with_set", "from_shelf", "probability")


def _systems(tables: Iterable[pa.Table]) -> pa.Table:
    """Return the sums of each system; not more than some tables are in memory at a time."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if len(waiting) == _COLLAPSED:
            waiting = [_added(waiting).rename_columns(["system", *_SUMS])]
    return _added(waiting) if waiting else pa.table({"system": [], **{f"{name}_sum": [] for name in _SUMS}})


def _added(tables: Sequence[pa.Table]) -> pa.Table:
    whole = pa.concat_tables(tables)
    return whole.group_by("system", use_threads=False).aggregate([(name, "sum") for name in _SUMS])
