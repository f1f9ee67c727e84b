from __future__ import annotations

import signal

import numpy as np
import pytest
import torch
from sklearn._loss import HalfBinomialLoss
from sklearn.ensemble import HistGradientBoostingClassifier

from rrgraph.reranking import TrainingLists, fit_trees
from rrgraph.training import TreesConfig
from rrgraph.training import boost as learn
from rrgraph.training.sklearn_trees import as_ensemble

CONFIG = TreesConfig(n_trees=20, depth=4, max_leaves=8, min_samples_leaf=5)


def drawn(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 5)).astype(np.float32)
    return features, (features[:, 0] * features[:, 1] + 0.3 * rng.normal(size=rows)) > 0.2


@pytest.mark.parametrize(("depth", "leaves"), [(1, 2), (3, 8), (5, 6)])
def test_tensors_say_what_the_classifier_says(depth, leaves):
    features, hit = drawn()
    classifier = HistGradientBoostingClassifier(
        max_iter=15, max_depth=depth, max_leaf_nodes=leaves, early_stopping=False, random_state=0
    ).fit(features, hit)
    others = drawn(seed=1)[0]
    found = as_ensemble(classifier)(torch.from_numpy(others))
    np.testing.assert_allclose(found.numpy(), classifier.decision_function(others), atol=1e-5)


class Pressing:
    """Presses Ctrl-C before a tree is learned."""

    def __init__(self, monkeypatch, tree):
        self.left = tree
        gradient_hessian = HalfBinomialLoss.gradient_hessian

        def pressed(loss, *args, **options):
            self.left -= 1
            if not self.left:
                signal.raise_signal(signal.SIGINT)
            return gradient_hessian(loss, *args, **options)

        monkeypatch.setattr(HalfBinomialLoss, "gradient_hessian", pressed)


@pytest.mark.usefixtures("heed_ctrl_c")
def test_trees_that_are_interrupted_again_and_again_go_on_equally(tmp_path, monkeypatch):
    features, hit = drawn(rows=3000)
    weight = np.linspace(0.1, 1, len(hit), dtype=np.float32)
    expected = learn(features, hit, CONFIG, weight=weight, seed=1).tensors()
    state = tmp_path / "state.safetensors"
    for tree in (1, 7, 5, 2):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            Pressing(patch, tree)
            learn(features, hit, CONFIG, weight=weight, seed=1, state=state)
    monkeypatch.setattr("rrgraph.training.kept._SECONDS", 0.0)
    again = Pressing(monkeypatch, 1000)
    found = learn(features, hit, CONFIG, weight=weight, seed=1, state=state).tensors()
    assert 1000 - again.left == CONFIG.n_trees - (6 + 4 + 1)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def plant(lists):
    return [(each.sets[:, 3] * each.sets[:, 5] > 0.3) for each in lists]


def boost(lists, recorded, config=CONFIG, weights=None, seed=0):
    weights = weights or [torch.ones(len(each)) for each in lists]
    return fit_trees([TrainingLists(*each) for each in zip(lists, recorded, weights, strict=True)], config, seed=seed)


def test_trees_distinguish_recorded_sets_from_others_they_never_saw(invent_lists):
    lists = [invent_lists([6] * 200, seed=seed, links=300) for seed in (1, 2)]
    trees = boost(lists, plant(lists))
    other = invent_lists([6] * 100, seed=3, links=300)
    assert ((trees(other.flat()) > 0) == plant([other])[0]).float().mean() > 0.85
    assert len(trees) == 20


def test_the_same_seed_gives_the_same_trees_and_weights_count(invent_lists):
    lists = [invent_lists([4] * 80, seed=5)]
    recorded = plant(lists)
    first, again = (boost(lists, recorded).tensors() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    weighted = boost(lists, recorded, weights=[torch.linspace(0.1, 1, 80)]).tensors()
    assert not torch.equal(first["value"], weighted["value"])


def test_where_nothing_is_recorded_trees_give_zero(invent_lists):
    lists = [invent_lists([4] * 20, seed=6)]
    trees = boost(lists, [torch.zeros(80, dtype=torch.bool)])
    assert trees(lists[0].flat()).tolist() == [0.0] * 80


def test_flat_features_are_those_of_the_set_and_of_its_members(invent_lists):
    lists = invent_lists([2, 3], seed=7, most=3)
    flat = lists.flat()
    for row in range(5):
        members = [
            torch.cat([lists.links[link], lists.roles[row, place]])
            for place, link in enumerate(lists.members[row].tolist())
            if link >= 0
        ]
        together = torch.stack(members)
        expected = [lists.sets[row], together.mean(0), together.amin(0), together.amax(0)]
        torch.testing.assert_close(flat[row], torch.cat(expected))
