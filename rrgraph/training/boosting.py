"""Boosted trees: numbers of candidate sets flow in, trees that tell recorded sets from others flow out.

Trees read numbers as they are, one set at a time, and find thresholds that a small network misses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rrgraph.nn import TreeEnsemble
from rrgraph.training.config import TreesConfig
from rrgraph.util.progress import track

__all__ = ["boost"]


def boost(
    numbers: NDArray[np.float32],
    right: NDArray[np.bool_],
    config: TreesConfig,
    *,
    weight: NDArray[np.float32] | None = None,
    seed: int,
) -> TreeEnsemble:
    """Learn to tell right rows from wrong ones (binary cross-entropy); no trees where all are of one kind.

    Args:
        numbers: (rows, columns).
        right: (rows,).
        config: number, depth and learning rate of the trees.
        weight: (rows,); all alike unless given.
        seed: of what is drawn.
    """
    if len(np.unique(right)) < 2:
        return TreeEnsemble(0, config.depth)
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
    )
    for _ in track(range(1), "boosted trees"):
        classifier.fit(numbers, right, sample_weight=weight)
    return _as_tensors(classifier, config.depth)


def _as_tensors(classifier: Any, depth: int) -> TreeEnsemble:
    """Return the trees of a fitted classifier of two classes.

    scikit-learn has no public way to its trees; a test compares the log-odds.
    """
    nodes = [predictor.nodes for (predictor,) in classifier._predictors]
    trees = TreeEnsemble(len(nodes), depth)
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
