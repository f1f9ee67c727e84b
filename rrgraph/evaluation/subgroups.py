"""Top-k accuracy on subgroups of the rows: by chemistry, atmosphere, year and distance from training."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ATMOSPHERES, ATOMIC_NUMBERS, source_elements
from rrgraph.data import ReactionTable, SetBatch
from rrgraph.errors import ScoreError, suggestion
from rrgraph.graph import ANION_CLASSES, OXYGEN_BALANCE, anion_class, balance_oxygen
from rrgraph.metrics import RESAMPLES, RowRanks, TopK, top_k_accuracy
from rrgraph.util.registry import Registry

__all__ = ["SUBGROUPINGS", "MeasuredRows", "Subgrouping", "Subgroups", "subgroup_accuracy", "system_distances"]

Label = tuple[float, str]
"""Sort key of a subgroup among the others, and its name."""

_YEARS: Final = (2000, 2005, 2010, 2014)
"""Last years of the subgroups of several years; every later year is a subgroup of its own."""

_ALKALI_METALS: Final = frozenset(["Li", "Na", "K", "Rb", "Cs", "Fr"])
_MOST_ELEMENTS: Final = 6
_FARTHEST: Final = 3
_BATCH_SIZE: Final = 512


@dataclass(frozen=True)
class Subgroups:
    """Accuracy on each subgroup of the rows.

    Attributes:
        by: how rows are grouped, one of `SUBGROUPINGS`.
        accuracy: top-k by name of the subgroup, in order; only those that have rows.
    """

    by: str
    accuracy: Mapping[str, TopK]

    @property
    def title(self) -> str:
        """What the rows are grouped by, in words."""
        return SUBGROUPINGS[self.by].title if self.by in SUBGROUPINGS else self.by

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: `TopK.to_dict` by name of the subgroup."""
        return {name: top.to_dict() for name, top in self.accuracy.items()}

    @classmethod
    def from_dict(cls, by: str, values: Mapping[str, Any]) -> Subgroups:
        """Return the object that `to_dict` was called on."""
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
        systems: element systems of the training targets (`Fe-O`), None if not known.
    """

    table: ReactionTable
    unseen: NDArray[np.bool_] | None = None
    systems: Collection[str] | None = None


@dataclass(frozen=True)
class Subgrouping:
    """One way to group rows.

    Attributes:
        title: what rows are grouped by, in words.
        label: returns the subgroup of each row; raises `ScoreError` if it cannot be known.
    """

    title: str
    label: Callable[[MeasuredRows], Sequence[Label]]


def subgroup_accuracy(
    ranks: RowRanks,
    table: ReactionTable,
    by: Sequence[str] | None = None,
    *,
    systems: Collection[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Subgroups, ...]:
    """Return the accuracy of a system on subgroups of the rows.

    Args:
        ranks: rank in each row, see `Metrics.rows`.
        table: the measured rows.
        by: names from `SUBGROUPINGS`, all by default.
        systems: element systems of the training targets, for `distance`.
        resamples: number of bootstrap resamples of each subgroup, over its targets.
        seed: of the bootstrap.

    Raises:
        ConfigError: there is no such way to group rows.
        ScoreError: ranks and table differ in their rows, or `unseen` or `systems` are needed but not known.
    """
    if list(ranks.targets) != table.target_keys.tolist():
        raise ScoreError(
            f"The ranks of {len(ranks.targets)} rows were not measured on the {len(table)} rows of the table."
        )
    rows = MeasuredRows(table, ranks.unseen, systems)
    found = []
    for name in SUBGROUPINGS if by is None else by:
        members: dict[Label, list[int]] = {}
        for row, label in enumerate(SUBGROUPINGS[name].label(rows)):
            members.setdefault(label, []).append(row)
        accuracy = {
            label[1]: top_k_accuracy(
                ranks.ranks[index], [ranks.targets[row] for row in index], resamples=resamples, seed=seed
            )
            for label, index in sorted(members.items())
        }
        found.append(Subgroups(by=name, accuracy=accuracy))
    return tuple(found)


def system_distances(systems: Sequence[str], known: Collection[str]) -> NDArray[np.int64]:
    """Return the distance of each element system from the nearest known one, (systems,).

    The distance of two systems is the number of elements that only one of them has, so that one element in place of
    another counts as two.

    Args:
        systems: element systems such as `Fe-O`.
        known: the known systems.

    Raises:
        ScoreError: no system is known, or a system contains an unknown element.
    """
    if not known:
        raise ScoreError("Cannot measure the distance from training: no element system is known.")
    distinct, index = np.unique(np.array(systems, dtype=str), return_inverse=True)
    near = _presence(sorted(known))
    sizes = near.sum(1)
    found = np.zeros(len(distinct), dtype=np.int64)
    for start in range(0, len(distinct), _BATCH_SIZE):
        batch = _presence(distinct[start : start + _BATCH_SIZE].tolist())
        # |A| + |B| - 2 |A and B|; whole numbers this small are exact in 32 bits.
        found[start : start + _BATCH_SIZE] = (batch.sum(1)[:, None] + sizes - 2 * batch @ near.T).min(1)
    return found[index.ravel()]


def _presence(systems: Sequence[str]) -> NDArray[np.float32]:
    """Return (systems, elements), 1 where the element system has the element."""
    present = np.zeros((len(systems), len(ATOMIC_NUMBERS) + 1), dtype=np.float32)
    for row, system in enumerate(systems):
        for symbol in system.split("-"):
            if symbol not in ATOMIC_NUMBERS:
                near = suggestion(symbol, ATOMIC_NUMBERS)
                raise ScoreError(f"'{symbol}' in the element system '{system}' is not an element.{near}")
            present[row, ATOMIC_NUMBERS[symbol]] = 1
    return present


SUBGROUPINGS: Final[Registry[Subgrouping]] = Registry("grouping of rows")
"""Ways to group the rows of an evaluation, by name."""


def _anion_class(rows: MeasuredRows) -> list[Label]:
    families = [anion_class(target.elements) for target in rows.table.targets]
    return [(ANION_CLASSES.index(family), family) for family in families]


def _source_elements(rows: MeasuredRows) -> list[Label]:
    counts = [min(len(source_elements(target)), _MOST_ELEMENTS) for target in rows.table.targets]
    return [(count, f"{count} or more" if count == _MOST_ELEMENTS else str(count)) for count in counts]


def _year(rows: MeasuredRows) -> list[Label]:
    return [_period(year) for year in rows.table.years.tolist()]


def _period(year: float) -> Label:
    if np.isnan(year):
        return np.inf, "unknown"
    index = bisect_left(_YEARS, year)
    if index == len(_YEARS):
        return year, f"{year:.0f}"
    return _YEARS[index], f"{_YEARS[index - 1] + 1}-{_YEARS[index]}" if index else f"up to {_YEARS[0]}"


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


def _alkali(rows: MeasuredRows) -> list[Label]:
    found = [bool(target.elements & _ALKALI_METALS) for target in rows.table.targets]
    return [(there, "with alkali metal" if there else "without") for there in found]


def _redox(rows: MeasuredRows) -> list[Label]:
    """Tell sets whose oxygen closes because two members bring one element in different states, as in V2O3 + V2O5."""
    if not len(rows.table):
        return []
    members = {each.key: each for own in rows.table.precursor_sets for each in own}
    place = {key: index for index, key in enumerate(members)}
    lists = [[[place[each.key] for each in own]] for own in rows.table.precursor_sets]
    _, features = balance_oxygen(SetBatch.of_lists(rows.table.targets, [*members.values()], lists))
    pairs, closed = (features[:, OXYGEN_BALANCE.index(name)] > 0 for name in ("element_pairs", "closed"))
    return [(not itself, "self-redox" if itself else "other") for itself in (pairs & closed).tolist()]


def _atmosphere(rows: MeasuredRows) -> list[Label]:
    found = rows.table.atmospheres()
    return [(len(ATMOSPHERES), "unknown") if each is None else (ATMOSPHERES.index(each), each.value) for each in found]


SUBGROUPINGS.register("anion_class")(Subgrouping("anion class", _anion_class))
SUBGROUPINGS.register("source_elements")(Subgrouping("source elements", _source_elements))
SUBGROUPINGS.register("year")(Subgrouping("year", _year))
SUBGROUPINGS.register("distance")(Subgrouping("distance from training", _distance))
SUBGROUPINGS.register("unseen")(Subgrouping("precursors unseen in training", _unseen))
SUBGROUPINGS.register("alkali")(Subgrouping("alkali metals", _alkali))
SUBGROUPINGS.register("redox")(Subgrouping("recorded set", _redox))
SUBGROUPINGS.register("atmosphere")(Subgrouping("recorded atmosphere", _atmosphere))
