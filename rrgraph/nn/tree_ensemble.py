"""Gradient-boosted regression trees of any shape as plain arrays, saved and read like weights."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, NamedTuple, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.util.arguments import call_with
from rrgraph.util.arrays import check_array

__all__ = ["MOST_SPLITS", "TreeEnsemble", "TreeSplit"]

MOST_SPLITS: Final = 64
"""On the way to a leaf, at most."""

_ROWS_IN_BATCH: Final = 256
_STEPS_IN_BATCH: Final = 8192

Node = TypeVar("Node")


class TreeSplit(NamedTuple):
    """What an inner node of a tree of another library asks.

    Attributes:
        feature: column that it reads.
        threshold: features of at most this go left.
        left: child.
        right: child.
    """

    feature: int
    threshold: float
    left: Any
    right: Any


@dataclass(frozen=True, eq=False)
class TreeEnsemble:
    """A sum of binary trees.

    The nodes of each tree are listed level by level, so that the children of its k-th split (from 0) are its nodes
    2 k + 1 (feature at most the threshold) and 2 k + 2: which nodes are leaves determines the shape of a tree.

    Attributes:
        nodes: (trees,) int32, number of nodes of each tree.
        is_leaf: (all nodes,) bool.
        feature: (splits,) int16, column that a split reads.
        threshold: (splits,) float32.
        value: (leaves,) float32.
        base: () float32, what the trees add to.

    Raises:
        ValueError: the arrays do not describe trees, or one is too deep.

    Example:
        >>> stump = TreeEnsemble.of([0], [TreeSplit(1, 0.5, 1, 2), -1.0, 2.0].__getitem__)
        >>> stump(torch.tensor([[9.0, 0.5], [9.0, 0.6]])).tolist()
        [-1.0, 2.0]
    """

    nodes: NDArray[np.int32]
    is_leaf: NDArray[np.bool_]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    value: NDArray[np.float32]
    base: NDArray[np.float32]

    def __post_init__(self) -> None:
        check_array("nodes", self.nodes, np.int32, (None,), low=1)
        check_array("is_leaf", self.is_leaf, np.bool_, (int(self.nodes.sum(dtype=np.int64)),))
        leaves = int(self.is_leaf.sum())
        check_array("feature", self.feature, np.int16, (len(self.is_leaf) - leaves,), low=0)
        _check_thresholds(self.threshold, self.feature.shape)
        check_array("value", self.value, np.float32, (leaves,))
        check_array("base", self.base, np.float32, ())
        _ = self._walk

    @classmethod
    def of(cls, roots: Iterable[Node], open_node: Callable[[Node], TreeSplit | float], *, base: float = 0.0) -> Self:
        """Return the trees of another library.

        Thresholds are rounded down to single precision, which changes no comparison with a feature in it.

        Args:
            roots: of the trees.
            open_node: returns the split at a node, or the value of a leaf.
            base: what the trees add to.
        """
        nodes, features, thresholds, values = [], [], [], []
        is_leaf: list[bool] = []
        for root in roots:
            waiting, before = deque([root]), len(is_leaf)
            while waiting:
                found = open_node(waiting.popleft())
                is_leaf.append(not isinstance(found, TreeSplit))
                if isinstance(found, TreeSplit):
                    features.append(found.feature)
                    thresholds.append(found.threshold)
                    waiting += (found.left, found.right)
                else:
                    values.append(found)
            nodes.append(len(is_leaf) - before)
        return cls(
            nodes=np.array(nodes, dtype=np.int32),
            is_leaf=np.array(is_leaf, dtype=np.bool_),
            feature=np.array(features, dtype=np.int16),
            threshold=_rounded_down(np.array(thresholds, dtype=np.float64)),
            value=np.array(values, dtype=np.float32),
            base=np.array(base, dtype=np.float32),
        )

    @classmethod
    def of_one_depth(
        cls,
        feature: NDArray[np.int16],
        threshold: NDArray[np.float32],
        value: NDArray[np.float32],
        base: NDArray[np.float32],
    ) -> Self:
        """Return trees whose leaves are all at one depth.

        The children of split s are the splits 2 s + 1 and 2 s + 2; a leaf that lies higher up is the left end of splits
        that send everything left.

        Args:
            feature: (trees, 2^depth - 1) int16.
            threshold: (trees, 2^depth - 1) float32.
            value: (trees, 2^depth) float32.
            base: () float32.

        Raises:
            ValueError: the shapes do not fit.
        """
        check_array("value", value, np.float32, (None, None))
        trees, leaves = value.shape
        if leaves & (leaves - 1) or leaves == 0:
            raise ValueError(f"'value' holds {leaves} leaves of a tree, expected a power of two")
        check_array("feature", feature, np.int16, (trees, leaves - 1))
        _check_thresholds(threshold, feature.shape)
        is_leaf = np.concatenate([np.isposinf(threshold), np.ones((trees, leaves), dtype=bool)], axis=1)
        outputs = np.concatenate([np.zeros_like(threshold), value], axis=1)
        levels = [slice(2**level - 1, 2 ** (level + 1) - 1) for level in range(leaves.bit_length())]
        for splits, children in reversed(list(pairwise(levels))):
            is_leaf[:, splits] &= is_leaf[:, children][:, ::2]
            outputs[:, splits] = outputs[:, children][:, ::2]
        exists = np.ones_like(is_leaf)
        for splits, children in pairwise(levels):
            exists[:, children] = (exists[:, splits] & ~is_leaf[:, splits]).repeat(2, axis=1)
        asked = (exists & ~is_leaf)[:, : leaves - 1]
        return cls(
            nodes=exists.sum(1, dtype=np.int32),
            is_leaf=is_leaf[exists],
            feature=feature[asked],
            threshold=threshold[asked],
            value=outputs[exists & is_leaf],
            base=base,
        )

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], *, columns: int, trees: int | None = None) -> Self:
        """Return the trees that `tensors` gave, or those of earlier versions (see `of_one_depth`).

        Args:
            tensors: by name.
            columns: number of features that there are to read.
            trees: how many there should be, None for any number.

        Raises:
            ValueError: the tensors do not describe so many trees that read these features.
        """
        try:
            arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        except TypeError as error:
            raise ValueError(f"its trees hold numbers of a type that numpy lacks: {error}") from None
        found: Self = call_with(cls if "nodes" in arrays else cls.of_one_depth, arrays)
        check_array("feature", found.feature, np.int16, (None,), low=0, below=columns)
        if trees not in (None, len(found)):
            raise ValueError(f"it has {len(found)} trees, expected {trees}")
        return found

    def tensors(self) -> dict[str, Tensor]:
        """Return the trees as tensors by name, for a file."""
        return {each.name: torch.from_numpy(getattr(self, each.name)) for each in fields(self)}

    def __len__(self) -> int:
        """How many trees there are."""
        return len(self.nodes)

    @cached_property
    def _walk(self) -> _Walk:
        """What walking down the trees needs, checked."""
        firsts = np.cumsum(self.nodes, dtype=np.int64) - self.nodes
        tree = np.repeat(np.arange(len(self)), self.nodes)
        # Number of splits of the same tree before each node.
        before: NDArray[np.int64] = np.cumsum(~self.is_leaf) - ~self.is_leaf
        before -= before[firsts[tree]]
        within = np.arange(len(tree)) - firsts[tree]
        splits = np.bincount(tree[~self.is_leaf], minlength=len(self))
        if (within > 2 * before).any() or (self.nodes != 2 * splits + 1).any():
            raise ValueError("'is_leaf' does not describe trees: nodes are missing or left over")
        left = np.where(self.is_leaf, np.arange(len(tree)), firsts[tree] + 2 * before + 1)
        depth = np.zeros(len(self), dtype=np.int64)
        level, at = 0, firsts
        while len(at := at[~self.is_leaf[at]]):
            level += 1
            if level > MOST_SPLITS:
                raise ValueError(f"a tree has leaves behind more than {MOST_SPLITS} splits")
            depth[tree[at]] = level
            at = np.concatenate([left[at], left[at] + 1])
        feature, threshold = np.zeros(len(tree), dtype=np.int64), np.full(len(tree), np.inf, dtype=np.float32)
        feature[~self.is_leaf], threshold[~self.is_leaf] = self.feature, self.threshold
        value = np.zeros(len(tree), dtype=np.float32)
        value[self.is_leaf] = self.value
        return _Walk(firsts, depth, left, feature, threshold, value)

    def __call__(self, features: Tensor) -> Tensor:
        """Return the sums (n,) of the leaves that features (n, columns) reach."""
        given = features.detach().cpu().numpy().astype(np.float32, copy=False)
        total = np.full(len(given), self.base, dtype=np.float32)
        for start in range(0, len(given), _ROWS_IN_BATCH):
            self._add(given[start : start + _ROWS_IN_BATCH], total[start : start + _ROWS_IN_BATCH])
        return torch.from_numpy(total).to(features.device)

    def _add(self, features: NDArray[np.float32], total: NDArray[np.float32]) -> None:
        """Add the leaves that features (n, columns) reach to a total (n,)."""
        rows, columns = features.shape
        flat, first, walk = features.ravel(), np.arange(rows) * columns, self._walk
        # So many trees at a time that what they touch stays in the processor's cache.
        step = max(1, _STEPS_IN_BATCH // rows)
        for start in range(0, len(self), step):
            part = slice(start, start + step)
            node = np.repeat(walk.root[part, None], rows, axis=1)
            for _ in range(walk.depth[part].max()):
                right = flat.take(first + walk.feature.take(node)) > walk.threshold.take(node)
                node = walk.left.take(node) + right
            for each in walk.value.take(node):
                total += each


class _Walk(NamedTuple):
    """What each step down needs: of all nodes one after the other, leaves as splits whose left child they are.

    Attributes:
        root: (trees,) first node of each tree.
        depth: (trees,) splits on the longest way to a leaf.
        left: (nodes,) left child; the right one follows it.
        feature: (nodes,).
        threshold: (nodes,), infinite at a leaf.
        value: (nodes,), 0 at a split.
    """

    root: NDArray[np.int64]
    depth: NDArray[np.int64]
    left: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    value: NDArray[np.float32]


def _check_thresholds(threshold: NDArray[np.float32], shape: tuple[int, ...]) -> None:
    """Refuse thresholds that are not numbers; a split that sends everything left has an infinite one."""
    check_array("threshold", np.nan_to_num(threshold, nan=np.nan), np.float32, shape)


def _rounded_down(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest numbers in single precision that are not above the given ones."""
    with np.errstate(over="ignore"):
        nearest = numbers.astype(np.float32)
    return np.where(nearest > numbers, np.nextafter(nearest, np.float32(-np.inf)), nearest)
