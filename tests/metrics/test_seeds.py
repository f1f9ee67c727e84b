from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rrgraph.errors import ScoreError
from rrgraph.metrics import holm, paired_bootstrap, seeded_difference


def hits(generator, difficulty, deviation, seeds=3):
    """Rows right by chance, of a system whose accuracy differs between seeds by a standard deviation."""
    shifts = generator.normal(0, deviation, seeds)
    return [generator.random(len(difficulty)) < np.clip(difficulty + shift, 0, 1) for shift in shifts]


def false_positives(deviations, *, trials=200, rows=300, shared=True):
    """Share of comparisons of two equal systems that are called different, counting seeds and not counting them.

    Seeds have the same rows, or some of their own, as those with a precursor that training lacks.
    """
    found = np.zeros(2)
    for trial in range(trials):
        generator = np.random.default_rng(trial)
        difficulty = generator.uniform(0.2, 0.9, rows)
        one, other = (hits(generator, difficulty, deviation) for deviation in deviations)
        groups = [range(rows)] * 3
        if not shared:
            kept = [np.sort(generator.choice(rows, rows * 3 // 4, replace=False)) for _ in groups]
            one, other = ([values[rows] for values, rows in zip(each, kept, strict=True)] for each in (one, other))
            groups = [each.tolist() for each in kept]
        pooled = paired_bootstrap(
            np.concatenate(one), np.concatenate(other), [*chain(*groups)], resamples=200, seed=trial
        )
        seeded = seeded_difference(one, other, groups, resamples=200, seed=trial)
        found += [seeded.p_value < 0.05, pooled.p_value < 0.05]
    return found / trials


def test_equal_systems_with_seed_noise_are_rarely_called_different():
    seeded, pooled = false_positives((0.07, 0.025))
    assert seeded <= 0.07
    assert pooled > 0.3  # without the noise of seeds the test is useless


def test_equal_systems_are_rarely_called_different_where_seeds_have_rows_of_their_own():
    assert false_positives((0.07, 0.025), shared=False)[0] <= 0.07


def test_equal_systems_without_seed_noise_are_rarely_called_different():
    assert false_positives((0.0, 0.0))[0] <= 0.07


def test_a_difference_beyond_both_noises_is_found():
    generator = np.random.default_rng(0)
    difficulty = generator.uniform(0.2, 0.8, 1000)
    better, worse = hits(generator, difficulty + 0.08, 0.005), hits(generator, difficulty, 0.005)
    found = seeded_difference(better, worse, [range(1000)] * 3)
    assert found.p_value < 0.01
    assert found.difference.low > 0
    mirrored = seeded_difference(worse, better, [range(1000)] * 3)
    assert mirrored.p_value == pytest.approx(found.p_value)
    assert mirrored.difference.value == -found.difference.value


def test_a_large_difference_is_significant_among_all_tests_of_a_large_table():
    generator = np.random.default_rng(0)
    difficulty = generator.uniform(0.2, 0.6, 1000)
    better, worse = hits(generator, difficulty + 0.2, 0.005), hits(generator, difficulty, 0.005)
    found = seeded_difference(better, worse, [range(1000)] * 3)
    assert holm([found.p_value, *[1.0] * 500])[0] < 0.05


def test_against_welch_where_all_rows_agree():
    """Without noise of targets what is left is Welch's test of the means over seeds."""
    one, other = ([np.full(30, value) for value in values] for values in ((0.7, 0.72, 0.69), (0.6, 0.65, 0.5)))
    found = seeded_difference(one, other, [range(30)] * 3)
    means = [[rows[0] for rows in system] for system in (one, other)]
    assert found.p_value == pytest.approx(stats.ttest_ind(*means, equal_var=False).pvalue)


def test_the_variance_is_that_of_resampling_seeds_and_targets_together():
    """By drawing both anew; with twenty seeds the t distribution is nearly normal, and n / (n - 1) nearly 1."""
    seeds, rows, generator = 20, 150, np.random.default_rng(0)
    one, other = (
        generator.uniform(0.3, 0.8, rows) + generator.normal(0, deviation, (seeds, 1)) for deviation in (0.06, 0.03)
    )
    found = seeded_difference([*one], [*other], [range(rows)] * seeds)
    drawn = []
    for _ in range(3000):
        targets = generator.integers(rows, size=rows)
        first, second = (system[generator.integers(seeds, size=seeds)] for system in (one, other))
        drawn.append(first[:, targets].mean() - second[:, targets].mean())
    half = (found.difference.high - found.difference.low) / 2
    assert half == pytest.approx(1.96 * np.std(drawn), rel=0.08)


def test_one_seed_leaves_the_noise_of_targets():
    one, other = np.arange(60) < 40, np.arange(60) < 30
    found = seeded_difference([one], [other], [range(60)])
    expected = paired_bootstrap(one, other, range(60))
    assert found.difference.value == pytest.approx(expected.difference.value)
    assert found.difference.low == pytest.approx(expected.difference.low, abs=0.02)


def test_seeds_with_rows_of_their_own_are_compared_in_pairs():
    one = [np.full(20, 0.9), np.full(30, 0.5)]
    other = [np.full(20, 0.8), np.full(30, 0.4)]
    found = seeded_difference(one, other, [range(20), range(100, 130)])
    assert found.difference.value == pytest.approx(0.1)
    assert found.rows == found.targets == 50
    assert found.p_value < 0.01  # the same in both, however different the rows


def test_equal_outcomes_are_not_different():
    rows = [np.arange(9) < 4] * 3
    assert seeded_difference(rows, rows, ["abcdefghi"] * 3).p_value == 1


def test_refuses_what_cannot_be_paired():
    with pytest.raises(ScoreError, match="1 and 2 seeds"):
        seeded_difference([[1.0]], [[1.0], [0.0]], ["a"])
    with pytest.raises(ScoreError, match="shapes"):
        seeded_difference([[1.0]], [[1.0, 0.0]], ["ab"])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_against_its_definition(p_values):
    corrected = holm(p_values)
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    running = 0.0
    for step, index in enumerate(order):
        running = max(running, (len(p_values) - step) * p_values[index])
        assert corrected[index] == min(1.0, running)
