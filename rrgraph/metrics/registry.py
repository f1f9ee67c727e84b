"""Metrics by name: each monitors training, is a column of an experiment's tables, or an objective of a study."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from rrgraph.errors import ConfigError, suggestion
from rrgraph.metrics.accuracy import TOP_K
from rrgraph.metrics.links import LinkScores
from rrgraph.metrics.sets import RankedLists
from rrgraph.util.registry import Registry

__all__ = [
    "METRICS",
    "METRIC_NAMES",
    "REPORTED",
    "LinkMetric",
    "Metric",
    "RowMetric",
    "SetMetric",
    "find_metric",
    "further_metrics",
    "measured_links",
    "measured_sets",
    "metric_names",
]


class Metric(ABC):
    """A number that says how good ranked sets or link scores are.

    A name in a configuration may end in the number that the metric takes as `k`, as in `top_10`.

    Attributes:
        description: what it measures, in one line.
        source: where it is defined.
        ties: how equal scores count.
        direction: whether larger or smaller is better.
        low: least value.
        high: largest value, infinite where there is none.
    """

    description: ClassVar[str]
    source: ClassVar[str]
    ties: ClassVar[str]
    direction: ClassVar[Literal["maximize", "minimize"]] = "maximize"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0


class SetMetric(Metric):
    """A metric of ranked precursor sets."""

    @abstractmethod
    def measure(self, lists: RankedLists) -> float | None:
        """Return the value, None where the lists lack what it needs."""


class RowMetric(SetMetric):
    """A metric that is a mean over rows, so that it has intervals and differences can be tested."""

    @abstractmethod
    def rows(self, lists: RankedLists) -> NDArray[np.float64] | None:
        """Return the value of each row (rows,), None where the lists lack what it needs."""

    def measure(self, lists: RankedLists) -> float | None:
        values = self.rows(lists)
        return None if values is None or not len(values) else float(values.mean())


class LinkMetric(Metric):
    """A metric of the scores of links."""

    @abstractmethod
    def measure(self, links: LinkScores) -> float | None:
        """Return the value, None where it is not defined."""


class ReportedMetric(Metric):
    """A metric that runs work out themselves and experiments compare, such as errors of predicted conditions.

    Args:
        description: what it measures.
        is_error: whether smaller is better and there is no largest value.
    """

    source = "rrgraph.conditions"
    ties = "none"

    def __init__(self, description: str, *, is_error: bool) -> None:
        self.description = description  # type: ignore[misc]
        if is_error:
            self.direction, self.high = "minimize", float("inf")  # type: ignore[misc]


REPORTED: Final = {
    f"{label}{suffix}_mae": ReportedMetric(f"mean absolute error of the {meaning}{rows}, °C", is_error=True)
    for label, meaning in (
        ("temperature", "temperatures"),
        ("highest", "highest temperature"),
        ("sintering", "last sintering temperature"),
        ("calcination", "last calcination temperature"),
    )
    for suffix, rows in (
        ("", ""),
        ("_single", ", of rows that repeat the one value of the only operation of their label"),
        ("_known_atmosphere", ", predicted from the recorded atmosphere where there is one"),
    )
} | {
    "temperature_median": ReportedMetric("median absolute error of the temperatures, °C", is_error=True),
    "temperature_r2": ReportedMetric("share of the variance of temperatures that predictions explain", is_error=False),
    **{
        f"width_{level}": ReportedMetric(f"median width of the {level} % intervals of temperatures, °C", is_error=True)
        for level in (50, 80, 90)
    },
    "time_mae": ReportedMetric("mean absolute error of the logarithm of the dwell time in h", is_error=True),
    **{
        f"{prefix}coverage_{level}": ReportedMetric(
            f"share of {meaning} within their {level} % interval", is_error=False
        )
        for prefix, meaning in (
            ("", "temperatures"),
            ("highest_", "highest temperatures"),
            ("sintering_", "last sintering temperatures"),
            ("calcination_", "last calcination temperatures"),
            ("time_", "dwell times"),
        )
        for level in (50, 80, 90)
    },
    **{
        f"{quantity}_{name}": ReportedMetric(f"{meaning} of the predicted {quantity}", is_error=name == "ece")
        for quantity in ("atmosphere", "firings")
        for name, meaning in (
            ("accuracy", "accuracy"),
            ("macro_f1", "mean F1 over classes"),
            ("ece", "expected calibration error of the probability"),
        )
    },
}
"""Metrics that runs report themselves, by name."""

METRICS: Registry[type[SetMetric] | type[LinkMetric]] = Registry(
    "metric", group="rrgraph.metrics", bases=(SetMetric, LinkMetric)
)
"""All metrics, without the number of those that take one."""


def find_metric(name: str) -> SetMetric | LinkMetric | ReportedMetric:
    """Return the metric of a name such as `mrr` or `top_5`.

    Raises:
        ConfigError: there is none, or the number does not fit.

    Example:
        >>> lists = RankedLists(ranks=np.array([1.0, 4.0, np.inf]))
        >>> find_metric("top_5").measure(lists), find_metric("mrr").description
        (0.6666666666666666, 'mean reciprocal rank of the best relevant set, 0 beyond the tenth')
    """
    return REPORTED[name] if name in REPORTED else _registered(name)


def _registered(name: str) -> SetMetric | LinkMetric:
    prefix, _, number = name.rpartition("_")
    if name in METRICS and "k" not in METRICS.options(name):
        return METRICS[name]()
    if prefix not in METRICS or "k" not in METRICS.options(prefix) or not re.fullmatch("[1-9][0-9]{0,5}", number):
        known = list(metric_names())
        raise ConfigError(f"Unknown metric '{name}', expected one of {', '.join(known)}.{suggestion(name, known)}")
    return METRICS[prefix](k=int(number))  # type: ignore[call-arg]


def measured_sets(lists: RankedLists, further: Sequence[str] = ()) -> dict[str, float]:
    """Return the value of every metric of sets that the lists allow, by name; of `further` ones beside the usual."""
    found = ((name, _registered(name)) for name in (*metric_names(SetMetric), *further))
    values = {name: metric.measure(lists) for name, metric in found if isinstance(metric, SetMetric)}
    return {name: value for name, value in values.items() if value is not None}


def measured_links(links: LinkScores, further: Sequence[str] = ()) -> dict[str, float]:
    """Return the value of every metric of links that is defined, by name; of `further` ones beside the usual."""
    found = ((name, _registered(name)) for name in (*metric_names(LinkMetric), *further))
    values = {name: metric.measure(links) for name, metric in found if isinstance(metric, LinkMetric)}
    return {name: value for name, value in values.items() if value is not None}


def metric_names(base: type[Metric] = Metric) -> Iterator[str]:
    """Yield the names of all metrics of a class, with the usual numbers where they take one."""
    for name in METRICS:
        if issubclass(METRICS[name], base):
            yield from [f"{name}_{k}" for k in TOP_K] if "k" in METRICS.options(name) else [name]


def further_metrics(names: Iterable[str]) -> list[str]:
    """Return which metrics of runs are recorded only where they are asked for, such as `map_7`.

    Example:
        >>> further_metrics(["mrr", "map_7", "temperature_mae"])
        ['map_7']
    """
    usual = set(METRIC_NAMES)
    return [name for name in dict.fromkeys(names) if name in METRIC_NAMES and name not in usual]


class _MetricNames(Collection[str]):
    """The names of metrics of sets and links: it lists them with the usual numbers, and contains every one that fits.

    Example:
        >>> "map_7" in METRIC_NAMES, "map_7" in list(METRIC_NAMES), "map_11" in METRIC_NAMES
        (True, False, False)
    """

    def __iter__(self) -> Iterator[str]:
        return metric_names()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(_registered(name))
        except ConfigError:
            return False


METRIC_NAMES: Final = _MetricNames()
"""What a run can measure: configurations and studies may ask for it by name."""
