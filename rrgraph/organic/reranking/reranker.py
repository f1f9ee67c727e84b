"""The re-ranker of sets of reactants, an ensemble of gradient-boosted trees.

Templates are ranked from the product alone; the re-ranker compares whole sets of reactants, by features of their
templates and by the similarity of product and reactants to training reactions with the same templates.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Final
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.nn import TreeEnsemble
from rrgraph.organic.batches import map_batches, split_batches
from rrgraph.organic.config import ReactantRerankerConfig
from rrgraph.organic.planner import ReactantPlanner, ReactantSet
from rrgraph.organic.reranking.features import SetDescriber
from rrgraph.organic.table import TemplateReactions
from rrgraph.training import boost

__all__ = ["ReactantReranker", "fit_reranker"]

_BATCH_SIZE: Final = 250

_Plan = tuple[str, Sequence[ReactantSet]]


class ReactantReranker:
    """Re-ranks the sets of reactants of a product.

    Args:
        describe: computes the features of each set.
        forests: each trained on all products except those of its own fold.
        products: training products of the forests; for these, only the forest that has not seen them is used.
    """

    def __init__(self, describe: SetDescriber, forests: Sequence[TreeEnsemble], products: Collection[str]) -> None:
        self.describe, self.forests, self.products = describe, tuple(forests), frozenset(products)

    def logits(self, product: str, found: Sequence[ReactantSet]) -> NDArray[np.float64]:
        """Return the logits (n,) that each set is the recorded one.

        Args:
            product: canonical SMILES.
            found: its n sets, ranked by their templates.
        """
        features = torch.from_numpy(self.describe(product, found))
        own = self.forests[_fold(product, len(self.forests))]
        forests = [own] if product in self.products else self.forests
        return torch.stack([forest(features) for forest in forests]).double().mean(0).numpy()


def fit_reranker(
    describe: SetDescriber,
    planner: ReactantPlanner,
    reactions: TemplateReactions,
    config: ReactantRerankerConfig,
    *,
    seed: int,
) -> ReactantReranker:
    """Return a re-ranker trained to find the recorded sets among those of a planner.

    Args:
        describe: computes the features of each set.
        planner: without re-ranker.
        reactions: rows that were not used for templates or precedents.
        config: of the forests.
        seed: of random choices.
    """
    recorded: dict[str, set[str]] = {}
    for product, reactants in zip(reactions.products, reactions.reactants, strict=True):
        recorded.setdefault(product, set()).add(reactants)
    applied = zip(recorded, planner.transformations(list(recorded)), strict=True)
    plans = [(product, planner.merge(product, templates)) for product, templates in applied]
    features = _features(describe, plans, jobs=planner.applier.jobs)
    labels = np.array([each.reactants in recorded[product] for product, found in plans for each in found], dtype=bool)
    fold = np.array([_fold(product, config.folds) for product, found in plans for _ in found])
    forests = [
        boost(features[fold != left_out], labels[fold != left_out], config.trees, seed=seed)
        for left_out in range(config.folds)
    ]
    return ReactantReranker(describe, forests, recorded)


def _features(describe: SetDescriber, plans: Sequence[_Plan], *, jobs: int) -> NDArray[np.float32]:
    """Return the features of all sets of all products, one after the other."""
    work, batches = partial(_describe_batch, describe), split_batches(plans, _BATCH_SIZE)
    results = dict(map_batches(work, batches, jobs=jobs, title="describing sets of reactants"))
    return np.concatenate([results[index] for index in sorted(results)])


def _describe_batch(describe: SetDescriber, plans: Sequence[_Plan]) -> NDArray[np.float32]:
    return np.concatenate([describe(product, found) for product, found in plans])


def _fold(product: str, folds: int) -> int:
    """Return the fold of a product, the same on every computer."""
    return crc32(product.encode()) % folds
