"""LambdaMART: gradient-boosted trees that order the candidates of each list, learned with LightGBM.

Burges, From RankNet to LambdaRank to LambdaMART, MSR-TR-2010-82: pairs of a recorded and another candidate count by how
much their exchange would change the NDCG of their list.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.errors import ConfigError
from rrgraph.nn import TreeEnsemble, TreeSplit
from rrgraph.training.config import LAMBDARANK, TreesConfig
from rrgraph.training.kept import keep_tensors, keeping, kept_tensors
from rrgraph.util.progress import progress_bar

if TYPE_CHECKING:
    from lightgbm import Booster
    from lightgbm.callback import CallbackEnv

__all__ = ["fit_lambdamart", "open_node", "require_lightgbm"]


def fit_lambdamart(
    features: NDArray[np.float32],
    recorded: NDArray[np.bool_],
    sizes: NDArray[np.int64],
    config: TreesConfig,
    *,
    weight: NDArray[np.float32] | None,
    seed: int,
    state: Path | None,
) -> TreeEnsemble:
    """Learn to place the recorded rows of each list before the others; trees of the same data and seed are the same.

    Only differences of what the trees give to rows of one list mean anything.

    Args:
        features: (rows, columns), finite.
        recorded: (rows,).
        sizes: (lists,) rows of each list, one list after the other, at most 10,000.
        config: number, depth and learning rate of the trees.
        weight: (rows,), alike within a list; None for all alike.
        seed: of the rows by which features are divided into bins.
        state: file of the trees while they are learned, from which an interrupted call goes on; nothing is kept when
            None.

    Raises:
        ConfigError: LightGBM is not installed.
        ModelError: the file is damaged.
    """
    require_lightgbm()
    import lightgbm

    booster = None if state is None else _restored(state)
    options = {
        "objective": LAMBDARANK,
        "learning_rate": config.learning_rate,
        "num_leaves": min(config.max_leaves, 2**config.depth),
        "max_depth": config.depth,
        "min_data_in_leaf": config.min_samples_leaf,
        "lambda_l2": config.l2,
        "use_missing": False,
        "seed": seed,
        "num_threads": torch.get_num_threads(),
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    done = 0 if booster is None else booster.num_trees()

    def save() -> None:
        if state is not None and booster is not None:
            _keep(booster, state)

    with progress_bar("gradient-boosted trees", total=config.n_trees, done=done) as bar, keeping(save) as after_tree:

        def after_each_tree(training: CallbackEnv) -> None:
            nonlocal booster
            booster = cast("Booster", training.model)
            bar.update()
            after_tree()

        if done < config.n_trees:
            data = lightgbm.Dataset(features, recorded.astype(np.float32), weight=weight, group=sizes[sizes > 0])
            booster = lightgbm.train(
                options, data, config.n_trees - done, init_model=booster, callbacks=[after_each_tree]
            )
    assert booster is not None
    return TreeEnsemble.of([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]], open_node)


def require_lightgbm() -> None:
    """Refuse to go on without LightGBM.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import lightgbm  # noqa: F401
    except ImportError:
        raise ConfigError(
            f"Trees with the objective '{LAMBDARANK}', and those of conditions, need LightGBM, which is not installed: "
            "pip install 'rrgraph[ranking]'."
        ) from None


def open_node(node: Mapping[str, Any]) -> TreeSplit | float:
    """Return the split or the value of a node of a tree that LightGBM dumped."""
    if "split_feature" not in node:
        return float(node["leaf_value"])
    return TreeSplit(node["split_feature"], node["threshold"], node["left_child"], node["right_child"])


def _keep(booster: Booster, path: Path) -> None:
    text = np.frombuffer(booster.model_to_string(num_iteration=-1).encode(), dtype=np.uint8)
    keep_tensors(path, {"model": torch.from_numpy(text.copy())}, {"version": _version()})


def _restored(path: Path) -> Booster | None:
    """Return the trees in a file; those of another version of LightGBM are left alone."""
    import lightgbm

    if not path.is_file():
        return None
    tensors, description = kept_tensors(path)
    if description.get("version") != _version():
        return None
    return lightgbm.Booster(model_str=tensors["model"].numpy().tobytes().decode())


def _version() -> str:
    import lightgbm

    return f"lightgbm {lightgbm.__version__}"
