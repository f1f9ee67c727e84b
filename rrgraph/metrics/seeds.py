"""Two systems compared over several seeds, as if seeds and targets were resampled together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rrgraph.errors import ScoreError
from rrgraph.metrics.bootstrap import RESAMPLES, Interval, PairedDifference, bootstrap_means

__all__ = ["LEAST_P_VALUE", "holm", "seeded_difference"]

LEAST_P_VALUE: Final = 1e-5
"""Beyond it the tails of a t distribution say little of rows that are right or wrong.

Times a thousand tests it is 0.01.
"""


def seeded_difference(
    first: Sequence[ArrayLike],
    second: Sequence[ArrayLike],
    groups: Sequence[Sequence[Hashable]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PairedDifference:
    """Compare the means of two systems over seeds, counting the noise of targets and of seeds.

    The variance of the difference is the sum of that over targets (bootstrap of the rows' differences, averaged over
    seeds) and of the sample variances over seeds divided by their numbers; the p-value is that of Welch's t-test with
    the degrees of freedom of Satterthwaite (Biometrics Bulletin 2, 110 (1946)). Resampling seeds and targets together
    adds up the same two variances (Owen, Annals of Applied Statistics 1, 386 (2007)), but of few seeds it loses a part:
    a third of three, and the heavy tails that so few call for. Where seeds have
    rows of their own, the systems are compared seed by seed. With a single seed only targets count.

    Args:
        first: for each seed, (rows,) values of the first system, such as whether the rank is at most 10.
        second: the same for the second system; the same seeds in the same order.
        groups: for each seed, the target of each row.
        resamples: number of bootstrap resamples of the targets, which give the variance; `LEAST_P_VALUE` is the least
            p-value.
        seed: of the bootstrap.

    Raises:
        ScoreError: there are no seeds or rows, a value is not finite, or lengths differ.

    Example:
        >>> found = seeded_difference([[1, 1, 0], [1, 0, 0]], [[0, 1, 0], [0, 0, 0]], ["abc", "abc"])
        >>> round(found.difference.value, 3), found.targets
        (0.333, 3)
    """
    if not first or not len(first) == len(second) == len(groups):
        raise ScoreError(f"Cannot compare {len(first)} and {len(second)} seeds on the rows of {len(groups)}.")
    pairs = [_pair(*each) for each in zip(first, second, groups, strict=True)]
    means = np.array([pair.mean(axis=0) for pair in pairs])
    shared = all(list(rows) == list(groups[0]) for rows in groups)
    if shared:
        rows, targets = np.mean(pairs, axis=0), list(groups[0])
        value, by_seed = float(means.mean(0) @ [1, -1]), [means[:, 0], means[:, 1]]
    else:
        rows, targets = np.concatenate(pairs), [group for each in groups for group in each]
        value, by_seed = float((means @ [1, -1]).mean()), [means @ [1, -1]]
    resampled = bootstrap_means(rows @ np.array([[1.0], [-1.0]]), targets, resamples=resamples, seed=seed)
    number, distinct = len(pairs), len(set(targets))
    variances, freedom = [float(resampled.var())], [max(distinct - 1, 1)]
    if number > 1:
        variances += [float(each.var(ddof=1)) / number for each in by_seed]
        freedom += [number - 1] * len(by_seed)
    variance = sum(variances)
    p_value, half = float(value == 0), 0.0
    if variance > 0:
        degrees = variance**2 / sum(each**2 / df for each, df in zip(variances, freedom, strict=True))
        p_value = float(2 * stats.t.sf(abs(value) / variance**0.5, degrees))
        half = float(stats.t.ppf(0.975, degrees)) * variance**0.5
    return PairedDifference(
        difference=Interval(value, value - half, value + half),
        p_value=max(p_value, LEAST_P_VALUE),
        rows=sum(len(pair) for pair in pairs),
        targets=distinct,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm, Scandinavian Journal of Statistics 6, 65 (1979), step-down).

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.minimum(np.maximum.accumulate(np.asarray(p_values, dtype=np.float64)[order] * factors), 1.0)
    return [float(value) for value in corrected[np.argsort(order, kind="stable")]]


def _pair(first: ArrayLike, second: ArrayLike, groups: Sequence[Hashable]) -> NDArray[np.float64]:
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.ndim != 1 or one.shape != other.shape or len(one) != len(groups):
        raise ScoreError(f"Cannot pair values of shapes {one.shape} and {other.shape} over {len(groups)} rows.")
    return np.column_stack([one, other])
