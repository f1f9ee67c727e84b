"""The trees of a classifier of scikit-learn: as tensors, and kept while it learns, so that it goes on where it was.

scikit-learn has no public way to its trees; a test names the versions this holds for and compares the logits.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.nn import TreeEnsemble
from rrgraph.training.kept import keep_tensors, kept_tensors
from rrgraph.util.interruption import lasting_interruption

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

__all__ = ["as_tensors", "fit_resumably"]

_SECONDS: Final = 30.0
"""Time between two states of an unfinished fit on disk."""


def fit_resumably(
    classifier: HistGradientBoostingClassifier,
    features: NDArray[np.float32],
    recorded: NDArray[np.bool_],
    weight: NDArray[np.float32] | None,
    path: Path | None,
) -> None:
    """Fit a classifier without early stopping and drawn features; trees that an interrupted fit has kept are its first.

    Args:
        classifier: not fitted yet.
        features: (rows, columns).
        recorded: (rows,) what is learned.
        weight: (rows,), None for all alike.
        path: file of the trees while it learns; nothing is kept when None.

    Raises:
        ModelError: the file is damaged.
    """
    if path is not None and path.is_file():
        _restore(classifier, path)
    make_loss, saved = classifier._get_loss, time.monotonic()
    with lasting_interruption(deferred=False) as interrupt_if_asked:

        def watched(*args: Any, **options: Any) -> Any:
            loss = make_loss(*args, **options)
            compute = loss.gradient_hessian

            def before_each_tree(*args: Any, **options: Any) -> Any:
                nonlocal saved
                if path is not None and time.monotonic() - saved > _SECONDS:
                    _keep(classifier, path)
                    saved = time.monotonic()
                interrupt_if_asked()
                return compute(*args, **options)

            loss.gradient_hessian = before_each_tree
            return loss

        classifier._get_loss = watched
        try:
            classifier.fit(features, recorded, sample_weight=weight)
        except KeyboardInterrupt:
            if path is not None:
                _keep(classifier, path)
            raise
        finally:
            del classifier._get_loss


def _keep(classifier: HistGradientBoostingClassifier, path: Path) -> None:
    # A tree that is not finished has been given its place already.
    trees = [each[0].nodes for each in getattr(classifier, "_predictors", []) if each]
    if trees:
        tensors = {
            "nodes": torch.from_numpy(np.concatenate(trees).view(np.uint8)),
            "lengths": torch.tensor([len(tree) for tree in trees]),
            "baseline": torch.from_numpy(classifier._baseline_prediction),
        }
        keep_tensors(path, tensors, {"seed": int(classifier._random_seed), "version": _version()})


def _restore(classifier: HistGradientBoostingClassifier, path: Path) -> None:
    """Make a classifier go on after the trees in a file; those of another version of scikit-learn are left alone."""
    from sklearn.ensemble._hist_gradient_boosting.predictor import PREDICTOR_RECORD_DTYPE, TreePredictor

    tensors, description = kept_tensors(path)
    if description.get("version") != _version():
        return
    nodes = tensors["nodes"].numpy().view(PREDICTOR_RECORD_DTYPE)
    ends = tensors["lengths"].cumsum(0).tolist()
    none = np.empty((0, 8), dtype=np.uint32)  # splits by category
    classifier.set_params(warm_start=True)
    classifier._predictors = [[TreePredictor(tree.copy(), none, none)] for tree in np.split(nodes, ends[:-1])]
    classifier._baseline_prediction = tensors["baseline"].numpy()
    classifier._random_seed = description["seed"]
    classifier._feature_subsample_rng = np.random.default_rng(0)  # nothing is drawn from it
    classifier.train_score_ = classifier.validation_score_ = np.empty(0)


def _version() -> str:
    import sklearn

    return str(sklearn.__version__)


def as_tensors(classifier: HistGradientBoostingClassifier, depth: int) -> TreeEnsemble:
    """Return the trees of a fitted classifier of two classes, none of which is deeper than `depth`."""
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
