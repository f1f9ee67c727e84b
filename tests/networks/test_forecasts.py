from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from rrgraph.errors import ConfigError
from rrgraph.networks import FORECASTS, forecast_edges, forecast_scores, reaction_records
from rrgraph.networks.forecasts import RANDOM

ROWS = [
    ("BaTiO3", "BaCO3;TiO2", 2000),
    ("SrTiO3", "SrCO3;TiO2", 2001),
    ("SrMnO3", "SrCO3;MnO2", 2001),
    ("BaMnO3", "BaCO3;MnO2", 2010),  # BaCO3 and MnO2 meet for the first time, over SrCO3 or TiO2
    ("BaTiO3", "BaO;TiO2", 2010),  # an unknown precursor
    ("SrTiO3", "SrCO3;TiO2;BaCO3", 2011),  # a new link of a known target to a known precursor, sharing no element
    ("SrTiO3", "SrCO3;TiO2", 2012),
]


@pytest.fixture
def records(make_table):
    targets, sets, years = zip(*ROWS, strict=True)
    return reaction_records(make_table(list(zip(targets, sets, strict=True)), year=years))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.booleans(), min_size=4, max_size=30), st.integers(0, 1000))
def test_metrics_without_ties_are_those_of_scikit_learn(appeared, seed):
    truth = np.array(appeared)
    scores = np.random.default_rng(seed).permutation(len(truth)).astype(float)
    found = forecast_scores({"some": scores}, truth)
    if truth.all() or not truth.any():
        assert found == {}
        return
    assert found["some"].auroc.value == pytest.approx(roc_auc_score(truth, scores))
    assert found["some"].average_precision.value == pytest.approx(average_precision_score(truth, scores))
    assert found["some"].hits[100].value == 1
    assert RANDOM in found


def test_ties_count_half():
    truth = np.array([True, False, False, True])
    found = forecast_scores({"tied": np.ones(4)}, truth)["tied"]
    assert found.auroc.value == pytest.approx(0.5)
    assert found.average_precision.value == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_hits_count_those_with_fewer_than_k_above():
    truth = np.zeros(500, dtype=bool)
    truth[[50, 150]] = True
    found = forecast_scores({"falling": -np.arange(500.0)}, truth)["falling"]
    assert found.hits[100].value == pytest.approx(0.5)
    assert found.hits[1000].value == 1
    assert found.hits[100].low <= 0.5 <= found.hits[100].high


def test_what_appears_later(records):
    found = {each.task: each for each in forecast_edges(records, 2005)}
    assert found.keys() == FORECASTS.keys()
    pairs = found["pairs"]
    # Known: BaCO3, TiO2, SrCO3, MnO2; three of six pairs had met. BaCO3 meets MnO2 and SrCO3; BaO is unknown.
    assert (pairs.candidates, pairs.appeared, pairs.outside) == (3, 2, 1)
    links = found["links"]
    # BaTiO3 gets BaO (unknown), SrTiO3 gets BaCO3; BaMnO3 with its two links is an unknown target.
    assert (links.appeared, links.outside) == (1, 3)
    assert links.candidates == 2
    assert (found["feasible_links"].appeared, found["feasible_links"].outside) == (0, 4)
    assert found["feasible_links"].scores == {}


def test_results_are_values_of_json(records):
    for each in forecast_edges(records, 2005):
        values = each.to_dict()
        assert values["task"] == each.task
        assert set(values["scores"]) == set(each.scores)


def test_a_year_without_reactions_after_it_is_refused(records):
    with pytest.raises(ConfigError, match="dated from 2021"):
        forecast_edges(records, 2020)


def test_precursors_are_found_by_their_composition_whatever_their_order(make_table):
    early = [(f"Ba{n}TiO3", "BaCO3;TiO2", 2000) for n in range(1, 4)] + [("SrO2Mn", "SrCO3;MnO2", 2000)]
    late = [(f"Sr{n}MnO3", "SrCO3;TiO2", 2010) for n in range(2, 9)]
    targets, sets, years = zip(*early, *late, strict=True)
    records = reaction_records(make_table(list(zip(targets, sets, strict=True)), year=years))
    (pairs, *_) = forecast_edges(records, 2005)
    assert (pairs.appeared, pairs.candidates) == (1, 4)
