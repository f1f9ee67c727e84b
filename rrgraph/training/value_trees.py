"""Gradient-boosted trees for values and for classes, learned by LightGBM and kept as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.nn import MOST_SPLITS, TreeEnsemble
from rrgraph.training.lambdamart import open_node, require_lightgbm
from rrgraph.util.settings import setting

__all__ = ["ValueTreesConfig", "boost_probability", "boost_values"]


@dataclass
class ValueTreesConfig:
    """Gradient-boosted trees that predict values.

    Attributes:
        n_trees: number of trees.
        max_leaves: largest number of leaves of a tree.
        depth: largest number of splits on the way to a leaf.
        min_samples_leaf: smallest number of rows in a leaf.
        learning_rate: factor on the output of each tree.
        l2: L2 regularisation, in rows of weight 1.
        column_share: share of the features that a tree may read, drawn for each.
        row_share: share of the rows that a tree learns from, drawn for each.
    """

    n_trees: int = setting(500, at_least=1, at_most=100_000)
    max_leaves: int = setting(31, at_least=2, at_most=100_000)
    depth: int = setting(MOST_SPLITS, at_least=1, at_most=MOST_SPLITS)
    min_samples_leaf: int = setting(20, at_least=1)
    learning_rate: float = setting(0.06, above=0, at_most=10)
    l2: float = setting(1.0, at_least=0)
    column_share: float = setting(0.3, above=0, at_most=1)
    row_share: float = setting(0.8, above=0, at_most=1)


def boost_values(
    features: NDArray[np.float32],
    values: NDArray[np.float64],
    config: ValueTreesConfig,
    *,
    weight: NDArray[np.float64] | None = None,
    seed: int,
) -> TreeEnsemble:
    """Return trees of least absolute error.

    Args:
        features: (rows, columns) without NaN.
        values: (rows,) to predict.
        config: number and size of the trees.
        weight: (rows,), all alike when None.
        seed: of what is drawn.

    Raises:
        ConfigError: LightGBM is not installed.
    """
    # About the median, so that the first trees, which are shrunken, do not have to learn it.
    base = float(np.median(values))
    return _boost(features, values - base, config, objective="regression_l1", weight=weight, seed=seed, base=base)


def boost_probability(
    features: NDArray[np.float32],
    is_member: NDArray[np.bool_],
    config: ValueTreesConfig,
    *,
    weight: NDArray[np.float64] | None = None,
    seed: int,
) -> TreeEnsemble:
    """Return trees whose sum is the logit of belonging to a class; arguments are those of `boost_values`."""
    return _boost(features, is_member.astype(np.float64), config, objective="binary", weight=weight, seed=seed)


def _boost(
    features: NDArray[np.float32],
    values: NDArray[np.float64],
    config: ValueTreesConfig,
    *,
    objective: str,
    weight: NDArray[np.float64] | None,
    seed: int,
    base: float = 0.0,
) -> TreeEnsemble:
    require_lightgbm()
    import lightgbm

    options = {
        "objective": objective,
        "learning_rate": config.learning_rate,
        "num_leaves": config.max_leaves,
        "max_depth": config.depth,
        "min_data_in_leaf": config.min_samples_leaf,
        "lambda_l2": config.l2,
        "feature_fraction": config.column_share,
        "bagging_fraction": config.row_share,
        "bagging_freq": 1,
        "use_missing": False,
        "seed": seed,
        "num_threads": torch.get_num_threads(),
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(features, values, weight=weight)
    booster = lightgbm.train(options, data, config.n_trees)
    trees = booster.dump_model()["tree_info"]
    return TreeEnsemble.of([tree["tree_structure"] for tree in trees], open_node, base=base)
