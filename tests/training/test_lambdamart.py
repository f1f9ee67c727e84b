from __future__ import annotations

import signal
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.errors import ConfigError, ModelError
from rrgraph.nn import TreeEnsemble
from rrgraph.reranking import TrainingLists, fit_trees
from rrgraph.runs.check import check_config
from rrgraph.training import TreesConfig, boost
from rrgraph.training.lambdamart import open_node

lightgbm = pytest.importorskip("lightgbm", reason="needs the extra 'ranking'")

CONFIG = TreesConfig(n_trees=8, objective="lambdarank", depth=6, max_leaves=12, min_samples_leaf=5, learning_rate=0.2)
LENGTH = 8


def drawn(lists=60, seed=0):
    """Lists in which the set with the largest product of two features, beside a level of the list, is recorded."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(lists, LENGTH, 4)).astype(np.float32)
    best = (features[..., 0] * features[..., 1]).argmax(1)
    features[..., 2] += 5 * rng.normal(size=(lists, 1))
    recorded = np.arange(LENGTH) == best[:, None]
    return features.reshape(-1, 4), recorded.ravel(), np.full(lists, LENGTH)


def learn(features, recorded, sizes, config=CONFIG, *, seed=0, **options):
    return boost(features, recorded, config, sizes=sizes, seed=seed, **options)


def same(first, second):
    return all(torch.equal(tensor, second.tensors()[name]) for name, tensor in first.tensors().items())


def test_trees_place_recorded_sets_of_lists_they_never_saw_first():
    trees = learn(*drawn(lists=300))
    features, recorded, _ = drawn(lists=100, seed=1)
    first = trees(torch.from_numpy(features)).reshape(-1, LENGTH).argmax(1)
    assert recorded.reshape(-1, LENGTH)[np.arange(100), first].mean() > 0.6
    assert len(trees) == 8
    assert len(np.unique(trees.is_leaf.reshape(8, -1), axis=0)) > 1  # of different shapes


def test_the_same_seed_gives_the_same_trees_and_weights_count():
    features, recorded, sizes = drawn()
    first = learn(features, recorded, sizes)
    assert same(first, learn(features, recorded, sizes))
    weight = np.repeat(np.linspace(0.1, 1, len(sizes), dtype=np.float32), LENGTH)
    assert not same(first, learn(features, recorded, sizes, weight=weight))


@pytest.mark.slow  # threads that wait for each other where other processes have the cores
def test_any_number_of_threads_gives_the_same_trees():
    before = torch.get_num_threads()
    try:
        found = [learn(*drawn()) for threads in (1, 2, 3) if not torch.set_num_threads(threads)]
    finally:
        torch.set_num_threads(before)
    assert same(found[0], found[1]) and same(found[0], found[2])


def test_lists_without_sets_are_left_out_and_the_level_of_a_list_is_free():
    features, recorded, sizes = drawn()
    first = learn(features, recorded, sizes)
    assert same(first, learn(features, recorded, np.insert(sizes, [0, 30], 0)))
    # Nothing is learned from lists in which nothing, or everything, is recorded.
    recorded[: len(recorded) // 2] = True
    recorded[len(recorded) // 2 :] = False
    trees = learn(features, recorded, sizes)
    assert set(trees(torch.from_numpy(features)).tolist()) == {0.0}


def test_a_tree_has_no_more_splits_than_depth_and_leaves_allow():
    assert set(learn(*drawn(), replace(CONFIG, depth=1)).nodes) == {3}
    assert set(learn(*drawn(), replace(CONFIG, depth=64, max_leaves=3)).nodes) == {5}


@given(st.integers(0, 2**30), st.integers(0, 6), st.booleans())
@settings(max_examples=15)
def test_tensors_give_what_lightgbm_gives(seed, decimals, beyond):
    """Features are near each other, so that thresholds are too, and rows to predict on both sides of thresholds."""
    rng = np.random.default_rng(seed)
    features = (1 + rng.normal(size=(120, 2)).round(decimals) * 1e-6).astype(np.float32)
    recorded = (features[:, 0] > np.median(features[:, 0])) ^ (rng.random(120) < 0.1)
    data = lightgbm.Dataset(features, recorded.astype(np.float32), group=[30] * 4)
    options = {"objective": "lambdarank", "num_leaves": 15, "min_data_in_leaf": 1, "min_data_in_bin": 1}
    options |= {"use_missing": False, "verbosity": -1, "num_threads": 1}
    booster = lightgbm.train(options, data, 1 if beyond else 4)
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    made = TreeEnsemble.of(trees, open_node)
    thresholds = np.resize(made.threshold, (len(made.threshold) + 1) // 2 * 2).reshape(-1, 2)
    rows = np.concatenate(
        [features, *(np.nextafter(thresholds, np.float32(way)) for way in (-np.inf, np.inf)), thresholds]
    )
    if beyond:
        rows = np.concatenate([rows, [[3e38, -3e38], [0, 1e-40]]]).astype(np.float32)
    expected = booster.predict(rows, raw_score=True, num_threads=1)
    found = made(torch.from_numpy(rows)).numpy()
    if len(trees) == 1:
        assert np.array_equal(found, expected.astype(np.float32))
    else:
        np.testing.assert_allclose(found, expected, atol=1e-6)


class Pressing:
    """Presses Ctrl-C once a tree has been learned."""

    def __init__(self, monkeypatch, tree):
        self.left = tree
        update = lightgbm.Booster.update

        def pressed(booster, *args, **options):
            finished = update(booster, *args, **options)
            self.left -= 1
            if not self.left:
                signal.raise_signal(signal.SIGINT)
            return finished

        monkeypatch.setattr(lightgbm.Booster, "update", pressed)


@pytest.mark.usefixtures("heed_ctrl_c")
def test_trees_that_are_interrupted_again_and_again_go_on_equally(tmp_path, monkeypatch):
    features, recorded, sizes = drawn()
    weight = np.repeat(np.linspace(0.1, 1, len(sizes), dtype=np.float32), LENGTH)
    expected = learn(features, recorded, sizes, weight=weight)
    state = tmp_path / "state.safetensors"
    for tree in (1, 3, 2):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            Pressing(patch, tree)
            learn(features, recorded, sizes, weight=weight, state=state)
    monkeypatch.setattr("rrgraph.training.kept._SECONDS", 0.0)
    again = Pressing(monkeypatch, 1000)
    assert same(learn(features, recorded, sizes, weight=weight, state=state), expected)
    # The first tree alone was not kept: nothing was known of it yet.
    assert 1000 - again.left == CONFIG.n_trees - (3 + 2)
    # All trees are kept by now.
    assert same(learn(features, recorded, sizes, weight=weight, state=state), expected)
    assert 1000 - again.left == CONFIG.n_trees - (3 + 2)


def test_trees_of_another_version_are_left_alone_and_damaged_ones_refused(tmp_path, monkeypatch):
    state = tmp_path / "state.safetensors"
    monkeypatch.setattr("rrgraph.training.kept._SECONDS", 0.0)
    expected = learn(*drawn(), state=state)
    with monkeypatch.context() as patch:
        patch.setattr(lightgbm, "__version__", "3.0")
        assert same(learn(*drawn(lists=50, seed=2), state=state), learn(*drawn(lists=50, seed=2)))
    state.write_bytes(state.read_bytes()[:-9])
    with pytest.raises(ModelError, match="cannot be resumed"):
        learn(*drawn(), state=state)
    state.unlink()
    assert same(learn(*drawn(), state=state), expected)


def test_trees_of_several_collections_are_kept_and_read_without_lightgbm(invent_lists, tmp_path, monkeypatch):
    lists = [invent_lists([6] * 150, seed=seed, links=300) for seed in (1, 2)]
    recorded = [
        (each.sets[:, 3].reshape(-1, 6) == each.sets[:, 3].reshape(-1, 6).amax(1, True)).ravel() for each in lists
    ]
    collections = [TrainingLists(each, own, torch.ones(150)) for each, own in zip(lists, recorded, strict=True)]
    trees = fit_trees(collections, CONFIG, seed=0, folder=tmp_path)
    first = trees(lists[1].flat()).reshape(-1, 6).argmax(1)
    assert recorded[1].reshape(-1, 6)[torch.arange(150), first].float().mean() > 0.8
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    assert same(fit_trees(collections, CONFIG, seed=0, folder=tmp_path), trees)


def test_lightgbm_is_asked_for_by_name_before_a_run(two_stages, monkeypatch):
    config = replace(two_stages, reranker=replace(two_stages.reranker, trees=CONFIG))
    check_config(config)
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    for work in (partial(learn, *drawn()), partial(check_config, config)):
        with pytest.raises(ConfigError, match=r"need LightGBM, .* pip install 'rrgraph\[ranking\]'"):
            work()
    check_config(two_stages)
