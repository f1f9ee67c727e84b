from __future__ import annotations

import numpy as np
import pytest
import torch

from rrgraph.training import TreeFeatures, ValueTreesConfig, boost_probability, boost_values

pytest.importorskip("lightgbm")

CONFIG = ValueTreesConfig(n_trees=20, max_leaves=15, learning_rate=0.3, column_share=1.0)


def test_ensembles_that_share_bins_learn_each_from_its_own_rows_and_values():
    drawn = np.random.default_rng(0).random((400, 3)).astype(np.float32)
    values, given = 10.0 * drawn[:, 0].astype(np.float64), torch.from_numpy(drawn)
    shared = TreeFeatures(drawn)
    assert len(shared) == 400
    first = boost_values(shared, values, CONFIG, seed=0)(given)
    assert np.corrcoef(first, values)[0, 1] > 0.98
    assert boost_probability(shared, values > 5, CONFIG, weight=1 + values, seed=0)(given)[values < 1].max() < 0
    half = np.arange(200)
    for rows in (None, np.arange(400)):
        np.testing.assert_array_equal(boost_values(shared, values, CONFIG, rows=rows, seed=0)(given), first)
    shown = boost_values(shared, values[half], CONFIG, rows=half, seed=0)
    weight = np.where(np.arange(400) < 200, 1.0, 0.0)
    assert not np.array_equal(shown(given), first)
    assert np.abs(shown(given).numpy() - values)[200:].mean() < 1
    small = ValueTreesConfig(n_trees=1, min_samples_leaf=5)
    assert len(boost_values(shared, values, small, weight=weight, seed=0)) == 1  # fewer rows in a leaf than before
