"""Boosted trees over candidate sets: lists flow in, trees and the log-odds of sets they did not learn from flow out.

A tree reads numbers of any scale and shape as they are; the set scorer reads what the trees say as one more number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.model import BoostedTrees, SetLists
from rrgraph.progress import track
from rrgraph.training.config import TreesConfig

__all__ = ["cross_fitted_trees"]

HALVES = 2


def cross_fitted_trees(
    lists: Sequence[SetLists],
    right: Sequence[Tensor],
    weights: Sequence[Tensor],
    halves: Sequence[NDArray[np.int64]],
    config: TreesConfig,
    *,
    seed: int,
) -> tuple[BoostedTrees, list[SetLists]]:
    """Learn to tell recorded sets from others, one set at a time, twice: from each half of the lists.

    Args:
        lists: candidate sets; several collections.
        right: for each collection, whether each set is recorded for its target, (sets,) bool.
        weights: for each collection, weight of each list, (lists,).
        halves: for each collection, the half, 0 or 1, of each list, (lists,).
        config: number, depth and learning rate of the trees.
        seed: of what is drawn.

    Returns:
        The mean of both, for sets that neither saw; and the lists with the log-odds of the trees that learned from the
        other half.
    """
    numbers = np.concatenate([part.flat().numpy() for part in lists])
    hit = torch.cat(list(right)).numpy()
    weight = np.concatenate([w[part.owner].numpy() for part, w in zip(lists, weights, strict=True)])
    half = np.concatenate([halves_of[part.owner.numpy()] for part, halves_of in zip(lists, halves, strict=True)])
    log_odds = torch.zeros(len(hit))
    fitted = []
    for number in track(range(HALVES), "boosted trees"):
        other = half != number
        trees = _fit(numbers[other], hit[other], weight[other], config, seed=seed)
        log_odds[torch.from_numpy(~other)] = trees(torch.from_numpy(numbers[~other]))
        fitted.append(trees)
    parts = log_odds.split([len(part.members) for part in lists])
    told = [part.with_boosted(values) for part, values in zip(lists, parts, strict=True)]
    return BoostedTrees.mean(fitted), told


def _fit(
    numbers: NDArray[np.float32], hit: NDArray[np.bool_], weight: NDArray[np.float32], config: TreesConfig, *, seed: int
) -> BoostedTrees:
    if len(np.unique(hit)) < 2:
        return BoostedTrees(0, config.depth)
    from sklearn.ensemble import HistGradientBoostingClassifier

    classifier = HistGradientBoostingClassifier(
        max_iter=config.number,
        max_depth=config.depth,
        max_leaf_nodes=min(config.leaves, 2**config.depth),
        learning_rate=config.learning_rate,
        min_samples_leaf=config.least,
        l2_regularization=config.regularisation,
        early_stopping=False,
        random_state=seed,
    ).fit(numbers, hit, sample_weight=weight)
    return _as_tensors(classifier, config.depth)


def _as_tensors(classifier: Any, depth: int) -> BoostedTrees:
    """Return the trees of a fitted classifier of two classes.

    scikit-learn has no public way to its trees; a test compares the log-odds.
    """
    nodes = [predictor.nodes for (predictor,) in classifier._predictors]
    trees = BoostedTrees(len(nodes), depth)
    trees.base.fill_(float(classifier._baseline_prediction.item()))
    splits = 2**depth - 1
    for tree, of_tree in enumerate(nodes):
        waiting = [(0, 0, 0)]
        while waiting:
            node, place, level = waiting.pop()
            entry = of_tree[node]
            if level == depth:
                trees.value[tree, place - splits] = float(entry["value"])
            elif entry["is_leaf"]:
                # Everything goes left, so the one leaf that is reached has the value.
                waiting.append((node, 2 * place + 1, level + 1))
            else:
                trees.feature[tree, place] = int(entry["feature_idx"])
                trees.threshold[tree, place] = float(entry["num_threshold"])
                waiting.append((int(entry["left"]), 2 * place + 1, level + 1))
                waiting.append((int(entry["right"]), 2 * place + 2, level + 1))
    return trees
