"""Steps of which the splits in `rrgraph.data.splits` are composed: dates, groups of rows, random draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array

from rrgraph.data.subsets import NO_SUBSET, TEST, TRAIN, VALIDATION
from rrgraph.data.table import ReactionTable
from rrgraph.errors import DataError

__all__ = [
    "Divided",
    "SplitOptions",
    "by_year",
    "distinct_by_year",
    "draw",
    "draw_validation",
    "is_in",
    "keep_together",
    "remove_holdout",
    "resembling_rows",
    "system_fifths",
    "undivided",
]


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """Options of a split.

    Attributes:
        year: last year of the training and validation rows, for the splits by year.
        validation_fraction: share of the rows up to that year that become validation rows; in split `random`, the
            share of all rows that are held out, half for validation and half for test.
        rng: source of every random choice.
        holdout: rows that training and validation must not resemble.
    """

    year: int
    validation_fraction: float
    rng: np.random.Generator
    holdout: ReactionTable | None


@dataclass
class Divided:
    """A table whose rows are being split.

    Attributes:
        table: the rows; a split may replace duplicates by one row.
        labels: (rows,) code of the `Subset`, or `NO_SUBSET` for a row that is left out.
        removed: number of rows left out, by reason.
    """

    table: ReactionTable
    labels: NDArray[np.int64]
    removed: Counter[str]

    def leave_out(self, rows: NDArray[np.bool_], reason: str) -> None:
        """Leave out those of the rows that are in a subset."""
        rows = rows & (self.labels != NO_SUBSET)
        self.removed[reason] += int(rows.sum())
        self.labels[rows] = NO_SUBSET


def undivided(table: ReactionTable) -> Divided:
    """Return a table whose rows are all training rows."""
    return Divided(table=table, labels=np.full(len(table), TRAIN, dtype=np.int64), removed=Counter())


def by_year(table: ReactionTable, options: SplitOptions) -> Divided:
    """Label rows up to the year as training and later ones as test; rows without a year are left out."""
    divided = undivided(table)
    years = _dates(table)
    if len(table) and np.isnan(years).all():
        raise DataError(f"A split by year needs years, and {table.source} has none: use split 'random' or 'column'.")
    divided.labels[years > options.year] = TEST
    divided.leave_out(np.isnan(years), "no year")
    return divided


def distinct_by_year(table: ReactionTable, options: SplitOptions) -> Divided:
    """Split by year, keeping the earliest row of each target and set and the number of rows it represents."""
    dated = by_year(table, options)
    years = _dates(table)
    order = np.argsort(years, kind="stable")
    first: dict[Hashable, int] = {}
    counts: Counter[Hashable] = Counter()
    earlier = _counts(table)
    for row in order[: len(table) - dated.removed["no year"]].tolist():
        reaction = (table.target_keys[row], table.set_keys[row])
        first.setdefault(reaction, row)
        counts[reaction] += int(earlier[row])
    kept = sorted((row, counts[reaction]) for reaction, row in first.items())
    rows = np.array([row for row, _ in kept], dtype=np.int64)
    duplicates = int((dated.labels != NO_SUBSET).sum()) - len(rows)
    distinct = table.select(rows).with_columns(count=[count for _, count in kept])
    dated.removed["duplicate of an earlier row"] = duplicates
    return Divided(table=distinct, labels=dated.labels[rows], removed=dated.removed)


def _counts(table: ReactionTable) -> NDArray[np.int64]:
    """Return the number of reported rows that each row represents."""
    if "count" not in table.frame:
        return np.ones(len(table), dtype=np.int64)
    return pd.to_numeric(table.frame["count"], errors="coerce").fillna(1).to_numpy(dtype=np.int64)


def _dates(table: ReactionTable) -> NDArray[np.float64]:
    """Return the year of each row; the rows of a group have its earliest year, so that they are not split."""
    years = table.years
    if "group" not in table.frame:
        return years
    earliest = table.frame["year"].groupby(table.frame["group"]).transform("min")
    return np.where(table.frame["group"].isna(), years, earliest.to_numpy(dtype=np.float64, na_value=np.nan))


def remove_holdout(divided: Divided, options: SplitOptions, *, system: bool) -> None:
    """Leave out the training and validation rows that resemble a holdout row."""
    if options.holdout is None:
        return
    resembles = resembling_rows(divided.table, options.holdout, system=system)
    reason = f"{'element system' if system else 'target'} of a holdout row"
    divided.leave_out(resembles & (divided.labels != TEST), reason)


def resembling_rows(table: ReactionTable, other: ReactionTable, *, system: bool) -> NDArray[np.bool_]:
    """Return which rows (rows,) share a target, or with `system` its element system, with a row of another table."""
    own, others = (each.element_systems if system else each.target_keys for each in (table, other))
    return is_in(own, others)


def draw_validation(divided: Divided, units: NDArray[np.int64], options: SplitOptions) -> None:
    """Relabel a fraction of the training rows as validation rows, see `SplitOptions`."""
    rows = round(options.validation_fraction * int((divided.labels == TRAIN).sum()))
    draw(divided, units, rows=rows, label=VALIDATION, rng=options.rng)


def draw(divided: Divided, units: NDArray[np.int64], *, rows: int, label: int, rng: np.random.Generator) -> None:
    """Relabel whole units of training rows at random, as many as fit into `rows`."""
    training = divided.labels == TRAIN
    members, sizes = np.unique(units[training], return_counts=True)
    order = rng.permutation(len(members))
    room = rows
    chosen = []
    for unit in order.tolist():
        if sizes[unit] <= room:
            chosen.append(members[unit])
            room -= int(sizes[unit])
    divided.labels[training & np.isin(units, chosen)] = label


def keep_together(table: ReactionTable, *, systems: bool = False) -> NDArray[np.int64]:
    """Number the units of rows that must be in one subset: by group, and by element system with `systems`.

    Returns:
        (rows,) numbers, ascending by the first row of each unit.
    """
    columns = [table.frame["group"].reset_index(drop=True)] if "group" in table.frame else []
    if systems:
        columns.append(pd.Series(table.element_systems))
    from scipy.sparse.csgraph import connected_components  # takes long to import, and planning splits nothing

    rows = np.tile(np.arange(len(table)), len(columns))
    first = np.concatenate([np.zeros(0, dtype=np.int64), *map(_first_rows, columns)])
    links = coo_array((np.ones(len(rows)), (rows, first)), shape=(len(table), len(table)))
    units: NDArray[np.int32] = connected_components(links, directed=False)[1]
    return units.astype(np.int64)


def _first_rows(values: pd.Series) -> NDArray[np.int64]:
    """Return for each row the first row of the same value, (rows,); a row without a value is its own."""
    rows = values.index.to_series()
    return rows.groupby(values).transform("min").fillna(rows).to_numpy(dtype=np.int64)


def is_in(values: NDArray[np.object_], wanted: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return which values are among the wanted ones."""
    known = set(wanted.tolist())
    return np.fromiter((value in known for value in values.tolist()), dtype=np.bool_, count=len(values))


def system_fifths(table: ReactionTable) -> NDArray[np.int64]:
    """Return for each row, (rows,), to which of five parts from 0 to 4 the element system of its target belongs.

    It follows from the name of the system alone, so that further rows and other tables change nothing.
    """
    systems = [str(system) for system in table.element_systems]
    fifth = {system: blake2b(system.encode()).digest()[0] % 5 for system in set(systems)}
    return np.array([fifth[system] for system in systems], dtype=np.int64)
