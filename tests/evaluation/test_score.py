from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.errors import DataError
from rrgraph.evaluation import PROTOCOLS, parse_prediction, score_predictions, write_predictions

OWN = ["Li2CO3", "Co3O4"]
OTHERS = [["LiOH", "Co3O4"], ["Li2O", "CoO"], ["LiNO3", "Co"], ["Li", "Co"]]


def line(target, *sets, scores=None):
    return parse_prediction({"target": target, "sets": list(sets), "scores": scores})


@pytest.fixture(scope="module")
def table(make_table):
    return make_table([("LiCoO2", "Li2CO3;Co3O4"), ("BaTiO3", "BaCO3;TiO2"), ("Li2Co2O4", "LiOH;Co3O4")])


def ranks(predictions, table, **flags):
    metrics = score_predictions(predictions, table, PROTOCOLS["paper"].override(**flags), resamples=20)
    return metrics.rows.ranks.tolist()


def test_sets_are_compared_by_composition_in_any_order_and_spelling(table):
    predictions = [
        line("CoLiO2", ["Li"], ["Co6O8", "Li2CO3"]),
        line("BaTiO3", ["TiO2", "BaCO3"]),
        line("LiCoO2", ["Li"], ["Co"], ["Co3O4", "LiHO"]),
    ]
    assert ranks(predictions, table) == [2, 1, 3]
    assert ranks([*predictions[:2], line("LiCoO2", OWN)], table) == [2, 1, np.inf]


@given(st.permutations([OWN, *OTHERS]), st.lists(st.integers(0, 2), min_size=5, max_size=5))
@settings(max_examples=100, deadline=None)
def test_ties_count_for_or_against_the_recorded_set(make_table, sets, scores):
    scores = sorted(scores, reverse=True)
    table = make_table([("LiCoO2", "Li2CO3;Co3O4")])
    own = scores[sets.index(OWN)]
    prediction = [line("LiCoO2", *sets, scores=scores)]
    assert ranks(prediction, table, ties="optimistic") == [1 + sum(score > own for score in scores)]
    assert ranks(prediction, table, ties="pessimistic") == [sum(score >= own for score in scores)]


def test_without_scores_the_order_decides_whatever_the_ties(table):
    predictions = [line("LiCoO2", *OTHERS, OWN), line("BaTiO3"), line("LiCoO2", ["LiOH", "Co3O4"])]
    assert ranks(predictions, table, ties="optimistic") == [5, np.inf, 1]
    assert ranks(predictions, table, ties="pessimistic") == [5, np.inf, 1]


def test_any_recorded_set_of_the_target_counts_when_asked(table):
    predictions = [
        line("LiCoO2", ["Li"], ["LiOH", "Co3O4"], OWN),
        line("BaTiO3", ["BaO", "TiO2"]),
        line("LiCoO2", OWN, ["LiOH", "Co3O4"]),
    ]
    metrics = score_predictions(predictions, table, PROTOCOLS["open"], resamples=20)
    assert metrics.rows.ranks.tolist() == [2, np.inf, 1]
    assert metrics.rows.row_ranks.tolist() == [3, np.inf, 2]
    assert metrics.per_row.top[1].value == 0
    assert metrics.overall.top[1].value == pytest.approx(1 / 3)
    assert metrics.reachable == pytest.approx(2 / 3)


def test_recorded_sets_do_not_tie_against_each_other(table):
    tied = line("LiCoO2", ["LiOH", "Co3O4"], OWN, ["Li", "Co"], scores=[1, 1, 1])
    predictions = [tied, line("BaTiO3"), tied]
    metrics = score_predictions(predictions, table, PROTOCOLS["open"], resamples=20)
    assert metrics.rows.ranks.tolist() == [2, np.inf, 2]
    assert metrics.rows.row_ranks.tolist() == [3, np.inf, 3]


def test_rows_with_an_unseen_precursor_are_reported_apart(table):
    known = {parse_formula(formula).key for formula in ("Li2CO3", "Co3O4", "TiO2", "LiOH")}
    predictions = [line("LiCoO2", OWN), line("BaTiO3", ["Ba"], ["BaCO3", "TiO2"]), line("LiCoO2", OWN)]
    metrics = score_predictions(predictions, table, PROTOCOLS["paper"], train_precursors=known, resamples=20)
    assert metrics.unseen.rows == 1
    assert [metrics.unseen.top[k].value for k in (1, 3)] == [0, 1]
    assert score_predictions(predictions, table, PROTOCOLS["paper"], resamples=20).unseen is None


def test_a_file_gives_the_same_as_memory(table, tmp_path):
    predictions = [line("LiCoO2", OWN), line("BaTiO3"), line("LiCoO2", OWN)]
    path = tmp_path / "p.jsonl"
    write_predictions(path, predictions)
    metrics = score_predictions(path, table, PROTOCOLS["open"])
    assert metrics == score_predictions(predictions, table, PROTOCOLS["open"])
    assert metrics == score_predictions(str(path), table, PROTOCOLS["open"])


@pytest.mark.parametrize("targets", [["LiCoO2", "BaTiO3"], ["LiCoO2", "BaTiO3", "LiCoO2", "LiCoO2"], []])
def test_more_or_fewer_predictions_than_rows_name_both_counts(table, targets):
    with pytest.raises(DataError, match=f"{len(targets)} predictions for 3 rows"):
        score_predictions([line(target) for target in targets], table, PROTOCOLS["paper"])


def test_a_missing_row_in_the_middle_is_a_matter_of_counts(table):
    with pytest.raises(DataError, match="2 predictions for 3 rows"):
        score_predictions([line("LiCoO2"), line("LiCoO2")], table, PROTOCOLS["paper"])


def test_another_target_is_named_with_its_row(table):
    predictions = [line("LiCoO2"), line("SrTiO3"), line("LiCoO2")]
    with pytest.raises(DataError, match=r"Row 2 .*SrTiO3.*BaTiO3"):
        score_predictions(predictions, table, PROTOCOLS["paper"])
