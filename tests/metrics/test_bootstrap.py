from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.errors import ScoreError
from rrgraph.metrics import PairedDifference, bootstrap, mean_intervals, paired_bootstrap
from rrgraph.metrics.bootstrap import bootstrap_means

rows = st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(-5, 5)), min_size=1, max_size=25)


@given(rows, st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_resamples_equal_a_naive_loop_that_draws_whole_targets(data, seed):
    groups, values = [group for group, _ in data], [value for _, value in data]
    means = bootstrap_means(np.array(values)[:, None], groups, resamples=7, seed=seed)[:, 0]

    distinct = list(dict.fromkeys(groups))
    draws = np.random.default_rng(seed).integers(0, len(distinct), size=(7, len(distinct)))
    for mean, drawn in zip(means, draws, strict=True):
        sample = [v for index in drawn for g, v in data if g == distinct[index]]
        assert mean == pytest.approx(np.mean(sample), abs=1e-9)


def test_drawing_in_blocks_gives_the_same_resamples(monkeypatch):
    values, groups = np.random.default_rng(1).random((40, 2)), [i // 3 for i in range(40)]
    whole = bootstrap_means(values, groups, resamples=50, seed=3)
    monkeypatch.setattr(bootstrap, "_BATCH_SIZE", 30)
    np.testing.assert_allclose(bootstrap_means(values, groups, resamples=50, seed=3), whole)


def test_interval_holds_the_value_and_narrows_with_more_targets():
    hits = np.tile([1.0, 0.0], 400)
    few = mean_intervals(hits[:20, None], range(20))[0]
    many = mean_intervals(hits[:, None], range(800))[0]
    assert few.low < few.value == 0.5 < few.high
    assert many.high - many.low < (few.high - few.low) / 3


def test_intervals_are_the_outer_percentiles_of_the_resamples():
    values = np.random.default_rng(4).random((60, 1))
    means = np.sort(bootstrap_means(values, range(60), resamples=1000, seed=5)[:, 0])
    interval = mean_intervals(values, range(60), resamples=1000, seed=5)[0]
    paired = paired_bootstrap(values[:, 0], np.zeros(60), range(60), resamples=1000, seed=5).difference
    for found in (interval, paired):
        assert means[24] <= found.low <= means[25]
        assert means[974] <= found.high <= means[975]


def test_interval_covers_the_true_mean_about_95_times_in_100():
    generator = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        interval = mean_intervals(generator.random((120, 1)) < 0.6, range(120), resamples=300, seed=trial)[0]
        covered += interval.low <= 0.6 <= interval.high
    assert 178 <= covered <= 200


def test_repeating_a_target_does_not_narrow_its_interval():
    hits = np.array([1.0, 0.0] * 15)
    once = mean_intervals(hits[:, None], range(30))[0]
    repeated = mean_intervals(np.repeat(hits, 20)[:, None], np.repeat(range(30), 20).tolist())[0]
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high))


def test_the_seed_decides():
    values = np.random.default_rng(0).random((30, 1))
    assert mean_intervals(values, range(30), seed=1) == mean_intervals(values, range(30), seed=1)
    assert mean_intervals(values, range(30), seed=1) != mean_intervals(values, range(30), seed=2)


@pytest.mark.parametrize(
    ("values", "groups", "words"),
    [
        (np.zeros((0, 1)), [], "no rows"),
        ([[np.nan]], ["a"], "NaN"),
        ([[np.inf]], ["a"], "infinite"),
        ([[1.0]], ["a", "b"], "2 rows"),
    ],
)
def test_bad_values_are_refused(values, groups, words):
    with pytest.raises(ScoreError, match=words):
        mean_intervals(values, groups)


def test_paired_bootstrap_sees_a_small_but_steady_difference():
    second = np.random.default_rng(0).random(300) < 0.5
    first = second.copy()
    first[np.flatnonzero(~second)[:25]] = True
    result = paired_bootstrap(first, second, range(300))
    assert result.difference.value == pytest.approx(25 / 300)
    assert result.difference.low > 0
    assert result.p_value == pytest.approx(2 / 2001)
    mirrored = paired_bootstrap(second, first, range(300))
    assert mirrored.difference.value == -result.difference.value
    assert mirrored.p_value == result.p_value


def test_paired_bootstrap_of_equal_systems_is_not_significant():
    hits = np.random.default_rng(0).random(100) < 0.5
    assert paired_bootstrap(hits, hits, range(100)).p_value == 1.0
    swapped = np.roll(np.tile([True, False], 50), 1)
    assert paired_bootstrap(np.tile([True, False], 50), swapped, range(100)).p_value > 0.5


def test_paired_bootstrap_counts_correlated_rows_as_one_target():
    # Forty rows of one target are one observation: together with four other targets they prove nothing.
    first, groups = np.ones(44), ["one"] * 40 + ["b", "c", "d", "e"]
    second = np.array([0.0] * 40 + [1.0] * 4)
    assert paired_bootstrap(first, second, groups).p_value > 0.3
    assert paired_bootstrap(first, second, range(44)).p_value < 0.01


def test_paired_bootstrap_finds_equally_good_systems_different_about_5_times_in_100():
    generator = np.random.default_rng(0)
    found = 0
    for trial in range(200):
        # Three rows a target that agree: taken for themselves they would be found different far more often.
        hits = np.repeat(generator.random((2, 60)) < 0.5, 3, axis=1)
        result = paired_bootstrap(*hits, np.repeat(range(60), 3).tolist(), resamples=300, seed=trial)
        found += result.p_value < 0.05
    assert 2 <= found <= 22


def test_a_paired_difference_comes_back_from_json_and_reads_well():
    result = paired_bootstrap([1.0, 1.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0], "abcd", resamples=100)
    assert PairedDifference.from_dict(result.to_dict()) == result
    low, high = 100 * result.difference.low, 100 * result.difference.high
    assert str(result) == f"+50.0 [{low:+.1f}, {high:+.1f}], p = {result.p_value:.2g}"


def test_paired_bootstrap_refuses_different_rows():
    with pytest.raises(ScoreError, match="pair"):
        paired_bootstrap([1.0, 0.0], [1.0], ["a", "b"])
