from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.errors import ScoreError
from rrgraph.evaluation import PROTOCOLS
from rrgraph.evaluation.calibration import calibration
from rrgraph.evaluation.metrics import TOP_K, RowRanks, summarise, top_k_accuracy

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


def outcome(**changes):
    values = {
        "targets": ["a", "a", "b", "c"],
        "ranks": np.array([1.0, 1.0, 4.0, np.inf]),
        "row_ranks": np.array([1.0, 2.0, 4.0, np.inf]),
        "unseen": np.array([False, True, True, False]),
    }
    return RowRanks(**{**values, **changes})


def test_summary_separates_truths_and_unseen_rows():
    metrics = summarise(PROTOCOLS["open"], outcome(), resamples=50)
    assert [metrics.overall.top[k].value for k in (1, 3, 5)] == [0.5, 0.5, 0.75]
    assert metrics.per_row.top[1].value == 0.25
    assert (metrics.unseen.rows, metrics.unseen.targets) == (2, 2)
    assert [metrics.unseen.top[k].value for k in (1, 5)] == [0.5, 1.0]
    own = summarise(PROTOCOLS["paper"], outcome(unseen=None), resamples=50)
    assert (own.per_row, own.unseen) == (None, None)


def test_summary_without_unseen_rows_says_that_there_are_none():
    metrics = summarise(PROTOCOLS["paper"], outcome(unseen=np.zeros(4, dtype=bool)), resamples=50)
    assert metrics.unseen.rows == 0
    assert metrics.to_dict()["unseen"] == {"rows": 0, "targets": 0}


def test_json_and_table_carry_every_number():
    metrics = summarise(
        PROTOCOLS["open"],
        outcome(),
        reachable=0.75,
        calibration=calibration([0.2, 0.9], [False, True]),
        resamples=50,
    )
    decoded = json.loads(json.dumps(metrics.to_dict(), allow_nan=False))
    assert decoded["overall"]["top5"]["value"] == 0.75
    assert decoded["protocol"]["ties"] == "pessimistic"
    assert decoded["calibration"]["count"] == 2
    assert json.loads(json.dumps(metrics.rows.to_dict(), allow_nan=False))["rank"] == [1, 1, 4, None]
    header, body = metrics.table()
    assert header[1:] == ["top-1", "top-3", "top-5", "top-10", "rows"]
    assert [line[-1] for line in body] == ["4", "4", "2"]
    assert body[0][1].startswith("50.0 [")
    assert len(str(metrics).splitlines()) == 4
