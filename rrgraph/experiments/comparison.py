"""Systems compared over seeds: panels of mean accuracies, with deviations, places and significance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from rrgraph.experiments.grid import RunName
from rrgraph.metrics import TOP_K, RowRanks, holm, seeded_difference

__all__ = ["FEWEST", "SIGNIFICANT", "Cell", "Column", "Difference", "Panel", "compare"]

SIGNIFICANT: Final = 0.05
"""Largest p-value that is called significant."""

FEWEST: Final = 20
"""Targets below which no lead is tested: resamples of a handful hardly differ, and everything looks certain."""

_DECIMALS: Final = 3
"""Of a share: systems that agree in per cent with one decimal share their place."""

Outcomes = Mapping[RunName, Mapping[str, RowRanks]]
"""Outcome of each row by run and protocol."""


@dataclass(frozen=True)
class Cell:
    """The accuracy of a system, as shares of 1.

    Attributes:
        mean: over the seeds.
        deviation: sample standard deviation over the seeds, None when there is only one.
        seeds: number of them.
    """

    mean: float
    deviation: float | None
    seeds: int

    def __str__(self) -> str:
        spread = "" if self.deviation is None else f" ± {100 * self.deviation:.1f}"
        return f"{100 * self.mean:.1f}{spread}"


@dataclass(frozen=True)
class Difference:
    """The lead of one system over another on the same rows.

    Attributes:
        value: as a share of 1.
        p_value: over targets and seeds (see `seeded_difference`), corrected for the tests of the panel (Holm); None
            with few targets.
    """

    value: float
    p_value: float | None

    @property
    def significant(self) -> bool:
        """Whether the systems differ by more than targets and seeds explain."""
        return self.p_value is not None and self.p_value < SIGNIFICANT


@dataclass(frozen=True)
class Column:
    """One accuracy of all systems.

    Attributes:
        protocol: how it was measured.
        k: of top-k.
        cells: by system, those that have finished runs.
        places: 1 for the best systems and 2 for the next; empty where there is one or all are level.
        lead: of the best system over the second; None where there is no second, or the best share their place.
        differences: lead of each system over the one that all are compared with.
    """

    protocol: str
    k: int
    cells: Mapping[str, Cell]
    places: Mapping[str, int]
    lead: Difference | None = None
    differences: Mapping[str, Difference] = field(default_factory=dict)

    @property
    def above(self) -> frozenset[str]:
        """Systems that are significantly better than the one that all are compared with."""
        return frozenset(name for name, found in self.differences.items() if found.value > 0 and found.significant)

    @property
    def title(self) -> str:
        """What the column shows."""
        return f"{self.protocol}, top-{self.k}"

    def leads(self, system: str) -> bool:
        """Whether a system alone is the best and significantly better than the second."""
        return self.places.get(system) == 1 and self.lead is not None and self.lead.significant


@dataclass(frozen=True)
class Panel:
    """Accuracies on the same rows.

    Attributes:
        split: the split, or the subgroup of its rows.
        unseen: whether only rows whose recorded set has a precursor unseen in training count.
        rows: numbers of rows, one for each seed that differs.
        systems: all systems, in order.
        columns: the accuracies.
    """

    split: str
    unseen: bool
    rows: tuple[int, ...]
    systems: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def title(self) -> str:
        """What the panel shows."""
        numbers = " to ".join(f"{number:,}" for number in sorted({min(self.rows), max(self.rows)}))
        return f"Split {self.split}, {numbers} rows{' with a precursor unseen in training' if self.unseen else ''}"


def compare(
    outcomes: Outcomes,
    *,
    systems: Sequence[str],
    splits: Sequence[str],
    protocols: Sequence[str],
    compare_with: str = "",
) -> list[Panel]:
    """Return a panel for all rows of each split and one for its rows with an unseen precursor.

    Args:
        outcomes: of the finished runs.
        systems: in the order of the tables.
        splits: the same.
        protocols: the same.
        compare_with: a system that every other is compared with, empty for none.
    """
    panels = []
    for split in splits:
        for unseen in (False, True):
            chosen = {
                key: {name: _rows(rows, unseen) for name, rows in by_protocol.items()}
                for key, by_protocol in outcomes.items()
                if key[1] == split
            }
            numbers = tuple(dict.fromkeys(len(rows.ranks) for found in chosen.values() for rows in found.values()))
            if not any(numbers):
                continue
            columns = tuple(
                _column(_by_system(chosen, systems, protocol), protocol, k, compare_with)
                for protocol in protocols
                for k in TOP_K
            )
            panels.append(Panel(split, unseen, numbers, tuple(systems), _corrected(columns)))
    return panels


def _corrected(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Correct the p-values of all tests of a panel for their number."""
    tests = [each for column in columns for each in (column.lead, *column.differences.values())]
    tested = [each.p_value for each in tests if each is not None and each.p_value is not None]
    p_values = iter(holm(tested))

    def correct(found: Difference | None) -> Difference | None:
        return found if found is None or found.p_value is None else replace(found, p_value=next(p_values))

    return tuple(
        replace(
            column,
            lead=correct(column.lead),
            differences={name: correct(found) or found for name, found in column.differences.items()},
        )
        for column in columns
    )


def _rows(rows: RowRanks, unseen: bool) -> RowRanks:
    """Return the outcome of all rows, or of those with an unseen precursor."""
    if not unseen:
        return rows
    return rows.select(np.zeros(len(rows.ranks), dtype=bool) if rows.unseen is None else rows.unseen)


def _by_system(outcomes: Outcomes, systems: Sequence[str], protocol: str) -> dict[str, dict[int, RowRanks]]:
    """Return the outcomes of each system that has any, by seed."""
    found: dict[str, dict[int, RowRanks]] = {}
    for system in systems:
        seeds = {
            seed: rows[protocol]
            for (name, _, seed), rows in sorted(outcomes.items())
            if name == system and len(rows[protocol].ranks)
        }
        if seeds:
            found[system] = seeds
    return found


def _column(found: Mapping[str, Mapping[int, RowRanks]], protocol: str, k: int, compare_with: str) -> Column:
    cells = {system: _cell(seeds, k) for system, seeds in found.items()}
    order = sorted(cells, key=lambda system: -cells[system].mean)
    rounded = {system: round(cell.mean, _DECIMALS) for system, cell in cells.items()}
    levels = sorted(set(rounded.values()), reverse=True)[:2]
    places = {system: 1 + levels.index(value) for system, value in rounded.items() if value in levels}
    if len(levels) == 1:
        places = {}
    tied = list(places.values()).count(1) != 1
    lead = None if tied else _lead(found[order[0]], found[order[1]], k)
    reference = found.get(compare_with, {})
    compared = {system: _lead(found[system], reference, k) for system in order if system != compare_with}
    differences = {system: difference for system, difference in compared.items() if difference is not None}
    return Column(protocol, k, cells, places, lead, differences)


def _accuracy(rows: RowRanks, k: int) -> float:
    return float((rows.ranks <= k).mean())


def _cell(seeds: Mapping[int, RowRanks], k: int) -> Cell:
    shares = [_accuracy(rows, k) for rows in seeds.values()]
    deviation = float(np.std(shares, ddof=1)) if len(shares) > 1 else None
    return Cell(float(np.mean(shares)), deviation, len(shares))


def _lead(first: Mapping[int, RowRanks], second: Mapping[int, RowRanks], k: int) -> Difference | None:
    """Return the lead of one system over another, over the seeds that both have; None where they share none."""
    seeds = [seed for seed in first if seed in second]
    if not seeds:
        return None
    one, other = ([outcomes[seed] for seed in seeds] for outcomes in (first, second))
    if len({target for rows in one for target in rows.targets}) < FEWEST:
        return Difference(
            float(np.mean([_accuracy(a, k) - _accuracy(b, k) for a, b in zip(one, other, strict=True)])), None
        )
    found = seeded_difference(
        [rows.ranks <= k for rows in one], [rows.ranks <= k for rows in other], [rows.targets for rows in one]
    )
    return Difference(found.difference.value, found.p_value)
