"""The second look at sets of reactants: suggestions for a product flow in, log-odds that they are recorded flow out.

Templates are ranked by what the product looks like; here whole suggestions are compared, by what the templates say and
by how alike product and reactants are to the training reactions of those templates. Boosted trees read these numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray

from rrgraph.model import BoostedTrees
from rrgraph.organic.config import RankerConfig
from rrgraph.organic.set_numbers import SetDescriber
from rrgraph.progress import track
from rrgraph.training import boost

if TYPE_CHECKING:
    from rrgraph.organic.planner import ReactantPlanner, ReactantSet
    from rrgraph.organic.table import TemplateReactions

__all__ = ["ReactantRanker", "fit_ranker"]


class ReactantRanker:
    """Rank the sets of reactants of a product again.

    Args:
        describe: says what is known of each set.
        forests: each learned from the same products but those of its own fold.
        products: that the forests learned from; for these only the one answers that has not seen them.
    """

    def __init__(self, describe: SetDescriber, forests: Sequence[BoostedTrees], products: Collection[str]) -> None:
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


def fit_ranker(
    describe: SetDescriber,
    planner: ReactantPlanner,
    reactions: TemplateReactions,
    config: RankerConfig,
    *,
    seed: int,
) -> ReactantRanker:
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
    numbers, right, folds = [], [], []
    plans = zip(recorded, planner.transformations(list(recorded)), strict=True)
    for product, applied in track(plans, "describing sets of reactants", total=len(recorded)):
        found = planner.merge(product, applied)
        numbers.append(describe(product, found))
        right.append(np.array([each.reactants in recorded[product] for each in found], dtype=bool))
        folds.append(np.full(len(found), _fold(product, config.folds)))
    table, hit, fold = np.concatenate(numbers), np.concatenate(right), np.concatenate(folds)
    forests = [
        boost(table[fold != left_out], hit[fold != left_out], config.trees, seed=seed)
        for left_out in range(config.folds)
    ]
    return ReactantRanker(describe, forests, recorded)


def _fold(product: str, folds: int) -> int:
    """Return the fold of a product, the same on every computer."""
    return crc32(product.encode()) % folds
