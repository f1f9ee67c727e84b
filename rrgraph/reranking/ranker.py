"""A trained set scorer with all that it reads: candidate sets of some targets flow in, calibrated probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition
from rrgraph.graph import SetFrequencyFeatures
from rrgraph.nn import TreeEnsemble
from rrgraph.planning import TargetLinks
from rrgraph.properties import EnergyHead
from rrgraph.reranking.features import CandidateLists, LinkDescription, describe_sets
from rrgraph.reranking.network import ListwiseNetwork, list_log_softmax

__all__ = ["EnsembleReranker", "fit_temperature"]


@dataclass(frozen=True, eq=False)
class EnsembleReranker:
    """Second stage of a link model: it ranks the candidate sets that the first stage finds.

    Attributes:
        scorer: in evaluation mode.
        statistics: of whole sets.
        candidates: number of sets of each target that it reads, the most probable ones of the first stage.
        energy: gives the formation energies behind its reaction energies, None if it learned without.
        trees: whose log-odds of sets are added to the scores, None for none.
        tree_weight: of these log-odds.
        temperature: what its scores are divided by where sets of several sizes compete.
        told_temperature: the same where the size is told.
    """

    scorer: ListwiseNetwork
    statistics: SetFrequencyFeatures
    candidates: int
    energy: EnergyHead | None = None
    trees: TreeEnsemble | None = None
    tree_weight: float = 0.0
    temperature: float = 1.0
    told_temperature: float = 1.0

    def log_probabilities(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        links: TargetLinks,
        link_statistics: LinkDescription,
        sets: Sequence[Sequence[Sequence[int]]],
        told: Sequence[bool],
    ) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Return log probabilities of the sets of each target, and (targets,) of none of them.

        Arguments are those of `describe_sets`, and of which targets the set size is told.
        """
        lists = describe_sets(self.statistics, targets, candidates, links, link_statistics, sets)
        of_set, of_none = self.judge(lists, torch.tensor(told))
        bounds = lists.pointer.tolist()[1:-1]
        return np.split(of_set.double().numpy(), bounds), of_none.double().numpy()

    @torch.inference_mode()
    def judge(self, lists: CandidateLists, told: Tensor) -> tuple[Tensor, Tensor]:
        """Return calibrated log probabilities of all sets (n,) and of none of them (lists,); told: (lists,) bool."""
        scores, none = self.scorer.eval()(lists)
        if self.trees is not None:
            scores = scores + self.tree_weight * self.trees(lists.flat())
        temperature = torch.where(told, self.told_temperature, self.temperature)
        return list_log_softmax(scores / temperature[lists.owner], none / temperature, lists.owner)


def fit_temperature(scores: Tensor, none: Tensor, owner: Tensor, right: Tensor) -> float:
    """Return the temperature from 0.25 to 4 by which the first set of each list is right as often as it says.

    That is the one of the highest likelihood (Guo et al. 2017) of the first sets' outcomes, right or wrong: what people
    read first should be what is calibrated best.

    Args:
        scores: (n,) of the sets.
        none: (lists,) score of none of them.
        owner: (n,) list of each set.
        right: (n,) bool; lists without a right set count for none.
    """
    lists = len(none)
    highest = torch.full((lists,), -torch.inf).scatter_reduce(0, owner, scores, "amax")
    first = torch.isfinite(highest)
    hit = torch.zeros(lists, dtype=torch.bool).index_fill(0, owner[right & (scores == highest[owner])], True)[first]

    def loss(temperature: float) -> float:
        of_set, _ = list_log_softmax(scores / temperature, none / temperature, owner)
        log = torch.full((lists,), -torch.inf).scatter_reduce(0, owner, of_set, "amax")[first].double()
        return -float(torch.where(hit, log, torch.log1p(-log.exp().clamp_max(1 - 1e-9))).mean())

    return min(torch.logspace(-2, 2, 161, base=2.0).tolist(), key=loss)
