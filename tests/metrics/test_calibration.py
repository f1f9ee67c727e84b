from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.errors import ScoreError
from rrgraph.metrics import calibration

pairs = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


def naive_equal_width(values, truth, bins):
    """Guo et al. 2017, eq. 3, with bins (low, high] and 0 in the first."""
    total = 0.0
    for index in range(bins):
        low, high = np.linspace(0, 1, bins + 1)[index : index + 2]
        inside = [(v, t) for v, t in zip(values, truth, strict=True) if low < v <= high or (index == 0 and v == 0)]
        if inside:
            total += len(inside) * abs(np.mean([v for v, _ in inside]) - np.mean([t for _, t in inside]))
    return total / len(values)


@given(pairs, st.integers(1, 12))
@settings(max_examples=150, deadline=None)
def test_equal_width_and_brier_equal_naive_loops(data, bins):
    values, truth = [v for v, _ in data], [t for _, t in data]
    result = calibration(values, truth, bins=bins)
    assert result.ece_width == pytest.approx(naive_equal_width(values, truth, bins), abs=1e-9)
    assert result.brier == pytest.approx(sum((v - t) ** 2 for v, t in data) / len(data), abs=1e-12)


@given(pairs, st.integers(1, 12), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_bins_hold_everything_once_and_order_does_not_matter(data, bins, random):
    result = calibration([v for v, _ in data], [t for _, t in data], bins=bins)
    for table in (result.bins, result.mass_bins):
        assert sum(entry.count for entry in table) == result.count == len(data)
        assert all(entry.low <= entry.confidence + 1e-12 and entry.confidence <= entry.high + 1e-12 for entry in table)
        assert sum(e.count * e.accuracy for e in table) == pytest.approx(sum(t for _, t in data))
    random.shuffle(data)
    shuffled = calibration([v for v, _ in data], [t for _, t in data], bins=bins)
    assert shuffled.ece_mass == pytest.approx(result.ece_mass, abs=1e-12)
    assert shuffled.ece_width == pytest.approx(result.ece_width, abs=1e-12)


def test_equal_mass_bins_hold_equally_many_distinct_values():
    values = np.random.default_rng(0).random(1000) ** 4
    result = calibration(values, values > 0.5, bins=10)
    assert [entry.count for entry in result.mass_bins] == [100] * 10
    chunks = np.sort(values).reshape(10, 100)
    expected = np.mean(np.abs(chunks.mean(1) - (chunks > 0.5).mean(1)))
    assert result.ece_mass == pytest.approx(expected)


def test_perfect_and_worst():
    perfect = calibration([0.0, 1.0, 1.0], [False, True, True])
    assert (perfect.ece_width, perfect.ece_mass, perfect.brier) == (0.0, 0.0, 0.0)
    worst = calibration([0.0, 1.0], [True, False])
    assert (worst.ece_width, worst.brier) == (1.0, 1.0)
    honest = calibration([0.75] * 4, [True, True, True, False])
    assert honest.ece_width == honest.ece_mass == 0.0
    assert honest.brier == pytest.approx(0.1875)
    assert "Brier score 0.188, 4 probabilities" in str(honest)


@pytest.mark.parametrize(
    ("values", "truth", "words"),
    [
        ([], [], "no probabilities"),
        ([0.5, np.nan], [True, False], "Probability 2 is nan"),
        ([np.inf], [True], "inf"),
        ([1.5], [True], "1.5"),
        ([-0.1], [True], "-0.1"),
        ([0.5], [True, False], "shape"),
        ([0.5], [np.nan], "true or false"),
        ([0.5], [0.7], "true or false"),
    ],
)
def test_bad_probabilities_are_refused(values, truth, words):
    with pytest.raises(ScoreError, match=words):
        calibration(values, truth)
