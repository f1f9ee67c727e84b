from __future__ import annotations

import numpy as np
import pytest
import torch

from rrgraph.conditions import ValueNetworksConfig
from rrgraph.conditions.features import UNKNOWN
from rrgraph.conditions.network import fit_networks

CONFIG = ValueNetworksConfig(n_networks=2, width=32, epochs=20, batch_size=40, learning_rate=0.02, dropout=0.0)


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    columns = generator.normal(size=(400, 3)).astype(np.float32)
    values = np.stack([1000 + 200 * columns[:, 0], 1 + 0.3 * columns[:, 1]], axis=1)
    return columns, values


def fitted(rows, *, seed=0, weight=None, config=CONFIG):
    columns, values = rows
    return fit_networks(columns, values, np.ones(len(columns)) if weight is None else weight, config, seed=seed)


def test_both_quantities_are_learned_in_their_units(rows):
    columns, values = rows
    found = fitted(rows)(torch.from_numpy(columns)).numpy()
    assert np.abs(found - values).mean(axis=0) == pytest.approx([0.0, 0.0], abs=40.0)
    assert np.corrcoef(found[:, 0], values[:, 0])[0, 1] > 0.97
    assert np.corrcoef(found[:, 1], values[:, 1])[0, 1] > 0.97


def test_what_is_not_recorded_is_not_learned_from(rows):
    columns, values = rows
    partly = values.copy()
    partly[200:, 1] = np.nan
    wrong = values.copy()
    wrong[200:] = 1e4  # of rows that have no weight
    weight = np.r_[np.ones(200), np.zeros(200)]
    for changed, weights, trusted in ((partly, None, (0, 1)), (wrong, weight, ())):
        found = fitted((columns, changed), weight=weights)(torch.from_numpy(columns)).numpy()
        assert np.isfinite(found).all()
        for quantity in trusted:
            assert np.corrcoef(found[:, quantity], values[:, quantity])[0, 1] > 0.9


def test_an_unknown_feature_counts_as_the_mean_of_the_known_ones(rows):
    columns, values = rows
    holes = columns.copy()
    holes[::5, 2] = UNKNOWN
    module = fitted((holes, values))
    known = holes[:, 2] != UNKNOWN
    mean = np.full((1, 3), columns[known, 2].mean(), dtype=np.float32)
    mean[0, :2] = 0.5
    hole = mean.copy()
    hole[0, 2] = UNKNOWN
    torch.testing.assert_close(module(torch.from_numpy(hole)), module(torch.from_numpy(mean)), rtol=0, atol=0.05)


def test_the_same_seed_gives_the_same_networks_of_16_bits(rows):
    config = ValueNetworksConfig(width=8, epochs=2, batch_size=64)
    first, again, other = (fitted(rows, seed=seed, config=config).state_dict() for seed in (0, 0, 1))
    for name, tensor in first.items():
        assert torch.equal(tensor, again[name])
        assert not name.startswith("networks.") or torch.equal(tensor, tensor.half().double())
    assert not torch.equal(first["networks.0.0.weight"], other["networks.0.0.weight"])


def test_values_do_not_depend_on_the_batch(rows):
    columns = torch.from_numpy(rows[0])
    module = fitted(rows)
    assert torch.equal(module(columns), torch.cat([module(columns[:7]), module(columns[7:])]))
    assert module(columns[:0]).shape == (0, 2)
