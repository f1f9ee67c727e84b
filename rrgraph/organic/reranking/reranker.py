"""The second look at sets of reactants: suggestions for a product flow in, log-odds that they are recorded flow out.

Templates are ranked by what the product looks like; here whole suggestions are compared, by what the templates say and
by how alike product and reactants are to the training reactions of those templates. Boosted trees read these numbers.
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
from rrgraph.organic.batches import in_portions, through_portions
from rrgraph.organic.config import ReactantRerankerConfig
from rrgraph.organic.planner import ReactantPlanner, ReactantSet
from rrgraph.organic.reranking.features import SetDescriber
from rrgraph.organic.table import TemplateReactions
from rrgraph.training import boost

__all__ = ["ReactantReranker", "fit_reranker"]

_PRODUCTS_AT_ONCE: Final = 250

_Plan = tuple[str, Sequence[ReactantSet]]


class ReactantReranker:
    """Rank the sets of reactants of a product again.

    Args:
        describe: says what is known of each set.
        forests: each learned from the same products but those of its own fold.
        products: that the forests learned from; for these only the one answers that has not seen them.
    """

    def __init__(self, describe: SetDescriber, forests: Sequence[TreeEnsemble], products: Collection[str]) -> None:
        self.describe, self.forests, self.products = describe, tuple(forests), frozenset(products)

    def log_odds(self, product: str, found: Sequence[ReactantSet]) -> NDArray[np.float64]:
        """Return the log-odds (n,) that each set is the recorded one.

        Args:
            product: canonical SMILES.
            found: its n sets, ranked by their templates.
        """
        numbers = torch.from_numpy(self.describe(product, found))
        own = self.forests[_fold(product, len(self.forests))]
        forests = [own] if product in self.products else self.forests
        return torch.stack([forest(numbers) for forest in forests]).double().mean(0).numpy()


def fit_reranker(
    describe: SetDescriber,
    planner: ReactantPlanner,
    reactions: TemplateReactions,
    config: ReactantRerankerConfig,
    *,
    seed: int,
) -> ReactantReranker:
    """Return a ranker that has learned which of the planner's sets are recorded.

    Args:
        describe: says what is known of each set.
        planner: ranks by templates alone.
        reactions: rows that neither the templates nor the precedents come from.
        config: of the forests.
        seed: of what is drawn.
    """
    recorded: dict[str, set[str]] = {}
    for product, reactants in zip(reactions.products, reactions.reactants, strict=True):
        recorded.setdefault(product, set()).add(reactants)
    applied = zip(recorded, planner.transformations(list(recorded)), strict=True)
    plans = [(product, planner.merge(product, templates)) for product, templates in applied]
    table = _described(describe, plans, jobs=planner.applier.jobs)
    hit = np.array([each.reactants in recorded[product] for product, found in plans for each in found], dtype=bool)
    fold = np.array([_fold(product, config.folds) for product, found in plans for _ in found])
    forests = [
        boost(table[fold != left_out], hit[fold != left_out], config.trees, seed=seed)
        for left_out in range(config.folds)
    ]
    return ReactantReranker(describe, forests, recorded)


def _described(describe: SetDescriber, plans: Sequence[_Plan], *, jobs: int) -> NDArray[np.float32]:
    """Return the numbers of all sets of all products, one after the other."""
    work, portions = partial(_describe_portion, describe), in_portions(plans, _PRODUCTS_AT_ONCE)
    answers = dict(through_portions(work, portions, jobs=jobs, title="describing sets of reactants"))
    return np.concatenate([answers[place] for place in sorted(answers)])


def _describe_portion(describe: SetDescriber, plans: Sequence[_Plan]) -> NDArray[np.float32]:
    return np.concatenate([describe(product, found) for product, found in plans])


def _fold(product: str, folds: int) -> int:
    """Return the fold of a product, the same on every computer."""
    return crc32(product.encode()) % folds
