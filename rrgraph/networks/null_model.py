"""The null model of co-occurrence: how often two precursors would be used together by chance, given their degrees.

It is computed analytically (`RandomSets`) or sampled by a Markov chain of swaps (`swap_counts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import betainc

from rrgraph.networks.records import entries_at
from rrgraph.util.progress import track

__all__ = ["NullCounts", "RandomSets", "swap_counts"]

_ITERATIONS: Final = 2000
_TOLERANCE: Final = 1e-9
#: Rounds of swaps before the first sample and between samples; in a round each reaction takes part in one attempt.
_BURN_IN: Final = 200
_THINNING: Final = 15


@dataclass(frozen=True, eq=False)
class NullCounts:
    """Number of reactions that hold both precursors of each pair under the null model.

    Attributes:
        mean: (pairs,).
        variance: (pairs,).
        support: (pairs,) the largest possible number.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    support: NDArray[np.int64]

    def z(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (count - mean) / standard deviation, 0 where the null model has no variance."""
        spread = np.sqrt(self.variance)
        free = spread > 1e-6
        return np.where(free, (counts - self.mean) / np.where(free, spread, 1.0), 0.0)

    def p_values(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return two-sided p-values: twice the smaller tail including the observed count, at most 1.

        The tails are those of the binomial distribution with the same mean and variance (its number of trials need not
        be an integer), which has the light tails of counts with fixed margins. Where that distribution would exclude an
        observed count that is possible, the largest possible number of trials is used instead.
        """
        mean = np.maximum(self.mean, 1e-150)
        trials = mean**2 / np.maximum(mean - self.variance, 1e-12 * mean)
        trials = np.maximum(np.where(counts > trials, self.support, trials), np.maximum(counts, 1e-6))
        share = np.minimum(mean / trials, 1.0)
        upper = np.where(counts > 0, betainc(np.maximum(counts, 1), trials - counts + 1, share), 1.0)
        rest = np.maximum(trials - counts, 1e-9)
        lower = np.where(counts < trials, betainc(rest, counts + 1.0, 1 - share), 1.0)
        free = self.variance > 1e-12
        return np.where(free, np.clip(2 * np.minimum(upper, lower), 0.0, 1.0), 1.0)


@dataclass(frozen=True, eq=False)
class RandomSets:
    """Random graphs in which every reaction keeps its number of precursors and every precursor its number of uses.

    Precursor sets are small (2 to 5 members), and this determines the choice of model. The usual analytic null models
    of bipartite projections, the bipartite configuration model (Saracco et al., Sci. Rep. 5, 10595 (2015); New J. Phys.
    19, 053022 (2017)) and the product of degrees, keep the sizes of reactions only on average. A set of random size
    with mean k holds k²/2 pairs on average, a set of exactly k holds k (k - 1)/2: at k = 3 these models would expect
    50 % too many pairs and call ordinary pairs rare. Here the sizes are exact. Given its size s, a set is drawn with
    probability proportional to the product of the weights of its members. This is the maximum-entropy distribution
    for given inclusion probabilities (Chen, Dempster & Liu, Biometrika 81, 457 (1994)), and the inclusion
    probabilities follow from elementary symmetric polynomials e of the weights:

        P(a | s) = w_a e_{s-1}(w without a) / e_s(w),   P(a, b | s) = w_a w_b e_{s-2}(w without a, b) / e_s(w)

    The weights are fitted so that expected uses equal recorded uses. Reactions are independent, so the count of a pair
    is a Poisson-binomial variable with known mean and variance. Uses are fixed as well: the variance is what remains
    after regression of the pair's count on the uses of both precursors, which matters for precursors in a large share
    of reactions. Tests compare means, variances and p-values with a chain of swaps.

    Attributes:
        weights: (m,) of the precursors.
        sizes: distinct set sizes.
        number: number of reactions of each size.
        uses: (m,) of the precursors.
        single: (sizes, m) P(a | s).
    """

    weights: NDArray[np.float64]
    sizes: NDArray[np.int64]
    number: NDArray[np.int64]
    uses: NDArray[np.int64]
    single: NDArray[np.float64]

    @classmethod
    def fit(cls, sizes: NDArray[np.int64], uses: NDArray[np.int64]) -> RandomSets:
        """Fit the weights.

        Args:
            sizes: (n,) number of precursors of each reaction.
            uses: (m,) number of reactions of each precursor, with the same sum.
        """
        found, number = np.unique(sizes[sizes > 0], return_counts=True)
        weights = uses / max(uses.sum(), 1)
        wanted = uses.astype(np.float64)
        for _ in range(_ITERATIONS):
            single = _inclusion(weights, found)
            expected = number @ single
            change = np.divide(wanted, expected, out=np.ones_like(wanted), where=expected > 0)
            weights = weights * change
            weights /= weights.sum()
            if np.abs(change - 1).max(initial=0.0) < _TOLERANCE:
                break
        return cls(weights, found, number, uses, _inclusion(weights, found))

    def counts(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NullCounts:
        """Return the null distribution of some pairs of different precursors, given by their columns."""
        largest = int(self.sizes.max(initial=1))
        whole = _symmetric(self.weights, largest)
        one, two = self.weights[first], self.weights[second]
        without = _remove(_remove(np.broadcast_to(whole, (len(first), largest + 1)), one), two)
        mean, variance = np.zeros(len(first)), np.zeros(len(first))
        covariance = np.zeros((len(first), 2))
        spread = np.zeros((len(first), 3))
        for size, number, single in zip(self.sizes.tolist(), self.number.tolist(), self.single, strict=True):
            a, b = single[first], single[second]
            both = one * two * without[:, size - 2] / whole[size] if size > 1 else np.zeros(len(first))
            mean += number * both
            variance += number * both * (1 - both)
            covariance += number * np.stack([both * (1 - a), both * (1 - b)], axis=1)
            spread += number * np.stack([a * (1 - a), b * (1 - b), both - a * b], axis=1)
        support = np.minimum(self.uses[first], self.uses[second])
        return NullCounts(mean, np.maximum(variance - _explained(covariance, spread), 0.0), support)


def swap_counts(
    incidence: csr_array, first: NDArray[np.int64], second: NDArray[np.int64], *, samples: int, seed: int = 0
) -> NullCounts:
    """Return mean and variance of pair counts over random graphs with exactly the recorded degrees.

    In each round the reactions are paired at random and each pair tries to swap one random precursor of each; swaps
    that would put a precursor into a set twice are rejected. Moves are symmetric, so the chain samples all such graphs
    uniformly (Strona et al., Nat. Commun. 5, 4114 (2014) for trades between pairs of rows).

    Args:
        incidence: (n, m) 1 where a reaction uses a precursor.
        first: (pairs,) columns.
        second: (pairs,) columns.
        samples: number of random graphs.
        seed: of the chain.
    """
    generator = np.random.default_rng(seed)
    sizes = np.diff(incidence.indptr)
    table = np.full((len(sizes), int(sizes.max(initial=1))), -1, dtype=np.int64)
    table[np.arange(table.shape[1]) < sizes[:, None]] = incidence.indices
    uses = np.asarray(incidence.sum(axis=0)).ravel()
    total, squares = np.zeros(len(first)), np.zeros(len(first))
    for _ in range(_BURN_IN):
        _swap_round(table, sizes, generator)
    for _ in track(range(samples), "random graphs", total=samples):
        for _ in range(_THINNING):
            _swap_round(table, sizes, generator)
        found = _pair_counts(table, incidence.shape[1], first, second)
        total += found
        squares += found**2
    mean = total / samples
    return NullCounts(mean, np.maximum(squares / samples - mean**2, 0.0), np.minimum(uses[first], uses[second]))


def _symmetric(weights: NDArray[np.float64], largest: int) -> NDArray[np.float64]:
    """Return the elementary symmetric polynomials e_0 .. e_largest of the weights, (largest + 1,)."""
    found = np.zeros(largest + 1)
    found[0] = 1.0
    for weight in weights.tolist():
        found[1:] += weight * found[:-1]
    return found


def _remove(polynomials: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the polynomials (n, k) without one weight each: e_k(w without a) = e_k(w) - w_a e_{k-1}(w without a)."""
    found = np.empty(polynomials.shape)
    found[:, 0] = 1.0
    for degree in range(1, polynomials.shape[1]):
        found[:, degree] = np.maximum(polynomials[:, degree] - weights * found[:, degree - 1], 0.0)
    return found


def _inclusion(weights: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return P(a | s), (sizes, m)."""
    largest = int(sizes.max(initial=1))
    whole = _symmetric(weights, largest)
    without = _remove(np.broadcast_to(whole, (len(weights), largest + 1)), weights)
    return np.stack([np.minimum(weights * without[:, size - 1] / whole[size], 1.0) for size in sizes.tolist()])


def _explained(covariance: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance that two counts explain, (n,): c^T S^-1 c with S = [[s0, s2], [s2, s1]]."""
    c0, c1 = covariance.T
    s0, s1, s2 = spread.T
    determinant = s0 * s1 - s2**2
    regular = determinant > 1e-9 * np.maximum(s0 * s1, 1e-300)
    safe = np.where(regular, determinant, 1.0)
    return np.where(regular, (c0**2 * s1 - 2 * c0 * c1 * s2 + c1**2 * s0) / safe, 0.0)


def _swap_round(table: NDArray[np.int64], sizes: NDArray[np.int64], generator: np.random.Generator) -> None:
    """Swap one entry between random pairs of rows of a padded table (n, largest size), where that is allowed."""
    half = len(table) // 2
    rows = generator.permutation(len(table))
    left, right = rows[:half], rows[half : 2 * half]
    columns = [(generator.random(half) * sizes[each]).astype(np.int64) for each in (left, right)]
    given, taken = table[left, columns[0]], table[right, columns[1]]
    allowed = ~(table[right] == given[:, None]).any(1) & ~(table[left] == taken[:, None]).any(1)
    allowed &= (given >= 0) & (taken >= 0)
    table[left[allowed], columns[0][allowed]] = taken[allowed]
    table[right[allowed], columns[1][allowed]] = given[allowed]


def _pair_counts(
    table: NDArray[np.int64], columns: int, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    used = table >= 0
    offsets = np.concatenate([[0], np.cumsum(used.sum(1))])
    entries = table[used]
    matrix = csr_array((np.ones(len(entries)), entries, offsets), shape=(len(table), columns))
    return entries_at(csr_array(matrix.T @ matrix), first, second).astype(np.float64)
