from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.nn import MOST_SPLITS, TreeEnsemble, TreeSplit

COLUMNS = 3
NUMBERS = st.floats(-2, 2, width=16)
LEAVES = NUMBERS.map(lambda value: round(value, 1))
TREES = st.recursive(
    LEAVES, lambda inner: st.builds(TreeSplit, st.integers(0, COLUMNS - 1), LEAVES, inner, inner), max_leaves=12
)
ROWS = st.lists(st.tuples(*[LEAVES] * COLUMNS), max_size=5)


def ensemble(trees, base=0.0):
    """Trees whose nodes are the splits and leaves themselves."""
    return TreeEnsemble.of(trees, lambda node: node, base=base)


def leaf_of(tree, row):
    while isinstance(tree, TreeSplit):
        tree = tree.right if row[tree.feature] > tree.threshold else tree.left
    return tree


def features(rows):
    return torch.tensor(rows, dtype=torch.float64).reshape(len(rows), COLUMNS)


@given(st.lists(TREES, max_size=5), ROWS, NUMBERS)
@settings(max_examples=20)
def test_every_row_goes_down_every_tree(trees, rows, base):
    rows = [tuple(map(float, np.float32(row))) for row in rows]
    expected = [base + sum(leaf_of(tree, row) for tree in trees) for row in rows]
    assert ensemble(trees, base)(features(rows)).tolist() == pytest.approx(expected, abs=1e-4)


@given(st.lists(TREES, min_size=1, max_size=5), ROWS)
@settings(max_examples=10)
def test_trees_are_read_as_they_were_kept(trees, rows):
    made = ensemble(trees, 0.5)
    again = TreeEnsemble.from_tensors(made.tensors(), columns=COLUMNS, trees=len(trees))
    assert torch.equal(again(features(rows)), made(features(rows)))


@given(st.integers(0, 3), st.integers(0, 4), st.integers(0, 9), st.integers(0, 2**30), st.sampled_from([0.0, 0.4, 1.0]))
def test_trees_of_one_depth_give_the_same_digits(trees, depth, rows, seed, infinite):
    draw = np.random.default_rng(seed)
    size = (trees, 2**depth - 1)
    threshold = np.where(draw.random(size) < infinite, np.inf, draw.normal(size=size).round(1)).astype(np.float32)
    feature = draw.integers(COLUMNS, size=size).astype(np.int16)
    value = draw.normal(size=(trees, 2**depth)).astype(np.float32)
    numbers = draw.normal(size=(rows, COLUMNS)).round(1).astype(np.float32)
    expected = np.full(rows, 0.5, dtype=np.float32)
    for row in range(rows):
        for tree in range(trees):
            split = 0
            for _ in range(depth):
                split = 2 * split + (2 if numbers[row, feature[tree, split]] > threshold[tree, split] else 1)
            expected[row] += value[tree, split - size[1]]
    base = np.array(0.5, dtype=np.float32)
    made = TreeEnsemble.of_one_depth(feature, threshold, value, base)
    assert made(torch.from_numpy(numbers)).tolist() == expected.tolist()
    if infinite == 1.0:  # no split is left
        assert made.nodes.tolist() == [1] * trees


@given(st.floats(allow_nan=False), st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_rounded_thresholds_change_no_comparison(threshold, number):
    near = np.float32(threshold) if abs(threshold) < 1e38 else np.float32(number)
    made = ensemble([TreeSplit(0, threshold, 0.0, 1.0)])
    for each in (np.float32(number), near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(0))):
        assert made(torch.tensor([[float(each)]])).item() == (float(each) > threshold)


@pytest.mark.parametrize("size", [1, 7, 30])
def test_batches_of_trees_change_nothing(size, monkeypatch):
    trees = [TreeSplit(0, 0.1 * number, -1.0, TreeSplit(1, 0.0, 0.3, number)) for number in range(9)]
    made, numbers = ensemble([*trees, 0.7]), torch.randn(5, COLUMNS)
    whole = made(numbers)
    monkeypatch.setattr("rrgraph.nn.tree_ensemble._STEPS_IN_BATCH", size)
    assert torch.equal(made(numbers), whole)


def test_no_trees_say_their_base():
    assert TreeEnsemble.of([], float, base=0.5)(torch.randn(4, 2)).tolist() == [0.5] * 4


def chain(splits):
    tree = 0.0
    for _ in range(splits):
        tree = TreeSplit(0, 0.0, tree, 1.0)
    return tree


def test_trees_are_deep_but_not_too_deep():
    assert ensemble([chain(MOST_SPLITS)])(torch.ones(1, 1)).tolist() == [1.0]
    with pytest.raises(ValueError, match=f"a tree has leaves behind more than {MOST_SPLITS} splits"):
        ensemble([chain(MOST_SPLITS + 1)])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"nodes": [3, 4]}, r"'is_leaf' has the shape \(8,\), expected \(7,\)"),
        ({"nodes": [0, 8]}, "'nodes' holds 0, expected at least 1"),
        ({"nodes": [5, 3]}, "does not describe trees: nodes are missing or left over"),
        ({"is_leaf": [0, 1, 1, 1, 0, 0, 1, 1]}, "does not describe trees: nodes are missing or left over"),
        ({"is_leaf": [0, 0, 1, 0, 1, 1, 1, 1]}, "does not describe trees: nodes are missing or left over"),
        ({"is_leaf": [0, 1, 1, 0, 1, 1, 1, 1]}, r"'feature' has the shape \(3,\), expected \(2,\)"),
        ({"feature": [0, -1, 2]}, "'feature' holds -1, expected at least 0"),
        ({"feature": [0, 1, 3]}, "'feature' holds 3, expected less than 3"),
        ({"threshold": [0, 1]}, r"'threshold' has the shape \(2,\), expected \(3,\)"),
        ({"threshold": [0, 1, np.nan]}, "'threshold' holds values that are not finite"),
        ({"value": [0, 1, 2, 3]}, r"'value' has the shape \(4,\), expected \(5,\)"),
        ({"value": [0, 1, 2, 3, np.inf]}, "'value' holds values that are not finite"),
        ({"base": [0.0]}, r"'base' has the shape \(1,\), expected \(\)"),
        ({"more": [0.0]}, "unexpected keyword argument 'more'"),
        ({"value": None}, "missing a required argument: 'value'"),
        ({"nodes": None}, "unexpected keyword argument 'is_leaf'"),
    ],
)
def test_arrays_that_are_no_trees_are_refused(changed, words):
    tensors = ensemble([TreeSplit(0, 0.0, 1.0, 2.0), TreeSplit(1, 0.0, TreeSplit(2, 0.0, 3.0, 4.0), 5.0)]).tensors()
    for name, values in changed.items():
        old = tensors.pop(name, torch.zeros(0))
        if values is not None:
            tensors[name] = torch.tensor(values, dtype=old.dtype)
    with pytest.raises(ValueError, match=words):
        TreeEnsemble.from_tensors(tensors, columns=COLUMNS)


def test_another_number_of_trees_is_refused():
    with pytest.raises(ValueError, match="it has 1 trees, expected 2"):
        TreeEnsemble.from_tensors(ensemble([0.5]).tensors(), columns=COLUMNS, trees=2)


@pytest.mark.parametrize("leaves", [0, 3])
def test_trees_of_one_depth_have_a_power_of_two_of_leaves(leaves):
    empty = np.zeros((1, 2), dtype=np.float32)
    with pytest.raises(ValueError, match=f"'value' holds {leaves} leaves of a tree, expected a power of two"):
        TreeEnsemble.of_one_depth(empty, empty, np.zeros((1, leaves), dtype=np.float32), empty)
