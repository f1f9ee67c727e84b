"""Boosted regression trees: numbers flow in, log-odds flow out.

Trees are kept as tensors of one depth, so that they are saved, moved and read like any other weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["BoostedTrees"]

_CELLS = 2**22


class BoostedTrees(nn.Module):
    """A sum of binary trees of equal depth.

    The children of split s are the splits 2 s + 1 (number at most the threshold) and 2 s + 2; a leaf that lies higher
    up is the left end of splits that send everything left.

    Args:
        trees: how many.
        depth: splits on the way to every leaf.

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
        self.depth = depth
        self.register_buffer("feature", torch.zeros(trees, 2**depth - 1, dtype=torch.int16))
        self.register_buffer("threshold", torch.full((trees, 2**depth - 1), torch.inf))
        self.register_buffer("value", torch.zeros(trees, 2**depth))
        self.register_buffer("base", torch.zeros(()))

    @property
    def trees(self) -> int:
        """How many trees there are."""
        return len(self.value)

    @classmethod
    def mean(cls, parts: Sequence[BoostedTrees]) -> BoostedTrees:
        """Return trees whose log-odds are the mean of those of several, all of one depth."""
        joined = cls(sum(part.trees for part in parts), parts[0].depth)
        for name in ("feature", "threshold", "value"):
            getattr(joined, name).copy_(torch.cat([getattr(part, name) for part in parts]))
        joined.value /= len(parts)
        joined.base.copy_(torch.stack([part.base for part in parts]).mean())
        return joined

    @torch.no_grad()
    def forward(self, numbers: Tensor) -> Tensor:
        """Return log-odds (n,) of numbers (n, columns)."""
        rows = max(_CELLS // max(self.trees, 1), 1)
        return torch.cat([self._sum(part) for part in numbers.split(rows)]) if len(numbers) else numbers.new_zeros(0)

    def _sum(self, numbers: Tensor) -> Tensor:
        feature, threshold = self.feature.long().flatten(), self.threshold.flatten()
        splits = torch.arange(self.trees, device=numbers.device) * (2**self.depth - 1)
        place = torch.zeros(len(numbers), self.trees, dtype=torch.int64, device=numbers.device)
        for _ in range(self.depth):
            split = place + splits
            right = numbers.gather(1, feature[split]) > threshold[split]
            place = 2 * place + 1 + right
        leaves = torch.arange(self.trees, device=numbers.device) * 2**self.depth + place - (2**self.depth - 1)
        return self.base + self.value.flatten()[leaves].sum(1)
