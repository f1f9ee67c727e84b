"""Gradient-boosted trees that distinguish recorded candidates from others.

Trees read features as they are, one candidate at a time, and find thresholds that a small network misses.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rrgraph.nn import TreeEnsemble
from rrgraph.training.config import TreesConfig
from rrgraph.training.sklearn_trees import as_tensors, fit_resumably
from rrgraph.util.progress import track

__all__ = ["boost"]


def boost(
    features: NDArray[np.float32],
    recorded: NDArray[np.bool_],
    config: TreesConfig,
    *,
    weight: NDArray[np.float32] | None = None,
    seed: int,
    state: Path | None = None,
) -> TreeEnsemble:
    """Learn to distinguish recorded rows from others (binary cross-entropy); no trees where all rows are alike.

    Args:
        features: (rows, columns).
        recorded: (rows,).
        config: number, depth and learning rate of the trees.
        weight: (rows,); all alike unless given.
        seed: of what is drawn.
        state: file of the trees while they are learned, from which an interrupted call goes on; nothing is kept when
            None.
    """
    if len(np.unique(recorded)) < 2:
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
    for _ in track(range(1), "gradient-boosted trees"):
        fit_resumably(classifier, features, recorded, weight, state)
    return as_tensors(classifier, config.depth)
