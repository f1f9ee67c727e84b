from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from rrgraph.errors import ScoreError
from rrgraph.evaluation import PROTOCOLS, Metrics, Subgroups, summarise, with_paired_differences
from rrgraph.metrics import RowRanks, calibration, paired_accuracy, top_k_accuracy


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


def test_rows_that_were_learned_are_told_from_new_ones():
    learned, reactions = np.array([True, True, False, False]), np.array([True, False, False, False])
    metrics = summarise(PROTOCOLS["open"], outcome(), learned=(learned, reactions), resamples=50)
    assert (metrics.overlap.learned.rows, metrics.overlap.new.rows, metrics.overlap.reactions) == (2, 2, 1)
    assert [metrics.overlap.learned.top[1].value, metrics.overlap.new.top[1].value] == [1.0, 0.0]
    assert Metrics.from_dict(metrics.to_dict()) == metrics
    assert [line[0] for line in metrics.table()[1]][-2:] == ["open, target learned", "open, new target"]
    assert "2 of 4 rows" in str(metrics.overlap) and "judge by the 2 rows" in str(metrics.overlap)
    nothing = summarise(PROTOCOLS["open"], outcome(), learned=(~learned & learned, ~learned & learned), resamples=50)
    assert nothing.overlap.new == nothing.overall
    assert len(nothing.table()[1]) == 3


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


def full_metrics(**changes):
    """Metrics with every part."""
    metrics = summarise(
        PROTOCOLS["open"].override(max_candidates=7),
        outcome(**changes),
        reachable=0.75,
        calibration=calibration([0.2, 0.9], [False, True]),
        listed_calibration=calibration([0.1, 0.2, 0.9], [False, True, True]),
        resamples=50,
    )
    groups = Subgroups("year", {"2015": top_k_accuracy([1.0], "a", resamples=5), "unknown": top_k_accuracy([], [])})
    return replace(
        metrics, subgroups=(groups,), paired_differences=paired_accuracy(outcome(), metrics.rows, resamples=20)
    )


def test_json_gives_the_same_metrics_back():
    for metrics in (
        full_metrics(),
        full_metrics(unseen=None),
        summarise(PROTOCOLS["paper"], outcome(unseen=None), resamples=10),
    ):
        decoded = json.loads(json.dumps(metrics.to_dict(), allow_nan=False))
        again = Metrics.from_dict(decoded)
        assert again == metrics
        assert again.rows is None
        assert json.loads(json.dumps(again.to_dict())) == decoded


def test_metrics_of_an_older_report_lack_what_it_did_not_say():
    values = full_metrics().to_dict()
    for name in ("listed_calibration", "strata", "model_lead"):
        del values[name]
    old = Metrics.from_dict(values)
    assert old == replace(full_metrics(), listed_calibration=None, subgroups=(), paired_differences={})


def test_each_baseline_has_its_paired_difference_to_the_model():
    model = summarise(PROTOCOLS["paper"], outcome(ranks=np.array([1.0, 1.0, 1.0, 4.0])), resamples=10)
    baseline = summarise(PROTOCOLS["paper"], outcome(), resamples=10)
    systems = with_paired_differences({"popularity": baseline, "model": model}, "model", resamples=50)
    assert list(systems) == ["popularity", "model"]
    assert systems["model"] == model
    differences = systems["popularity"].paired_differences
    assert {k: difference.difference.value for k, difference in differences.items()} == {
        1: 0.25,
        3: 0.25,
        5: 0.25,
        10: 0.25,
    }
    assert (differences[1].rows, differences[1].targets) == (4, 3)
    other = summarise(PROTOCOLS["paper"], outcome(targets=["a", "b", "b", "c"]), resamples=10)
    with pytest.raises(ScoreError, match="different rows"):
        with_paired_differences({"model": model, "other": other}, "model")
