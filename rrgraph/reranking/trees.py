"""Gradient-boosted trees over candidate sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rrgraph.nn import TreeEnsemble
from rrgraph.reranking.features import CandidateLists
from rrgraph.training import TreesConfig

__all__ = ["fit_trees"]

from rrgraph.training import boost


def fit_trees(
    lists: Sequence[CandidateLists],
    right: Sequence[Tensor],
    weights: Sequence[Tensor],
    config: TreesConfig,
    *,
    seed: int,
) -> TreeEnsemble:
    """Learn to tell recorded sets from others, one set at a time (binary cross-entropy).

    Args:
        lists: candidate sets; several collections.
        right: for each collection, whether each set is recorded for its target, (sets,) bool.
        weights: for each collection, weight of each list, (lists,).
        config: number, depth and learning rate of the trees.
        seed: of what is drawn.
    """
    hit = torch.cat(list(right)).numpy()
    numbers = np.concatenate([part.flat().numpy() for part in lists])
    weight = np.concatenate([of[part.owner].numpy() for part, of in zip(lists, weights, strict=True)])
    return boost(numbers, hit, config, weight=weight, seed=seed)
