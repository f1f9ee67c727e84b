from __future__ import annotations

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import ATMOSPHERES, parse_formula
from rrgraph.data import LinkBatch, SetBatch
from rrgraph.errors import ConfigError
from rrgraph.graph import FREQUENCY_FEATURES, OXYGEN_BALANCE, KnownSystems, SetFrequencyFeatures, balance_oxygen
from rrgraph.nn import TreeEnsemble, TreeSplit
from rrgraph.planning import CandidateLists
from rrgraph.reranking import (
    ATMOSPHERE,
    REDOX,
    EnsembleReranker,
    ListwiseNetwork,
    ListwiseNetworkConfig,
    describe_sets,
    flat_columns,
    set_features,
)
from rrgraph.reranking.features import SET_FEATURES
from rrgraph.reranking.redox import REDOX_FEATURES, redox_features

TARGETS = [parse_formula(text) for text in ("VO2", "MoO2")]
CANDIDATES = [parse_formula(text) for text in ("V2O3", "V2O5", "V", "MoO3", "Mo", "NH4VO3")]


def features(lists, log_rank):
    found = redox_features(
        balance_oxygen(SetBatch.of_lists(TARGETS[: len(lists)], CANDIDATES, lists))[1],
        np.cumsum([0, *map(len, lists)]),
        np.array(log_rank, dtype=np.float64),
    )
    return dict(zip(REDOX_FEATURES, found.T.tolist(), strict=True))


def test_how_sets_compare_by_hand():
    """2 V2O5 -> 4 VO2 + O2 is first by its links; V2O5 with V2O3 or V closes; NH4VO3 gives off as much as V2O5."""
    values = features([[[0, 1], [1], [1, 2], [0, 3], [5]], [[3, 4]]], np.log([2, 1, 3, 4, 5, 1]))
    # A quarter of O2 for VO2, of three atoms.
    assert values["net_oxygen"] == pytest.approx([0, 1 / 6, 0, values["net_oxygen"][3], 1 / 6, 0], abs=2e-3)
    expected = {
        "oxygen_gap": [0, 1 / 6, 0, 1, 1 / 6, 0],
        "least_oxygen_gap": [0] * 6,
        "oxygen_gap_to_best": [0, 1 / 6, 0, 1, 1 / 6, 0],
        "net_oxygen_of_first": [1 / 6] * 5 + [0],
        "feasible_share": [4 / 5] * 5 + [1],
        "closed_share": [2 / 5] * 5 + [1],
        "feasible_behind": [log(2), 0, log(3), log(4), log(5), 0],
    }
    for name, numbers in expected.items():
        assert values[name] == pytest.approx(numbers, abs=2e-3), name


def test_a_list_without_feasible_sets():
    values = features([[[3], [4]]], [0, log(2)])
    assert values["feasible_share"] == values["closed_share"] == [0, 0]
    assert values["least_oxygen_gap"] == [1, 1]
    assert values["feasible_behind"] == pytest.approx([-log(3), log(2) - log(3)])


@st.composite
def lists_with_ranks(draw):
    members = st.lists(st.integers(0, len(CANDIDATES) - 1), min_size=1, max_size=3, unique=True).map(sorted)
    lists = draw(st.lists(st.lists(members, max_size=6), min_size=2, max_size=2))
    return lists, [draw(st.permutations(range(len(own)))) for own in lists]


@given(lists_with_ranks())
@settings(max_examples=40)
def test_features_equal_a_loop(problem):
    lists, ranks = problem
    found = features(lists, [np.log1p(rank) for own in ranks for rank in own])
    place = 0
    for target, own, rank in zip(TARGETS, lists, ranks, strict=True):
        rows = [balance_oxygen(SetBatch.of_lists([target], CANDIDATES, [[members]]))[1][0] for members in own]
        each = [dict(zip(OXYGEN_BALANCE, row, strict=True)) for row in rows]
        feasible = [number for number, row in zip(rank, each, strict=True) if row["feasible"]]
        for number, row in zip(rank, each, strict=True):
            least = min(other["oxygen_gap"] for other in each)
            expected = {
                **row,
                "least_oxygen_gap": least,
                "oxygen_gap_to_best": row["oxygen_gap"] - least,
                "net_oxygen_of_first": each[rank.index(0)]["net_oxygen"],
                "feasible_share": len(feasible) / len(own),
                "closed_share": sum(other["closed"] for other in each) / len(own),
                "feasible_behind": log(1 + number) - log(1 + min(feasible, default=len(own))),
            }
            for name, value in expected.items():
                assert found[name][place] == pytest.approx(value, abs=1e-12), name
            place += 1
    assert all(len(column) == place for column in found.values())


@pytest.fixture(scope="module")
def frequencies(small_table):
    vocabulary = list(small_table.precursors().values())
    systems = KnownSystems.fit(small_table, {each.key: row for row, each in enumerate(vocabulary)})
    return SetFrequencyFeatures.fit(small_table, vocabulary, systems)


LISTS = CandidateLists(
    LinkBatch.grid(TARGETS, CANDIDATES),
    np.linspace(-1, 1, 12),
    [[(0, 1), (1,), (1, 2)], [(3, 4), (3,)]],
    known_size=[False, False],
)


def describe(frequencies, groups=(), atmosphere=None):
    def nothing(links):
        return np.zeros((len(links), len(FREQUENCY_FEATURES)), dtype=np.float32)

    return describe_sets(LISTS, frequencies, nothing, groups=groups, atmosphere=atmosphere)


def test_redox_features_come_after_the_usual_ones(frequencies):
    plain, more = describe(frequencies), describe(frequencies, [REDOX])
    assert set_features() == SET_FEATURES
    assert set_features([REDOX]) == (*SET_FEATURES, *REDOX_FEATURES)
    assert len(set(set_features([REDOX]))) == len(SET_FEATURES) + len(REDOX_FEATURES)
    assert torch.equal(more.sets[:, : len(SET_FEATURES)], plain.sets)
    ranks = plain.sets[:, SET_FEATURES.index("log_rank")].double().numpy()
    _, own = balance_oxygen(SetBatch.of_lists(TARGETS, CANDIDATES, LISTS.sets))
    expected = redox_features(own, plain.offsets.numpy(), ranks)
    assert more.sets[:, len(SET_FEATURES) :].numpy() == pytest.approx(expected, abs=1e-6)
    assert (plain.flat().shape[1], more.flat().shape[1]) == (flat_columns(), flat_columns([REDOX]))
    assert (plain.columns, more.columns) == (flat_columns(), flat_columns([REDOX]))
    assert torch.equal(more.links, plain.links)


def test_network_and_trees_see_them(frequencies):
    """The set that closes oxygen is first once a weight and a tree read whether it does."""
    network = ListwiseNetwork(ListwiseNetworkConfig(width=4), [REDOX])
    closed = set_features([REDOX]).index("closed")
    trees = TreeEnsemble.of([0], [TreeSplit(closed, 0.5, 1, 2), 0.0, 1.0].__getitem__)
    features = describe(frequencies, [REDOX])
    assert trees(features.flat()).tolist() == [1, 0, 1, 1, 0]
    before, _ = network.eval()(features)
    network.networks[0].direct.weight.data[0, closed] = 2
    after, _ = network(features)
    assert (after - before).tolist() == pytest.approx([2, 0, 2, 2, 0], abs=1e-5)
    reranker = EnsembleReranker(network, frequencies, _NoCounts(), candidates=3, trees=trees, tree_weight=0.5)
    of_sets, _ = reranker.log_probabilities(LISTS)
    assert [int(np.argmin(each)) for each in of_sets] == [1, 1]


class _NoCounts:
    """Frequency features of links that are all zero."""

    def features(self, links):
        return np.zeros((len(links), len(FREQUENCY_FEATURES)), dtype=np.float32)


def test_an_unknown_group_is_refused():
    with pytest.raises(ConfigError, match="redox-1"):
        set_features(["redox-0"])


@pytest.mark.parametrize("atmosphere", [None, *ATMOSPHERES])
def test_features_of_the_atmosphere_come_last_and_say_what_oxygen_does_in_it(frequencies, atmosphere):
    groups = [REDOX, ATMOSPHERE]
    found = describe(frequencies, groups, atmosphere).sets
    before = describe(frequencies, [REDOX]).sets
    assert torch.equal(found[:, : before.shape[1]], before)
    names = set_features(groups)
    assert len(names) == found.shape[1] == before.shape[1] + 24
    values = dict(zip(names, found.T.tolist(), strict=True))
    expected = {"in": [1.0] * len(found)} | {name: values[name] for name in ("closed", "gives_oxygen", "takes_oxygen")}
    assert any(map(any, expected.values()))
    for name in names[before.shape[1] :]:
        what, _, where = name.rpartition("_")
        what = what.removesuffix("_in")
        assert values[name] == (expected[what] if where == atmosphere else [0.0] * len(found)), name
