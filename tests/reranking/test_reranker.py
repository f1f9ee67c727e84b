from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rrgraph.data import LinkBatch
from rrgraph.graph import FrequencyFeatures, SetFrequencyFeatures
from rrgraph.nn import TreeEnsemble, TreeSplit
from rrgraph.planning import CandidateLists
from rrgraph.reranking import (
    EnsembleReranker,
    ListwiseNetwork,
    ListwiseNetworkConfig,
    fit_temperature,
    list_log_softmax,
)
from rrgraph.reranking.features import SET_FEATURES


@pytest.fixture(scope="module")
def reranker(small_table):
    torch.manual_seed(0)
    vocabulary = list(small_table.precursors().values())
    links = FrequencyFeatures.fit(small_table, vocabulary)
    sets = SetFrequencyFeatures.fit(small_table, vocabulary, links.systems)
    network = ListwiseNetwork(ListwiseNetworkConfig(width=8, dropout=0.5))
    return EnsembleReranker(network, sets, links, candidates=16, temperature=2.0)


def ask(reranker, table, sets, known_size=None):
    links = LinkBatch.grid(table.targets[: len(sets)], list(table.precursors().values()))
    logits = np.linspace(-2, 2, len(links))
    return reranker.log_probabilities(CandidateLists(links, logits, sets, known_size or [False] * len(sets)))


def test_probabilities_of_each_target_sum_to_one(reranker, small_table):
    sets = [[(0, 1), (2, 1), (0,)], [], [(3, 4, 5, 6)]]
    of_set, of_none = ask(reranker, small_table, sets)
    assert [len(each) for each in of_set] == [3, 0, 1]
    for logs, none in zip(of_set, of_none, strict=True):
        assert np.exp(logs).sum() + np.exp(none) == pytest.approx(1, abs=1e-6)
    assert of_none[1] == 0
    # Dropout is off, whatever state the network came in.
    reranker.network.train()
    again, _ = ask(reranker, small_table, sets)
    assert np.array_equal(np.concatenate(again), np.concatenate(of_set))


def test_targets_do_not_influence_each_other(reranker, small_table):
    both, _ = ask(reranker, small_table, [[(0, 1), (2, 1)], [(3, 4), (0, 1), (2,)]])
    alone, _ = ask(reranker, small_table, [[(0, 1), (2, 1)], []])
    assert alone[0] == pytest.approx(both[0], abs=1e-6)


def test_temperature_flattens_without_changing_the_order(reranker, small_table):
    sets = [[(0, 1), (2, 1), (0,), (2, 5)]]
    (sharp,), _ = ask(replace(reranker, temperature=0.5), small_table, sets)
    (flat,), _ = ask(replace(reranker, temperature=4.0), small_table, sets)
    assert np.argsort(sharp).tolist() == np.argsort(flat).tolist()
    assert np.ptp(sharp) == pytest.approx(8 * np.ptp(flat), rel=1e-3)


def test_the_logits_of_trees_are_added_to_the_scores(reranker, small_table):
    sets = [[(0, 1), (2, 1), (0,)]]
    trees = TreeEnsemble.of([], float, base=3.0)
    (plain,), none = ask(reranker, small_table, sets)
    (found,), none_then = ask(replace(reranker, trees=trees, tree_weight=0.5), small_table, sets)
    # All sets gain alike on another set, by 3 x 0.5 over the temperature of 2.
    assert found - none_then - (plain - none) == pytest.approx([0.75] * 3, abs=1e-5)


def test_trees_that_order_lists_leave_the_probability_of_another_set(reranker, small_table):
    sets = [[(0, 1), (2, 1), (0,)], [(0, 1)], []]
    # Sets of one member lose 3, the others win 1.
    trees = TreeEnsemble.of([0], [TreeSplit(SET_FEATURES.index("size"), 1.5, 1, 2), -3.0, 1.0].__getitem__)
    sharp = replace(reranker, temperature=1.0)
    plain, none = ask(sharp, small_table, sets)
    ordering = replace(sharp, trees=trees, tree_weight=0.5, tree_objective="lambdarank")
    found, none_then = ask(ordering, small_table, sets)
    assert none_then == pytest.approx(none, abs=1e-5)
    assert found[1] == pytest.approx(plain[1], abs=1e-5)
    change = found[0] - plain[0]
    assert change[0] - change[2] == pytest.approx(2, abs=1e-5)
    assert change[0] == pytest.approx(change[1], abs=1e-5)


def test_known_sizes_have_a_temperature_of_their_own(reranker, small_table):
    sets = [[(0, 1), (2, 1), (0, 3)], [(0, 1), (2, 1), (0, 3)]]
    both = replace(reranker, temperature=2.0, known_size_temperature=0.5)
    found, none = ask(both, small_table, sets, [True, False])
    for row, temperature in enumerate((0.5, 2.0)):
        alone, alone_none = ask(replace(reranker, temperature=temperature), small_table, sets)
        assert found[row] == pytest.approx(alone[row], abs=1e-5)
        assert none[row] == pytest.approx(alone_none[row], abs=1e-5)


def planted(temperature, lists=12000, length=6):
    """Scores, and recorded sets drawn with the probabilities that the scores have at a temperature."""
    draw = torch.Generator().manual_seed(0)
    scores, none = torch.randn(lists, length, generator=draw) * 2, torch.randn(lists, generator=draw)
    list_index = torch.arange(lists).repeat_interleave(length)
    of_set, of_none = list_log_softmax(scores.flatten() / temperature, none / temperature, list_index)
    shares = torch.cat([of_set.view(lists, length), of_none[:, None]], dim=1).exp()
    chosen = torch.multinomial(shares, 1, generator=draw)
    recorded = torch.zeros(lists, length + 1, dtype=torch.bool).scatter(1, chosen, True)[:, :length]
    assert 0 < recorded.any(1).sum() < lists
    return scores.flatten(), none, list_index, recorded.flatten()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 3.0])
def test_a_planted_temperature_is_found(temperature):
    assert fit_temperature(*planted(temperature)) == pytest.approx(temperature, rel=0.1)


def test_the_first_sets_are_recorded_as_often_as_predicted():
    """Even where the others are recorded far more often than their scores predict."""
    scores, none, list_index, recorded = planted(2.0)
    lists = scores.view(len(none), -1)
    first = lists.argmax(1)
    first_recorded = recorded.view_as(lists).gather(1, first[:, None])[:, 0]
    missed = torch.zeros_like(lists, dtype=torch.bool).scatter(1, lists.argmin(1)[:, None], True)
    recorded = torch.where(first_recorded[:, None], recorded.view_as(lists), missed).flatten()
    temperature = fit_temperature(scores, none, list_index, recorded)
    of_set, _ = list_log_softmax(scores / temperature, none / temperature, list_index)
    said = of_set.view_as(lists).gather(1, first[:, None]).exp()
    assert said.mean().item() == pytest.approx(first_recorded.float().mean().item(), abs=0.015)
    assert temperature == pytest.approx(fit_temperature(*planted(2.0)))


def test_lists_without_sets_do_not_change_the_temperature():
    scores, none, list_index, recorded = planted(1.7, lists=500)
    expected = fit_temperature(scores, none, list_index, recorded)
    more = torch.cat([none, torch.randn(100)])
    assert fit_temperature(scores, more, list_index, recorded) == expected


@pytest.mark.parametrize(("temperature", "expected"), [(0.05, 0.25), (20.0, 4.0)])
def test_the_temperature_stays_within_bounds(temperature, expected):
    assert fit_temperature(*planted(temperature)) == pytest.approx(expected)
