"""Gradient-boosted regression trees as tensors of one depth, saved, moved and read like any other weights."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from rrgraph.util.arrays import check_array

__all__ = ["TreeEnsemble"]

_NODES_IN_BATCH = 8192
_DEEPEST = 16


class TreeEnsemble(nn.Module):
    """A sum of binary trees of equal depth.

    The children of split s are the splits 2 s + 1 (feature at most the threshold) and 2 s + 2; a leaf that lies higher
    up is the left end of splits that send everything left.

    Args:
        trees: how many.
        depth: splits on the way to every leaf.

    Raises:
        ValueError: there are no such trees.

    Attributes:
        feature: (trees, 2^depth - 1) int16, column that a split reads.
        threshold: (trees, 2^depth - 1).
        value: (trees, 2^depth) of the leaves.
        base: () what the trees add to.
    """

    feature: Tensor
    threshold: Tensor
    value: Tensor
    base: Tensor

    def __init__(self, trees: int, depth: int) -> None:
        super().__init__()
        if trees < 0 or not 0 <= depth <= _DEEPEST:
            raise ValueError(f"there are no {trees} trees of depth {depth}, expected depths up to {_DEEPEST}")
        self.depth = depth
        self.register_buffer("feature", torch.zeros(trees, 2**depth - 1, dtype=torch.int16))
        self.register_buffer("threshold", torch.full((trees, 2**depth - 1), torch.inf))
        self.register_buffer("value", torch.zeros(trees, 2**depth))
        self.register_buffer("base", torch.zeros(()))

    @property
    def trees(self) -> int:
        """How many trees there are."""
        return len(self.value)

    def check_columns(self, columns: int) -> None:
        """Refuse trees that read other columns than the first `columns`, by a ValueError."""
        check_array("feature", self.feature.cpu().numpy(), np.int16, (None, None), low=0, below=columns)

    @torch.no_grad()
    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (n,) of features (n, columns)."""
        rows, columns = features.shape
        flat = features.cpu().numpy().astype(np.float32, copy=False).ravel()
        first = np.arange(rows, dtype=np.int32) * columns
        total = np.full(rows, float(self.base), dtype=np.float32)
        feature, threshold, value = (part.cpu().numpy() for part in (self.feature.int(), self.threshold, self.value))
        # So many trees at a time that what they touch stays in the processor's cache.
        step = max(1, _NODES_IN_BATCH // max(rows, 1))
        for start in range(0, self.trees, step):
            part = slice(start, start + step)
            splits = feature[part].shape[1]
            tree = np.arange(len(feature[part]), dtype=np.int32)[:, None]
            place = np.zeros((len(tree), rows), dtype=np.int32)
            for _ in range(self.depth):
                split = tree * splits + place
                right = flat.take(first + feature[part].take(split)) > threshold[part].take(split)
                place = 2 * place + 1 + right
            for each in value[part].take(tree * (splits + 1) + place - splits):
                total += each
        return torch.from_numpy(total).to(features.device)
