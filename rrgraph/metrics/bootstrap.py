"""Bootstrap over targets: percentile intervals of means over rows, and paired comparisons of two systems."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rrgraph.errors import ScoreError

__all__ = ["Interval", "PairedDifference", "bootstrap_means", "mean_intervals", "paired_bootstrap"]

RESAMPLES: Final = 2000
"""Resamples of a bootstrap, unless another number is given."""
_BATCH_SIZE: Final = 4_000_000
"""Draws that are held in memory at a time."""


@dataclass(frozen=True)
class Interval:
    """A measured value and its 95 % bootstrap interval, as fractions of 1.

    Attributes:
        value: the value on the rows as they are.
        low: 2.5th percentile over the resamples.
        high: 97.5th percentile over the resamples.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return the three values by name."""
        return {"value": self.value, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


@dataclass(frozen=True)
class PairedDifference:
    """The difference in accuracy of two systems on the same rows.

    Attributes:
        difference: mean of (first - second) and its interval; positive if the first is better.
        p_value: two-sided; small if few resamples have a difference of the other sign.
        rows: number of rows compared.
        targets: number of distinct targets resampled.
    """

    difference: Interval
    p_value: float
    rows: int
    targets: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "difference": self.difference.to_dict(),
            "p_value": self.p_value,
            "rows": self.rows,
            "targets": self.targets,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PairedDifference:
        """Return the object that `to_dict` was called on."""
        return cls(**{**values, "difference": Interval(**values["difference"])})

    def __str__(self) -> str:
        value, low, high = (100 * share for share in (self.difference.value, self.difference.low, self.difference.high))
        return f"{value:+.1f} [{low:+.1f}, {high:+.1f}], p = {self.p_value:.2g}"


def mean_intervals(
    values: ArrayLike, groups: Sequence[Hashable], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[Interval]:
    """Return the mean of each column with its interval.

    Args:
        values: (rows, columns), finite.
        groups: target of each row; rows of one target are drawn together.
        resamples: number of bootstrap resamples.
        seed: the same seed gives the same interval.

    Raises:
        ScoreError: there are no rows, a value is not finite, or the lengths differ.
    """
    table = np.asarray(values, dtype=np.float64)
    means = bootstrap_means(table, groups, resamples=resamples, seed=seed)
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return [Interval(float(v), float(a), float(b)) for v, a, b in zip(table.mean(0), low, high, strict=True)]


def bootstrap_means(
    values: ArrayLike, groups: Sequence[Hashable], *, resamples: int = RESAMPLES, seed: int = 0
) -> NDArray[np.float64]:
    """Return the mean of each column in every resample of the groups, (resamples, columns).

    As many groups are drawn as there are, with replacement; a group drawn twice counts all of its rows twice.
    Arguments and errors are those of `mean_intervals`.
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or len(table) != len(groups):
        raise ScoreError(f"Cannot bootstrap values of shape {table.shape} over {len(groups)} rows.")
    if not len(table):
        raise ScoreError("Cannot bootstrap a mean over no rows.")
    if not np.isfinite(table).all():
        raise ScoreError("Cannot bootstrap values that are NaN or infinite.")
    group = _group_index(groups)
    count = int(group.max()) + 1
    sums = np.zeros((count, table.shape[1] + 1))
    np.add.at(sums, group, np.column_stack([table, np.ones(len(table))]))
    totals = np.vstack([weights @ sums for weights in _weights(count, resamples, seed)])
    return totals[:, :-1] / totals[:, -1:]


def paired_bootstrap(
    first: ArrayLike, second: ArrayLike, groups: Sequence[Hashable], *, resamples: int = RESAMPLES, seed: int = 0
) -> PairedDifference:
    """Compare two systems on the same rows, for example by whether each row's rank is at most 10.

    The two-sided p-value is twice the smaller share of resamples whose difference is at most, or at least, 0
    (one resample is added to each count, so that the p-value is never 0).

    Args:
        first: (rows,) value of the first system in each row.
        second: (rows,) value of the second system in each row.
        groups: target of each row.
        resamples: number of bootstrap resamples.
        seed: the same seed gives the same result.

    Raises:
        ScoreError: there are no rows, a value is not finite, or the lengths differ.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ScoreError(f"Cannot pair values of shapes {a.shape} and {b.shape}, expected one value a row in both.")
    difference = (a - b)[:, None]
    means = bootstrap_means(difference, groups, resamples=resamples, seed=seed)[:, 0]
    tail = min(int((means <= 0).sum()), int((means >= 0).sum()))
    low, high = np.percentile(means, [2.5, 97.5])
    return PairedDifference(
        difference=Interval(float(difference.mean()), float(low), float(high)),
        p_value=min(1.0, 2 * (tail + 1) / (resamples + 1)),
        rows=len(a),
        targets=len(set(groups)),
    )


def _group_index(groups: Sequence[Hashable]) -> NDArray[np.int64]:
    index: dict[Hashable, int] = {}
    return np.array([index.setdefault(group, len(index)) for group in groups], dtype=np.int64)


def _weights(count: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each group is drawn, (batch of resamples, groups)."""
    generator = np.random.default_rng(seed)
    batch_size = max(1, _BATCH_SIZE // count)
    for start in range(0, resamples, batch_size):
        rows = min(batch_size, resamples - start)
        drawn = generator.integers(0, count, size=(rows, count)) + count * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)
