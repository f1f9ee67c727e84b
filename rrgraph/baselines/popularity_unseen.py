"""Popularity plus one constant for precursors that were never seen: what rows with such a precursor tell of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.baselines.base import BASELINES
from rrgraph.baselines.popularity import Popularity
from rrgraph.chem import Composition, anhydrous
from rrgraph.data import ReactionTable, Split

__all__ = ["PopularityUnseen"]

_SMOOTHING: Final = 0.5
"""Links added to the recorded and to the other ones (Jeffreys), so that the logit is finite."""


@BASELINES.register("popularity_unseen")
class PopularityUnseen(Popularity):
    """`Popularity`, with the same logit for all candidates that no training reaction uses and whose elements fit.

    A pool of training and test precursors tells that each of its unseen members is used by some test row. This constant
    is all that a system needs to profit from that; one that is better has learned something of unseen precursors.

    Args:
        by_oxygen: see `Popularity`.
        alpha: see `Popularity`.
        beta: see `Popularity`.
        unseen_logit: the constant; None fits it to the validation rows: the logit of the share of their feasible links
            to precursors unseen in training that are recorded. Without such rows it is plain popularity.
    """

    name = "popularity with unseen precursors"

    def __init__(
        self, *, by_oxygen: bool = True, alpha: float = 0.1, beta: float = 2.0, unseen_logit: float | None = None
    ) -> None:
        super().__init__(by_oxygen=by_oxygen, alpha=alpha, beta=beta)
        self.unseen_logit = unseen_logit
        self._constant: float | None = None
        self._known: set[str] = set()

    def _learn(self, table: ReactionTable, split: Split | None) -> None:
        super()._learn(table, split)
        self._known = set(table.precursors())
        self._constant = None
        constant = self.unseen_logit
        if constant is None and split is not None and len(split.validation):
            constant = self._fitted(split.validation)
        self._constant = constant

    def _fitted(self, table: ReactionTable) -> float | None:
        """Return the logit of the share of recorded links among the feasible ones to unseen precursors, if any."""
        unseen = [each for key, each in table.precursors().items() if key not in self._known]
        targets = list({target.key: target for target in table.targets}.values())
        if not unseen:
            return None
        feasible = super()._logits(targets, unseen) > self.never_logit
        recorded = {
            (str(key), each) for key, keys in zip(table.target_keys, table.set_keys, strict=True) for each in keys
        }
        links = np.array([[(target.key, each.key) in recorded for each in unseen] for target in targets]) & feasible
        found, others = int(links.sum()), int((feasible & ~links).sum())
        return float(np.log((found + _SMOOTHING) / (others + _SMOOTHING)))

    def _logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        logits = super()._logits(targets, candidates)
        if self._constant is None:
            return logits
        unseen = np.array([anhydrous(candidate).key not in self._known for candidate in candidates], dtype=bool)
        logits[(logits > self.never_logit) & unseen] = self._constant
        return logits
