"""A trained set scorer with all that it reads: candidate sets of some targets flow in, calibrated probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition
from rrgraph.graph import SetStatistics
from rrgraph.model.set_lists import LinkDescription, SetLists, TargetLinks, describe_sets
from rrgraph.model.set_scorer import SetScorer, list_log_softmax, right_log_probability

__all__ = ["SetRanker", "fit_temperature"]


@dataclass(frozen=True, eq=False)
class SetRanker:
    """Second stage of a link model: it ranks the candidate sets that the first stage finds.

    Attributes:
        scorer: in evaluation mode.
        statistics: of whole sets.
        candidates: number of sets of each target that it reads, the most probable ones of the first stage.
        temperature: what its scores are divided by.
    """

    scorer: SetScorer
    statistics: SetStatistics
    candidates: int
    temperature: float = 1.0

    def log_probabilities(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        links: TargetLinks,
        link_statistics: LinkDescription,
        sets: Sequence[Sequence[Sequence[int]]],
    ) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Return log probabilities of the sets of each target, and (targets,) of none of them.

        Arguments are those of `describe_sets`.
        """
        lists = describe_sets(self.statistics, targets, candidates, links, link_statistics, sets)
        of_set, of_none = self.judge(lists)
        bounds = lists.pointer.tolist()[1:-1]
        return np.split(of_set.double().numpy(), bounds), of_none.double().numpy()

    @torch.inference_mode()
    def judge(self, lists: SetLists) -> tuple[Tensor, Tensor]:
        """Return calibrated log probabilities of all sets (n,) and of none of them (lists,)."""
        scores, none = self.scorer.eval()(lists)
        return list_log_softmax(scores / self.temperature, none / self.temperature, lists.owner)


def fit_temperature(scores: Tensor, none: Tensor, owner: Tensor, right: Tensor) -> float:
    """Return the temperature of the highest likelihood (Guo et al. 2017), from 0.25 to 4.

    Args:
        scores: (n,) of the sets.
        none: (lists,) score of none of them.
        owner: (n,) list of each set.
        right: (n,) bool; lists without a right set count for none.
    """
    grid = torch.logspace(-2, 2, 161, base=2.0).tolist()

    def loss(temperature: float) -> float:
        logs = list_log_softmax(scores / temperature, none / temperature, owner)
        return -float(right_log_probability(*logs, owner, right).mean())

    return min(grid, key=loss)
