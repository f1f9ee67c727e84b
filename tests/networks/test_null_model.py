from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import binom

from rrgraph.networks import NullCounts, RandomSets, swap_counts
from rrgraph.networks.null_model import _swap_round


def random_incidence(seed: int, rows: int = 60, columns: int = 12) -> np.ndarray:
    """Sets of 2 to 4 members, some of which are much more frequent than others."""
    generator = np.random.default_rng(seed)
    weights = 1 / np.arange(1, columns + 1)
    found = np.zeros((rows, columns), dtype=np.int64)
    for row in found:
        row[generator.choice(columns, generator.integers(2, 5), replace=False, p=weights / weights.sum())] = 1
    return found[:, found.sum(0) > 0]


def naive_swaps(matrix: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Checkerboard swaps of single entries, as slow and plain as can be; pair counts of every sample."""
    generator = np.random.default_rng(seed)
    matrix = matrix.copy()
    ones = [tuple(each) for each in np.argwhere(matrix)]
    found = []
    for step in range(samples * 40):
        chosen = generator.integers(0, len(ones), 2)
        (i, a), (j, b) = (ones[each] for each in chosen)
        if not matrix[i, b] and not matrix[j, a]:
            matrix[i, a] = matrix[j, b] = 0
            matrix[i, b] = matrix[j, a] = 1
            ones[chosen[0]], ones[chosen[1]] = (i, b), (j, a)
        if step % 40 == 0:
            found.append(matrix.T @ matrix)
    return np.array(found)


def all_pairs(columns: int) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.array(list(combinations(range(columns), 2))).T)


def test_expected_counts_are_those_of_naive_swaps():
    matrix = random_incidence(3)
    one, two = all_pairs(matrix.shape[1])
    sampled = naive_swaps(matrix, 3000, seed=1)[200:, one, two]
    found = RandomSets.fit(matrix.sum(1), matrix.sum(0)).counts(one, two)
    assert np.abs(found.mean - sampled.mean(0)).max() < 0.25
    often = found.mean > 2
    assert found.mean[often] == pytest.approx(sampled.mean(0)[often], rel=0.06)
    assert np.sqrt(found.variance[often]) == pytest.approx(sampled.std(0)[often], rel=0.15)


def test_p_values_are_those_of_naive_swaps():
    matrix = random_incidence(4, rows=80)
    one, two = all_pairs(matrix.shape[1])
    sampled = naive_swaps(matrix, 4000, seed=2)[200:, one, two]
    null = RandomSets.fit(matrix.sum(1), matrix.sum(0)).counts(one, two)
    for shift in (-3, 3):
        counts = np.maximum(np.rint(null.mean).astype(np.int64) + shift, 0)
        tails = np.minimum((sampled >= counts).mean(0), (sampled <= counts).mean(0))
        shown = (null.mean > 2) & (tails > 0.005)
        assert shown.sum() > 5
        assert null.p_values(counts)[shown] == pytest.approx(np.minimum(2 * tails[shown], 1), rel=0.4, abs=0.02)


def test_sets_of_exact_size_expect_fewer_pairs_than_sets_of_that_size_on_average():
    matrix = random_incidence(5, rows=200)
    one, two = all_pairs(matrix.shape[1])
    uses = matrix.sum(0)
    found = RandomSets.fit(matrix.sum(1), uses).counts(one, two)
    assert found.mean.sum() == pytest.approx((matrix.sum(1) * (matrix.sum(1) - 1) / 2).sum())
    assert (uses[one] * uses[two] / 200).sum() > 1.15 * found.mean.sum()


def test_vectorised_swaps_agree_with_the_analytic_model():
    matrix = random_incidence(6)
    one, two = all_pairs(matrix.shape[1])
    sampled = swap_counts(csr_array(matrix), one, two, samples=600, seed=1)
    found = RandomSets.fit(matrix.sum(1), matrix.sum(0)).counts(one, two)
    assert np.abs(found.mean - sampled.mean).max() < 0.3


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_swaps_keep_all_degrees(seed):
    matrix = random_incidence(seed, rows=15, columns=6)
    matrix[0] = 0  # a reaction whose precursors were left out
    sizes = matrix.sum(1)
    table = np.full((15, max(sizes.max(), 1)), -1)
    table[np.arange(table.shape[1]) < sizes[:, None]] = np.nonzero(matrix)[1]
    generator = np.random.default_rng(seed)
    for _ in range(30):
        _swap_round(table, sizes, generator)
    after = np.zeros_like(matrix)
    for row, entries in enumerate(table):
        np.add.at(after[row], entries[entries >= 0], 1)
    assert after.max() <= 1
    assert after.sum(0).tolist() == matrix.sum(0).tolist()
    assert after.sum(1).tolist() == sizes.tolist()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_weights_give_the_recorded_uses(seed):
    matrix = random_incidence(seed, rows=25, columns=8)
    null = RandomSets.fit(matrix.sum(1), matrix.sum(0))
    assert null.number @ null.single == pytest.approx(matrix.sum(0), rel=0.02)
    for size, single in zip(null.sizes, null.single, strict=True):
        assert single.sum() == pytest.approx(size)


def test_inclusion_probabilities_are_those_of_enumeration():
    weights = np.array([0.5, 0.3, 0.15, 0.05])
    sets = list(combinations(range(4), 3))
    chance = np.array([np.prod(weights[list(each)]) for each in sets])
    chance /= chance.sum()
    null = RandomSets(weights, np.array([3]), np.array([10]), np.array([9, 8, 7, 6]), np.zeros((1, 4)))
    one, two = all_pairs(4)
    both = [
        sum(c for c, each in zip(chance, sets, strict=True) if {a, b} <= set(each))
        for a, b in zip(one, two, strict=True)
    ]
    assert null.counts(one, two).mean == pytest.approx(10 * np.array(both))


def test_a_precursor_of_every_reaction_leaves_no_choice():
    matrix = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 0], [1, 0, 1]])
    null = RandomSets.fit(matrix.sum(1), matrix.sum(0)).counts(np.array([0, 0]), np.array([1, 2]))
    assert null.mean == pytest.approx([2, 2], rel=0.01)
    assert null.p_values(np.array([2, 2])) == pytest.approx([1, 1], abs=0.05)


@given(st.integers(1, 40), st.floats(0.05, 0.9), st.integers(0, 40))
def test_tails_are_binomial(trials, share, count):
    count = min(count, trials)
    null = NullCounts(np.array([trials * share]), np.array([trials * share * (1 - share)]), np.array([1]))
    expected = 2 * min(binom.sf(count - 1, trials, share), binom.cdf(count, trials, share))
    assert null.p_values(np.array([count]))[0] == pytest.approx(min(expected, 1), rel=1e-6)


def test_tiny_p_values_do_not_vanish():
    null = NullCounts(np.array([100.0]), np.array([60.0]), np.array([200]))
    assert 0 < null.p_values(np.array([0]))[0] < 1e-30
