from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.nn import TreeEnsemble


def drawn(trees, depth, columns, seed):
    draw = torch.Generator().manual_seed(seed)
    made = TreeEnsemble(trees, depth)
    made.feature.copy_(torch.randint(columns, made.feature.shape, generator=draw))
    made.threshold.copy_(torch.randn(made.threshold.shape, generator=draw).round(decimals=1))
    made.value.copy_(torch.randn(made.value.shape, generator=draw))
    made.base.fill_(0.5)
    return made


def naive(trees, row):
    total = float(trees.base)
    for feature, threshold, value in zip(trees.feature, trees.threshold, trees.value, strict=True):
        split = 0
        for _ in range(trees.depth):
            split = 2 * split + (2 if row[int(feature[split])] > threshold[split] else 1)
        total += float(value[split - len(threshold)])
    return total


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 9), st.integers(0, 2**30))
@settings(max_examples=40, deadline=None)
def test_every_row_goes_down_every_tree(trees, depth, rows, seed):
    made = drawn(trees, depth, 3, seed)
    numbers = torch.randn(rows, 3, generator=torch.Generator().manual_seed(seed + 1)).round(decimals=1)
    assert made(numbers).tolist() == pytest.approx([naive(made, row) for row in numbers], abs=1e-5)


@pytest.mark.parametrize("size", [1, 7, 30])
def test_batches_of_trees_change_nothing(size, monkeypatch):
    made, numbers = drawn(9, 3, 3, 0), torch.randn(5, 3)
    whole = made(numbers)
    monkeypatch.setattr("rrgraph.nn.tree_ensemble._NODES_IN_BATCH", size)
    assert torch.equal(made(numbers), whole)


def test_no_trees_say_their_base():
    assert TreeEnsemble(0, 3)(torch.randn(4, 2)).tolist() == [0.0] * 4
