from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.errors import ConfigError
from rrgraph.metrics import (
    METRIC_NAMES,
    METRICS,
    LinkMetric,
    LinkScores,
    RankedLists,
    SetMetric,
    find_metric,
    further_metrics,
    measured_links,
    measured_sets,
    metric_names,
)

NAMES = sorted(metric_names())


@st.composite
def lists(draw):
    """Ranked sets of a few rows, without ties."""
    rows = draw(st.integers(1, 6))
    relevant = np.array(draw(st.lists(st.lists(st.booleans(), min_size=10, max_size=10), min_size=rows, max_size=rows)))
    beyond = np.array(draw(st.lists(st.integers(0, 3), min_size=rows, max_size=rows)))
    probabilities = np.array(
        draw(st.lists(st.lists(st.floats(0, 1), min_size=10, max_size=10), min_size=rows, max_size=rows))
    )
    return RankedLists(
        ranks=np.array([1 + row.tolist().index(True) if row.any() else np.inf for row in relevant]),
        relevant=relevant,
        probabilities=probabilities,
        relevant_sets=relevant.sum(1) + beyond,
        reachable=np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows))),
        new=np.array(draw(st.lists(st.lists(st.booleans(), min_size=10, max_size=10), min_size=rows, max_size=rows))),
    )


@st.composite
def links(draw):
    number = draw(st.integers(2, 12))
    entry = st.tuples(st.integers(0, 3), st.integers(-3, 3), st.booleans())
    targets, scores, recorded = zip(*draw(st.lists(entry, min_size=number, max_size=number)), strict=True)
    return LinkScores(np.sort(targets), np.array(scores, dtype=float), np.array(recorded))


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_says_what_it_is(name):
    metric = find_metric(name)
    assert metric.description and metric.source and metric.ties
    assert metric.direction in ("maximize", "minimize")
    assert metric.low < metric.high


@pytest.mark.parametrize("name", sorted(metric_names(SetMetric)))
@given(lists())
def test_set_metrics_keep_to_their_range(name, found):
    metric = find_metric(name)
    value = metric.measure(found)
    assert metric.low - 1e-12 <= value <= metric.high + 1e-12


@pytest.mark.parametrize("name", sorted(metric_names(LinkMetric)))
@given(links())
def test_link_metrics_keep_to_their_range(name, found):
    metric = find_metric(name)
    value = metric.measure(found)
    ranked = name.startswith(("link_mrr", "link_hits", "link_roc", "link_average"))
    assert (value is None) == (ranked and found.undefined is not None)
    assert value is None or metric.low - 1e-12 <= value <= metric.high + 1e-12


@given(lists(), st.integers(1, 10))
def test_metrics_of_lists_equal_naive_loops(found, k):
    expected = {"top": [], "map": [], "ndcg": [], "novelty": []}
    for row, number, new in zip(found.relevant.tolist(), found.relevant_sets.tolist(), found.new.tolist(), strict=True):
        expected["top"].append(float(any(row[:k])))
        precisions = [sum(row[: place + 1]) / (place + 1) for place in range(k) if row[place]]
        expected["map"].append(sum(precisions) / max(1, min(number, k)))
        gain = sum(1 / math.log2(place + 2) for place in range(k) if row[place])
        best = sum(1 / math.log2(place + 2) for place in range(min(number, k))) or 1.0
        expected["ndcg"].append(gain / best)
        expected["novelty"].append(sum(new[:k]) / k)
    for name, values in expected.items():
        assert find_metric(f"{name}_{k}").measure(found) == pytest.approx(np.mean(values)), name
    reciprocal = [1 / (1 + row.index(True)) if True in row else 0.0 for row in found.relevant.tolist()]
    assert find_metric("mrr").measure(found) == pytest.approx(np.mean(reciprocal))


def test_perfect_and_hopeless_lists():
    first = np.eye(1, 10, dtype=bool)
    perfect = RankedLists(np.ones(1), first, first.astype(float), np.ones(1, dtype=int), np.ones(1, dtype=bool), first)
    hopeless = RankedLists(np.array([np.inf]), ~first[:, ::-1] & False, first.astype(float), np.ones(1, dtype=int))
    for name in ("top_1", "mrr", "map_10", "ndcg_5"):
        assert (find_metric(name).measure(perfect), find_metric(name).measure(hopeless)) == (1.0, 0.0)
    for name in ("ece", "brier"):
        assert (find_metric(name).measure(perfect), find_metric(name).measure(hopeless)) == (0.0, 1.0)


def test_what_lists_lack_is_none():
    ranks = RankedLists(np.array([1.0, np.inf]))
    assert find_metric("top_3").measure(ranks) == 0.5
    for name in ("map_3", "ndcg_3", "coverage", "novelty_1", "ece", "brier", "log_loss"):
        assert find_metric(name).measure(ranks) is None


@pytest.mark.parametrize("name", ["top", "top_0", "top_x", "mrr_3", "mmr", "", "top_-1", "top_1e3"])
def test_unknown_names_are_refused(name):
    with pytest.raises(ConfigError, match="Unknown metric"):
        find_metric(name)


def test_no_more_sets_than_are_kept():
    with pytest.raises(ConfigError, match="at most 10"):
        find_metric("top_11")
    assert find_metric("link_hits_50").k == 50


def test_runs_can_measure_every_number_and_record_the_usual_ones():
    asked = ["top_2", "mrr", "link_hits_50", "temperature_mae", "top_11", "mmr"]
    assert [name in METRIC_NAMES for name in asked] == [True, True, True, False, False, False]
    assert further_metrics(asked) == ["top_2", "link_hits_50"]
    lists = RankedLists(np.array([1.0, 2.0, 3.0, np.inf]))
    assert measured_sets(lists, ["top_2", "link_hits_50"]).keys() - measured_sets(lists) == {"top_2"}
    assert measured_sets(lists, ["top_2"])["top_2"] == 0.5
    links = LinkScores(np.zeros(3, dtype=int), np.array([2.0, 1.0, 3.0]), np.array([True, False, False]))
    assert measured_links(links, ["top_2", "link_hits_2"]).keys() - measured_links(links) == {"link_hits_2"}


def test_names_and_registry_agree():
    assert {name.rstrip("0123456789").rstrip("_") if name not in METRICS else name for name in NAMES} == set(METRICS)
