from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from rrgraph.model import SetLists
from rrgraph.training import TreesConfig, cross_fitted_trees
from rrgraph.training.boosting import _as_tensors

CONFIG = TreesConfig(number=20, depth=4, leaves=8, least=5)


def drawn(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 5)).astype(np.float32)
    return numbers, (numbers[:, 0] * numbers[:, 1] + 0.3 * rng.normal(size=rows)) > 0.2


@pytest.mark.parametrize(("depth", "leaves"), [(1, 2), (3, 8), (5, 6)])
def test_tensors_say_what_the_classifier_says(depth, leaves):
    numbers, hit = drawn()
    classifier = HistGradientBoostingClassifier(
        max_iter=15, max_depth=depth, max_leaf_nodes=leaves, early_stopping=False, random_state=0
    ).fit(numbers, hit)
    others = drawn(seed=1)[0]
    found = _as_tensors(classifier, depth)(torch.from_numpy(others))
    np.testing.assert_allclose(found.numpy(), classifier.decision_function(others), atol=1e-5)


def halves_of(lists):
    return [np.arange(len(each)) % 2 for each in lists]


def plant(lists):
    return [(each.numbers[:, 3] * each.numbers[:, 5] > 0.3) for each in lists]


def boost(lists, right, config=CONFIG, weights=None, seed=0):
    ones = [torch.ones(len(each)) for each in lists]
    return cross_fitted_trees(lists, right, weights or ones, halves_of(lists), config, seed=seed)


def test_trees_tell_right_sets_from_others_they_never_saw(invent_lists):
    lists = [invent_lists([6] * 200, seed=seed, links=300) for seed in (1, 2)]
    trees, told = boost(lists, plant(lists))
    for each, right in zip(told, plant(lists), strict=True):
        log_odds = each.numbers[:, -1]
        assert log_odds[right].mean() > log_odds[~right].mean() + 1.5
    other = invent_lists([6] * 100, seed=3, links=300)
    assert ((trees(other.flat()) > 0) == plant([other])[0]).float().mean() > 0.85
    assert trees.trees == 40


def test_what_is_right_in_a_list_does_not_change_what_trees_say_of_it(invent_lists):
    """The leak test: a list's own half never teaches the trees that it is described with."""
    lists = [invent_lists([6] * 60, seed=1, links=300)]
    right = plant(lists)
    own = torch.from_numpy(halves_of(lists)[0] == 0)[lists[0].owner]
    before = boost(lists, right)[1][0].numbers[:, -1]
    after = boost(lists, [right[0] ^ own])[1][0].numbers[:, -1]
    assert torch.equal(before[own], after[own])
    assert not torch.equal(before[~own], after[~own])


def test_only_the_last_number_changes(invent_lists):
    lists = [invent_lists([3, 0, 5] * 10, seed=4)]
    (told,) = boost(lists, plant(lists))[1]
    assert torch.equal(told.numbers[:, :-1], lists[0].numbers[:, :-1])
    assert told.links is lists[0].links
    assert len(told) == 30


def test_the_same_seed_gives_the_same_trees_and_weights_count(invent_lists):
    lists = [invent_lists([4] * 80, seed=5)]
    right = plant(lists)
    first, again = (boost(lists, right)[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    weighted = boost(lists, right, weights=[torch.linspace(0.1, 1, 80)])[0].state_dict()
    assert not torch.equal(first["value"], weighted["value"])


def test_where_nothing_is_right_trees_say_nothing(invent_lists):
    lists = [invent_lists([4] * 20, seed=6)]
    trees, (told,) = boost(lists, [torch.zeros(80, dtype=torch.bool)])
    assert (trees.trees, told.numbers[:, -1].unique().tolist()) == (0, [0.0])


def test_flat_numbers_are_own_and_those_of_members(invent_lists):
    lists: SetLists = invent_lists([2, 3], seed=7, most=3)
    flat = lists.flat()
    for row in range(5):
        members = [
            torch.cat([lists.links[link], lists.parts[row, place]])
            for place, link in enumerate(lists.members[row].tolist())
            if link >= 0
        ]
        together = torch.stack(members)
        expected = [lists.numbers[row, :-1], together.mean(0), together.amin(0), together.amax(0)]
        torch.testing.assert_close(flat[row], torch.cat(expected))
