"""Gradient-boosted trees that distinguish recorded candidates from others, or order lists of candidates.

Trees read features as they are, one candidate at a time, and find thresholds that a small network misses.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rrgraph.nn import TreeEnsemble
from rrgraph.training.config import LAMBDARANK, TreesConfig
from rrgraph.training.lambdamart import fit_lambdamart
from rrgraph.training.sklearn_trees import as_ensemble, fit_resumably
from rrgraph.util.progress import track

__all__ = ["boost"]


def boost(
    features: NDArray[np.float32],
    recorded: NDArray[np.bool_],
    config: TreesConfig,
    *,
    sizes: NDArray[np.int64] | None = None,
    weight: NDArray[np.float32] | None = None,
    seed: int,
    state: Path | None = None,
) -> TreeEnsemble:
    """Learn to distinguish recorded rows from others, or to place them first; no trees where all rows are alike.

    Args:
        features: (rows, columns).
        recorded: (rows,).
        config: objective, number, depth and learning rate of the trees.
        sizes: (lists,) rows of each list, one list after the other; the objective `lambdarank` needs them.
        weight: (rows,); all alike unless given.
        seed: of what is drawn.
        state: file of the trees while they are learned, from which an interrupted call goes on; nothing is kept when
            None.

    Raises:
        ConfigError: a package that the objective needs is not installed.
    """
    if len(np.unique(recorded)) < 2:
        return TreeEnsemble.of([], float)
    if config.objective == LAMBDARANK:
        assert sizes is not None
        return fit_lambdamart(features, recorded, sizes, config, weight=weight, seed=seed, state=state)
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
    return as_ensemble(classifier)
