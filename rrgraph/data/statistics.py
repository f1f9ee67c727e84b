"""Counts that describe a reaction table: rows, targets, sets, precursors, elements and years."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rrgraph.data.agreement import PublicationAgreement, publication_agreement
from rrgraph.data.table import ReactionTable

__all__ = ["TableStatistics", "table_statistics"]


@dataclass(frozen=True, kw_only=True)
class TableStatistics:
    """Counts of one table.

    Attributes:
        rows: number of rows.
        reactions: distinct pairs of target and precursor set.
        duplicates: rows that repeat a reaction.
        targets: distinct targets.
        multi_route_targets: targets with more than one distinct set.
        precursor_sets: distinct sets.
        precursors: distinct precursors.
        set_sizes: number of rows by size of their set.
        elements: number of rows by element of their target, most frequent first.
        element_systems: distinct element systems of the targets.
        years: number of rows by year, in order, without the rows that have no year.
        rows_without_year: number of rows that have no year.
        common_precursors: the twenty most used precursors with the number of rows that use them.
        agreement: between publications that report the same target, None if there are none.
    """

    rows: int
    reactions: int
    duplicates: int
    targets: int
    multi_route_targets: int
    precursor_sets: int
    precursors: int
    set_sizes: Mapping[int, int]
    elements: Mapping[str, int]
    element_systems: int
    years: Mapping[int, int]
    rows_without_year: int
    common_precursors: Mapping[str, int]
    agreement: PublicationAgreement | None

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON-ready values."""
        return asdict(self)


def table_statistics(table: ReactionTable) -> TableStatistics:
    """Return the counts of a table."""
    reactions = set(zip(table.target_keys.tolist(), table.set_keys, strict=True))
    routes = Counter(target for target, _ in reactions)
    known = table.years[~np.isnan(table.years)].astype(int)
    used: Counter[str] = Counter()
    for keys in table.set_keys:
        used.update(keys)
    display = table.precursors()
    elements = Counter(element for target in table.targets for element in target.elements)
    return TableStatistics(
        rows=len(table),
        reactions=len(reactions),
        duplicates=len(table) - len(reactions),
        targets=len(routes),
        multi_route_targets=sum(count > 1 for count in routes.values()),
        precursor_sets=len(set(table.set_keys)),
        precursors=len(display),
        set_sizes=dict(sorted(Counter(len(keys) for keys in table.set_keys).items())),
        elements=_ranked(elements),
        element_systems=len(set(table.element_systems.tolist())),
        years=dict(sorted(Counter(known.tolist()).items())),
        rows_without_year=len(table) - len(known),
        common_precursors={display[key].formula: count for key, count in list(_ranked(used).items())[:20]},
        agreement=publication_agreement(table),
    )


def _ranked(counts: Counter[str]) -> dict[str, int]:
    """Return counts from largest to smallest, equal ones by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
