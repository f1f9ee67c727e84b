"""Boosted trees: numbers of candidate sets flow in, trees that tell recorded sets from others flow out.

Trees read numbers as they are, one set at a time, and find thresholds that a small network misses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rrgraph.nn import TreeEnsemble
from rrgraph.training.config import TreesConfig
from rrgraph.training.sklearn_trees import as_tensors
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
        max_iter=config.n_trees,
        max_depth=config.depth,
        max_leaf_nodes=min(config.max_leaves, 2**config.depth),
        learning_rate=config.learning_rate,
        min_samples_leaf=config.min_samples_leaf,
        l2_regularization=config.l2,
        early_stopping=False,
        random_state=seed,
    )
    for _ in track(range(1), "boosted trees"):
        classifier.fit(numbers, right, sample_weight=weight)
    return as_tensors(classifier, config.depth)
