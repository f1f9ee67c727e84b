"""The trees of a classifier of scikit-learn as tensors.

scikit-learn has no public way to its trees; a test names the versions this holds for and compares the logits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rrgraph.nn import TreeEnsemble

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

__all__ = ["as_tensors"]


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
