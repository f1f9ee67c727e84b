from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.errors import ScoreError
from rrgraph.metrics import TOP_K, RowRanks, TopK, paired_accuracy, paired_bootstrap, top_k_accuracy

ranked = st.lists(
    st.tuples(st.sampled_from("abcd"), st.one_of(st.integers(1, 15).map(float), st.just(np.inf))),
    min_size=1,
    max_size=30,
)


@given(ranked)
@settings(max_examples=60, deadline=None)
def test_top_k_equals_counting(data):
    targets, ranks = [target for target, _ in data], [rank for _, rank in data]
    result = top_k_accuracy(ranks, targets, resamples=50)
    assert (result.rows, result.targets) == (len(data), len(set(targets)))
    for k in TOP_K:
        assert result.top[k].value == pytest.approx(sum(rank <= k for rank in ranks) / len(ranks))
        assert 0 <= result.top[k].low <= result.top[k].high <= 1
    assert [result.top[k].value for k in TOP_K] == sorted(result.top[k].value for k in TOP_K)


def test_all_misses_and_all_hits_have_certain_looking_intervals():
    misses = top_k_accuracy([np.inf] * 5, "abcde").top[10]
    hits = top_k_accuracy([1.0] * 5, "abcde").top[1]
    assert (misses.value, misses.low, misses.high) == (0, 0, 0)
    assert (hits.value, hits.low, hits.high) == (1, 1, 1)


@pytest.mark.parametrize("bad", [np.nan, 0.0, -1.0])
def test_impossible_ranks_are_refused(bad):
    with pytest.raises(ScoreError, match="row 2"):
        top_k_accuracy([1.0, bad], "ab")


def test_lengths_that_differ_are_refused():
    with pytest.raises(ScoreError, match="3 rows"):
        top_k_accuracy([1.0, 2.0], "abc")


def test_no_rows_give_an_empty_result():
    result = top_k_accuracy([], [])
    assert (result.rows, dict(result.top)) == (0, {})


def test_json_gives_the_same_result_back():
    result = top_k_accuracy([1.0, 4.0, np.inf], "aab", resamples=20)
    assert TopK.from_dict(result.to_dict()) == result
    assert TopK.from_dict(top_k_accuracy([], []).to_dict()).rows == 0


def outcome(ranks, targets=None):
    values = np.array(ranks, dtype=np.float64)
    return RowRanks(targets=list(targets or map(str, range(len(ranks)))), ranks=values, row_ranks=values)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=25))
@settings(max_examples=40, deadline=None)
def test_pairs_are_compared_at_each_k(data):
    targets, first, second = ([entry[column] for entry in data] for column in range(3))
    found = paired_accuracy(outcome(first, targets), outcome(second, targets), resamples=50)
    assert list(found) == list(TOP_K)
    for k, difference in found.items():
        ahead = sum(a <= k < b for a, b in zip(first, second, strict=True))
        behind = sum(b <= k < a for a, b in zip(first, second, strict=True))
        assert difference.difference.value == pytest.approx((ahead - behind) / len(data))
        hits = np.array(first) <= k, np.array(second) <= k
        assert difference == paired_bootstrap(*hits, targets, resamples=50)


def test_systems_of_different_rows_are_not_compared():
    with pytest.raises(ScoreError, match="different rows"):
        paired_accuracy(outcome([1, 2]), outcome([1, 2, 3]))
    with pytest.raises(ScoreError, match="different rows"):
        paired_accuracy(outcome([1, 2], "ab"), outcome([1, 2], "ba"))
