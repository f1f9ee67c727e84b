"""Systems compared over seeds: panels of metrics, with deviations, places and significance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.experiments.config import TOP_METRICS, measured_protocol
from rrgraph.experiments.grid import RunName
from rrgraph.metrics import ROW_GROUPS, RankedLists, RowMetric, RowRanks, find_metric, holm, seeded_difference

__all__ = ["FEWEST", "SIGNIFICANT", "Cell", "Column", "Difference", "Panel", "compare"]

SIGNIFICANT: Final = 0.05
"""P-values below it are called significant."""

FEWEST: Final = 20
"""Targets below which no lead is tested: resamples of a handful hardly differ, and everything looks certain."""

_DECIMALS: Final = 3
"""Of a value: systems that agree as they are shown, shares in per cent with one decimal, share their place."""

Outcomes = Mapping[RunName, Mapping[str, RowRanks]]
"""Outcome of each row by run and protocol."""

Values = Mapping[RunName, Mapping[str, Mapping[str, float]]]
"""Values of metrics over all rows by run, protocol and name."""


@dataclass(frozen=True)
class Cell:
    """The value of a metric for a system.

    Attributes:
        mean: over the seeds.
        deviation: sample standard deviation over the seeds, None when there is only one.
        seeds: number of them.
        share: whether it is a share of 1, which is shown in %.
    """

    mean: float
    deviation: float | None
    seeds: int
    share: bool = True

    def __str__(self) -> str:
        spread = "" if self.deviation is None else f" ± {self._number(self.deviation)}"
        return f"{self._number(self.mean)}{spread}"

    def _number(self, value: float) -> str:
        return f"{100 * value:.1f}" if self.share else f"{value:.3f}"


@dataclass(frozen=True)
class Difference:
    """The lead of one system over another on the same rows.

    Attributes:
        value: in the unit of the metric.
        p_value: over targets and seeds (see `seeded_difference`), corrected for the tests of the panel (Holm); None
            with few targets, and for a metric that has no value for each row.
    """

    value: float
    p_value: float | None

    @property
    def significant(self) -> bool:
        """Whether the systems differ by more than targets and seeds explain."""
        return self.p_value is not None and self.p_value < SIGNIFICANT


@dataclass(frozen=True)
class Column:
    """One metric of all systems.

    Attributes:
        protocol: how it was measured.
        metric: its name, see `rrgraph.metrics.METRICS`.
        cells: by system, those that have finished runs.
        places: 1 for the best systems and 2 for the next; empty where there is one or all are level.
        lead: of the best system over the second; None where there is no second, or the best share their place.
        differences: lead of each system over the one that all are compared with.
        candidates: what sets were formed from.
    """

    protocol: str
    metric: str
    cells: Mapping[str, Cell]
    places: Mapping[str, int]
    lead: Difference | None = None
    differences: Mapping[str, Difference] = field(default_factory=dict)
    candidates: str = "pool"

    @property
    def sign(self) -> int:
        """1 where larger is better, -1 where smaller is."""
        return 1 if find_metric(self.metric).direction == "maximize" else -1

    @property
    def k(self) -> int | None:
        """The k of top-k, None for other metrics."""
        name, _, number = self.metric.rpartition("_")
        return int(number) if name == "top" else None

    @property
    def above(self) -> frozenset[str]:
        """Systems that are significantly better than the one that all are compared with."""
        return frozenset(
            name for name, found in self.differences.items() if self.sign * found.value > 0 and found.significant
        )

    @property
    def title(self) -> str:
        """What the column shows."""
        name = self.metric if self.k is None else f"top-{self.k}"
        return f"{self.protocol}, {name} {'↑' if self.sign > 0 else '↓'}"

    @property
    def tested(self) -> bool:
        """Whether it is a mean over rows, so that leads can be tested."""
        metric = find_metric(self.metric)
        return isinstance(metric, RowMetric) and metric.rows(RankedLists(np.ones(1))) is not None

    def leads(self, system: str) -> bool:
        """Whether a system alone is the best and significantly better than the second."""
        return self.places.get(system) == 1 and self.lead is not None and self.lead.significant


@dataclass(frozen=True)
class Panel:
    """Metrics on the same rows.

    Attributes:
        split: the split, or the subgroup of its rows.
        group: which rows of it count, one of `ROW_GROUPS`.
        rows: numbers of rows, one for each seed that differs.
        systems: all systems, in order.
        columns: the metrics under each protocol, for the first candidates, then the same for the next.
    """

    split: str
    group: str
    rows: tuple[int, ...]
    systems: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def title(self) -> str:
        """What the panel shows."""
        numbers = " to ".join(f"{number:,}" for number in sorted({min(self.rows), max(self.rows)}))
        return f"Split {self.split}, {numbers} rows{ROW_GROUPS[self.group]}"

    @property
    def candidates(self) -> dict[str, list[Column]]:
        """The columns by candidates."""
        found: dict[str, list[Column]] = {}
        for column in self.columns:
            found.setdefault(column.candidates, []).append(column)
        return found


@dataclass(frozen=True)
class _Sample:
    """What a metric says of a run.

    Attributes:
        value: over all rows.
        rows: of each row (rows,), None for a metric that has none.
        targets: of each row.
    """

    value: float
    rows: NDArray[np.float64] | None
    targets: Sequence[str]


_Samples = dict[str, dict[int, _Sample]]
"""By system and seed."""


def compare(
    outcomes: Outcomes,
    *,
    systems: Sequence[str],
    splits: Sequence[str],
    protocols: Sequence[str],
    candidates: Sequence[str] = ("pool",),
    metrics: Sequence[str] = TOP_METRICS,
    values: Values | None = None,
    compare_with: str = "",
) -> list[Panel]:
    """Return a panel for all rows of each split, and one for each group of them that has rows and lacks some.

    Args:
        outcomes: of the finished runs.
        systems: in the order of the tables.
        splits: the same.
        protocols: the same.
        candidates: the same, see `measured_protocol`.
        metrics: names of the columns. Those that are means over rows of what `outcomes` say are tested.
        values: of other metrics, which are for all rows alone.
        compare_with: a system that every other is compared with, empty for none.
    """
    panels = []
    for split in splits:
        everything: tuple[int, ...] = ()
        for group in ROW_GROUPS:
            chosen = {
                key: {name: rows.group(group) for name, rows in by_protocol.items()}
                for key, by_protocol in outcomes.items()
                if key[1] == split
            }
            numbers = tuple(dict.fromkeys(len(rows.ranks) for found in chosen.values() for rows in found.values()))
            everything = numbers if group == "all" else everything
            if not any(numbers) or (group != "all" and numbers == everything):
                continue
            known = (values or {}) if group == "all" else {}
            columns = []
            for offered, protocol, metric in product(candidates, protocols, metrics):
                found = _by_system(chosen, known, systems, measured_protocol(protocol, offered), metric)
                if found or group == "all":
                    columns.append(_column(found, protocol, metric, offered, compare_with))
            if columns:
                panels.append(Panel(split, group, numbers, tuple(systems), _corrected(columns)))
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


def _by_system(outcomes: Outcomes, values: Values, systems: Sequence[str], protocol: str, metric: str) -> _Samples:
    """Return what a metric says of each system that has any, by seed."""
    found: _Samples = {}
    for system in systems:
        seeds = {
            key[2]: sample
            for key, rows in sorted(outcomes.items())
            if key[0] == system
            and len(rows[protocol].ranks)
            and (sample := _sample(rows[protocol], values.get(key, {}).get(protocol, {}), metric)) is not None
        }
        if seeds:
            found[system] = seeds
    return found


def _sample(ranks: RowRanks, values: Mapping[str, float], name: str) -> _Sample | None:
    """Return what a metric says of a run, None where that is not known."""
    metric = find_metric(name)
    rows = metric.rows(RankedLists(ranks.ranks)) if isinstance(metric, RowMetric) else None
    if rows is not None:
        return _Sample(float(rows.mean()), rows, ranks.targets)
    return _Sample(values[name], None, ranks.targets) if name in values else None


def _column(found: _Samples, protocol: str, metric: str, candidates: str, compare_with: str) -> Column:
    column = Column(protocol, metric, {system: _cell(seeds, metric) for system, seeds in found.items()}, {})
    order = sorted(column.cells, key=lambda system: -column.sign * column.cells[system].mean)
    rounded = {system: round(column.sign * cell.mean, _DECIMALS) for system, cell in column.cells.items()}
    levels = sorted(set(rounded.values()), reverse=True)[:2]
    places = {system: 1 + levels.index(value) for system, value in rounded.items() if value in levels}
    if len(levels) == 1:
        places = {}
    tied = list(places.values()).count(1) != 1
    lead = None if tied else _lead(found[order[0]], found[order[1]])
    reference = found.get(compare_with, {})
    compared = {system: _lead(found[system], reference) for system in order if system != compare_with}
    differences = {system: difference for system, difference in compared.items() if difference is not None}
    return replace(column, places=places, lead=lead, differences=differences, candidates=candidates)


def _cell(seeds: Mapping[int, _Sample], metric: str) -> Cell:
    values = [sample.value for sample in seeds.values()]
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Cell(float(np.mean(values)), deviation, len(values), find_metric(metric).high == 1)


def _lead(first: Mapping[int, _Sample], second: Mapping[int, _Sample]) -> Difference | None:
    """Return the lead of one system over another, over the seeds that both have; None where they share none."""
    pairs = [(first[seed], second[seed]) for seed in first if seed in second]
    if not pairs:
        return None
    ours, theirs = ([rows for each in pairs if (rows := each[side].rows) is not None] for side in (0, 1))
    targets = [one.targets for one, _ in pairs]
    if not len(ours) == len(theirs) == len(pairs) or len({each for names in targets for each in names}) < FEWEST:
        return Difference(float(np.mean([one.value - other.value for one, other in pairs])), None)
    found = seeded_difference(ours, theirs, targets)
    return Difference(found.difference.value, found.p_value)
