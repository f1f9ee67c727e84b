"""Gradient-boosted trees for values and for classes, learned by LightGBM and kept as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.nn import MOST_SPLITS, TreeEnsemble
from rrgraph.training.lambdamart import open_node, require_lightgbm
from rrgraph.util.settings import setting

if TYPE_CHECKING:
    from lightgbm import Dataset

__all__ = ["TreeFeatures", "ValueTreesConfig", "boost_probability", "boost_values"]


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


class TreeFeatures:
    """Features in bins, which are found once for all the ensembles that learn from them.

    Args:
        features: (rows, columns) without NaN.
        bins: largest number of bins of a column, between which trees may split.

    Raises:
        ConfigError: LightGBM is not installed.
    """

    def __init__(self, features: NDArray[np.float32], *, bins: int = 255) -> None:
        require_lightgbm()
        import lightgbm

        self.bins = bins
        self._data = lightgbm.Dataset(features, np.zeros(len(features)), params=self.options()).construct()

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self._data.num_data())

    def options(self) -> dict[str, Any]:
        """Return the parameters of the bins, which LightGBM needs again at each use."""
        return {
            "max_bin": self.bins,
            "feature_pre_filter": False,  # ensembles may differ in the least number of rows of a leaf
            "use_missing": False,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def labelled(
        self, rows: NDArray[np.int64] | None, values: NDArray[np.float64], weight: NDArray[np.float64] | None
    ) -> Dataset:
        """Return some rows, ascending, or all, with what is to be learned of them."""
        # A copy, since LightGBM keeps the weights that it was given before where all new ones are 1.
        chosen = range(len(self)) if rows is None else rows.tolist()
        data = self._data.subset(list(chosen), self.options()).construct()
        return data.set_label(values).set_weight(weight)


def boost_values(
    features: TreeFeatures,
    values: NDArray[np.float64],
    config: ValueTreesConfig,
    *,
    rows: NDArray[np.int64] | None = None,
    weight: NDArray[np.float64] | None = None,
    seed: int,
) -> TreeEnsemble:
    """Return trees of least absolute error.

    Args:
        features: of the rows, and of others.
        values: (rows,) to predict.
        config: number and size of the trees.
        rows: (rows,) ascending indices of those to learn from, all when None.
        weight: (rows,), all alike when None.
        seed: of what is drawn.
    """
    # About the median, so that the first trees, which are shrunken, do not have to learn it.
    base = float(np.median(values))
    data = features.labelled(rows, values - base, weight)
    return _boost(data, features, config, objective="regression_l1", seed=seed, base=base)


def boost_probability(
    features: TreeFeatures,
    is_member: NDArray[np.bool_],
    config: ValueTreesConfig,
    *,
    rows: NDArray[np.int64] | None = None,
    weight: NDArray[np.float64] | None = None,
    seed: int,
) -> TreeEnsemble:
    """Return trees whose sum is the logit of belonging to a class; arguments are those of `boost_values`."""
    data = features.labelled(rows, is_member.astype(np.float64), weight)
    return _boost(data, features, config, objective="binary", seed=seed)


def _boost(
    data: Dataset, features: TreeFeatures, config: ValueTreesConfig, *, objective: str, seed: int, base: float = 0.0
) -> TreeEnsemble:
    import lightgbm

    options = features.options() | {
        "objective": objective,
        "learning_rate": config.learning_rate,
        "num_leaves": config.max_leaves,
        "max_depth": config.depth,
        "min_data_in_leaf": config.min_samples_leaf,
        "lambda_l2": config.l2,
        "feature_fraction": config.column_share,
        "bagging_fraction": config.row_share,
        "bagging_freq": 1,
        "seed": seed,
        "num_threads": torch.get_num_threads(),
        "deterministic": True,
    }
    booster = lightgbm.train(options, data, config.n_trees)
    trees = booster.dump_model()["tree_info"]
    return TreeEnsemble.of([tree["tree_structure"] for tree in trees], open_node, base=base)
