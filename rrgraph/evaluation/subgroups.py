"""Where a system is good and where not: top-k accuracy by chemical family, size, year and distance from training.

The measured rows, their outcome and the element systems of training flow in; one `Subgroups` a grouping flows out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ATOMIC_NUMBERS, source_elements
from rrgraph.data import ReactionTable
from rrgraph.errors import ScoreError, suggestion
from rrgraph.graph import ANION_CLASSES, anion_class
from rrgraph.metrics import RESAMPLES, RowRanks, TopK, top_k_accuracy
from rrgraph.util.registry import Registry

__all__ = ["SUBGROUPINGS", "MeasuredRows", "Subgrouping", "Subgroups", "subgroup_accuracy", "system_distances"]

Label = tuple[float, str]
"""Place of a stratum among the others, and its name."""

_YEARS: Final = (2000, 2005, 2010, 2014)
"""Last years of the strata that hold several; every later year is a stratum of its own."""

_MOST_ELEMENTS: Final = 6
_FARTHEST: Final = 3
_CHUNK: Final = 512


@dataclass(frozen=True)
class Subgroups:
    """Accuracy of the rows of each kind.

    Attributes:
        by: name of the grouping, one of `SUBGROUPINGS`.
        accuracy: top-k by name of the stratum, in order; only those that have rows.
    """

    by: str
    accuracy: Mapping[str, TopK]

    @property
    def title(self) -> str:
        """What the rows are grouped by, in words."""
        return SUBGROUPINGS[self.by].title if self.by in SUBGROUPINGS else self.by

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: `TopK.to_dict` by name of the stratum."""
        return {name: top.to_dict() for name, top in self.accuracy.items()}

    @classmethod
    def from_dict(cls, by: str, values: Mapping[str, Any]) -> Subgroups:
        """Return what `to_dict` described."""
        return cls(by=by, accuracy={name: TopK.from_dict(top) for name, top in values.items()})

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return the header and the rows of a table for people; shares are in %, intervals in brackets."""
        columns = sorted({k for top in self.accuracy.values() for k in top.top})
        body = [
            [name, str(top.rows), *(str(top.top[k]) if k in top.top else "-" for k in columns)]
            for name, top in self.accuracy.items()
        ]
        return [self.title, "rows", *(f"top-{k}" for k in columns)], body


@dataclass(frozen=True, eq=False)
class MeasuredRows:
    """What rows can be grouped by.

    Attributes:
        table: the measured reactions.
        unseen: (rows,) see `RowRanks`.
        systems: element systems of the training targets (`Fe-O`), None when they are not known.
    """

    table: ReactionTable
    unseen: NDArray[np.bool_] | None = None
    systems: Collection[str] | None = None


@dataclass(frozen=True)
class Subgrouping:
    """One way to tell rows apart.

    Attributes:
        title: what rows are grouped by, in words.
        label: return the stratum of each row; raises `ScoreError` where it cannot be known.
    """

    title: str
    label: Callable[[MeasuredRows], Sequence[Label]]


def subgroup_accuracy(
    outcome: RowRanks,
    table: ReactionTable,
    by: Sequence[str] | None = None,
    *,
    systems: Collection[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Subgroups, ...]:
    """Return the accuracy of a system by kind of row, under the truth of the protocol.

    Args:
        outcome: rank of each row, see `Metrics.rows`.
        table: the measured rows.
        by: names of groupings, all by default.
        systems: element systems of the training targets, for the grouping `distance`.
        resamples: number of bootstrap resamples of each stratum, over its targets.
        seed: of the bootstrap.

    Raises:
        ConfigError: there is no such grouping.
        ScoreError: outcome and table differ in their rows, or a grouping needs what is not known.
    """
    if list(outcome.targets) != table.target_keys.tolist():
        raise ScoreError(f"The outcome of {len(outcome.targets)} rows is not that of the {len(table)} rows to group.")
    rows = MeasuredRows(table, outcome.unseen, systems)
    found = []
    for name in SUBGROUPINGS if by is None else by:
        members: dict[Label, list[int]] = {}
        for row, label in enumerate(SUBGROUPINGS[name].label(rows)):
            members.setdefault(label, []).append(row)
        accuracy = {
            label[1]: top_k_accuracy(
                outcome.ranks[index], [outcome.targets[row] for row in index], resamples=resamples, seed=seed
            )
            for label, index in sorted(members.items())
        }
        found.append(Subgroups(by=name, accuracy=accuracy))
    return tuple(found)


def system_distances(systems: Sequence[str], known: Collection[str]) -> NDArray[np.int64]:
    """Return how far each element system is from the nearest known one, (systems,).

    The distance of two systems is the number of elements that only one of them has: each has to be added or removed,
    so that one element in place of another counts as two.

    Args:
        systems: element systems such as `Fe-O`.
        known: those that are near by definition.

    Raises:
        ScoreError: no system is known, or a system names something that is no element.
    """
    if not known:
        raise ScoreError("Cannot measure the distance from training: no element system is known.")
    distinct, index = np.unique(np.array(systems, dtype=str), return_inverse=True)
    near = _presence(sorted(known))
    sizes = near.sum(1)
    found = np.zeros(len(distinct), dtype=np.int64)
    for start in range(0, len(distinct), _CHUNK):
        chunk = _presence(distinct[start : start + _CHUNK].tolist())
        # |A| + |B| - 2 |A and B|; whole numbers this small are exact in 32 bits.
        found[start : start + _CHUNK] = (chunk.sum(1)[:, None] + sizes - 2 * chunk @ near.T).min(1)
    return found[index.ravel()]


def _presence(systems: Sequence[str]) -> NDArray[np.float32]:
    """Return (systems, elements) 1 where the element system has the element."""
    present = np.zeros((len(systems), len(ATOMIC_NUMBERS) + 1), dtype=np.float32)
    for row, system in enumerate(systems):
        for symbol in system.split("-"):
            if symbol not in ATOMIC_NUMBERS:
                near = suggestion(symbol, ATOMIC_NUMBERS)
                raise ScoreError(f"The element system '{system}' names '{symbol}', which is no element.{near}")
            present[row, ATOMIC_NUMBERS[symbol]] = 1
    return present


SUBGROUPINGS: Final[Registry[Subgrouping]] = Registry("grouping of rows")
"""Ways to tell the rows of an evaluation apart, by name."""


def _anion_class(rows: MeasuredRows) -> list[Label]:
    families = [anion_class(target.elements) for target in rows.table.targets]
    return [(ANION_CLASSES.index(family), family) for family in families]


def _source_elements(rows: MeasuredRows) -> list[Label]:
    numbers = [min(len(source_elements(target)), _MOST_ELEMENTS) for target in rows.table.targets]
    return [(number, f"{number} or more" if number == _MOST_ELEMENTS else str(number)) for number in numbers]


def _year(rows: MeasuredRows) -> list[Label]:
    return [_period(year) for year in rows.table.years.tolist()]


def _period(year: float) -> Label:
    if np.isnan(year):
        return np.inf, "unknown"
    place = bisect_left(_YEARS, year)
    if place == len(_YEARS):
        return year, f"{year:.0f}"
    return _YEARS[place], f"{_YEARS[place - 1] + 1}-{_YEARS[place]}" if place else f"up to {_YEARS[0]}"


def _distance(rows: MeasuredRows) -> list[Label]:
    if rows.systems is None:
        raise ScoreError("Rows cannot be grouped by distance: the element systems of the training rows are not known.")
    if not len(rows.table):
        return []
    distances = np.minimum(system_distances(rows.table.element_systems.tolist(), rows.systems), _FARTHEST)
    names = ("0 (known system)", *map(str, range(1, _FARTHEST)), f"{_FARTHEST} or more")
    return [(distance, names[distance]) for distance in distances.tolist()]


def _unseen(rows: MeasuredRows) -> list[Label]:
    if rows.unseen is None:
        raise ScoreError("Rows cannot be grouped by unseen: the precursors of the training rows are not known.")
    return [(unseen, "at least one" if unseen else "none") for unseen in rows.unseen.tolist()]


SUBGROUPINGS.register("anion_class")(Subgrouping("anion class", _anion_class))
SUBGROUPINGS.register("source_elements")(Subgrouping("source elements", _source_elements))
SUBGROUPINGS.register("year")(Subgrouping("year", _year))
SUBGROUPINGS.register("distance")(Subgrouping("distance from training", _distance))
SUBGROUPINGS.register("unseen")(Subgrouping("precursors unseen in training", _unseen))
