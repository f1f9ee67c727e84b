"""The trees of a classifier of scikit-learn: as arrays, and kept while it learns, so that it goes on where it was.

scikit-learn has no public way to its trees; a test names the versions this holds for and compares the logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.nn import TreeEnsemble, TreeSplit
from rrgraph.training.kept import keep_tensors, keeping, kept_tensors

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

__all__ = ["as_ensemble", "fit_resumably"]


def fit_resumably(
    classifier: HistGradientBoostingClassifier,
    features: NDArray[np.float32],
    recorded: NDArray[np.bool_],
    weight: NDArray[np.float32] | None,
    path: Path | None,
) -> None:
    """Fit a classifier that neither stops early nor draws features, beginning with the trees of an interrupted fit.

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
    save = None if path is None else partial(_keep, classifier, path)
    with keeping(save) as before_tree, _called_before_each_tree(classifier, before_tree):
        classifier.fit(features, recorded, sample_weight=weight)


@contextmanager
def _called_before_each_tree(
    classifier: HistGradientBoostingClassifier, function: Callable[[], None]
) -> Iterator[None]:
    """Call a function before each tree that a classifier learns within the block."""
    make_loss = classifier._get_loss

    def watched_loss(*args: Any, **options: Any) -> Any:
        loss = make_loss(*args, **options)
        compute = loss.gradient_hessian

        def gradient_hessian(*args: Any, **options: Any) -> Any:
            function()
            return compute(*args, **options)

        loss.gradient_hessian = gradient_hessian
        return loss

    classifier._get_loss = watched_loss
    try:
        yield
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


def as_ensemble(classifier: HistGradientBoostingClassifier) -> TreeEnsemble:
    """Return the trees of a fitted classifier of two classes."""

    def open_node(node: tuple[Any, int]) -> TreeSplit | float:
        nodes, index = node
        entry = nodes[index]
        if entry["is_leaf"]:
            return float(entry["value"])
        left, right = ((nodes, int(entry[side])) for side in ("left", "right"))
        return TreeSplit(int(entry["feature_idx"]), float(entry["num_threshold"]), left, right)

    roots = [(predictor.nodes, 0) for (predictor,) in classifier._predictors]
    return TreeEnsemble.of(roots, open_node, base=float(classifier._baseline_prediction.item()))
