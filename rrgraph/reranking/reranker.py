"""The trained re-ranker: a listwise network and gradient-boosted trees over features of sets, calibrated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Atmosphere
from rrgraph.data import LinkBatch
from rrgraph.graph import FrequencyFeatures, SetFrequencyFeatures
from rrgraph.nn import TreeEnsemble, device_of
from rrgraph.planning import CandidateLists
from rrgraph.properties import EnergyHead
from rrgraph.reranking.features import ListFeatures, describe_sets
from rrgraph.reranking.network import ListwiseNetwork, list_log_softmax
from rrgraph.training import LAMBDARANK

__all__ = ["EnsembleReranker", "fit_temperature"]


@dataclass(frozen=True, eq=False)
class EnsembleReranker:
    """A `rrgraph.planning.Reranker`: a model's part that ranks the sets that its links suggest.

    Attributes:
        network: in evaluation mode; it says which groups of features are read.
        set_frequencies: counts behind the frequency features of sets.
        link_frequencies: counts behind those of links.
        candidates: number of sets of each target that it ranks, the most probable ones by their links.
        energy: gives the formation energies behind its reaction energies, None if it learned without.
        embed: returns the embeddings of targets and candidates, which `energy` needs.
        trees: whose scores of sets are added to those of the network, None for none.
        tree_weight: of these scores.
        tree_objective: by which the trees learned. The scores of `lambdarank` have no level of their own: they decide
            how the sets of a list share their probability, and the network how much of it another set has.
        temperature: what its scores are divided by where sets of several sizes compete.
        known_size_temperature: the same where the set size is known.
        atmosphere: in which the targets are made, None if it is not known or the network does not read it.
    """

    network: ListwiseNetwork
    set_frequencies: SetFrequencyFeatures
    link_frequencies: FrequencyFeatures
    candidates: int
    energy: EnergyHead | None = None
    embed: Callable[[LinkBatch], tuple[Tensor, Tensor]] | None = None
    trees: TreeEnsemble | None = None
    tree_weight: float = 0.0
    tree_objective: str = "pointwise"
    temperature: float = 1.0
    known_size_temperature: float = 1.0
    atmosphere: Atmosphere | None = None

    @torch.inference_mode()
    def log_probabilities(self, lists: CandidateLists) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Return log probabilities of the sets of each target, and (targets,) that another set is the recorded one."""
        features = self.describe(lists)
        both = torch.cat(self.score(features, torch.tensor(lists.known_size))).cpu().double().numpy()
        *of_sets, of_none = np.split(both, features.offsets.tolist()[1:])
        return of_sets, of_none

    @torch.inference_mode()
    def describe(self, lists: CandidateLists) -> ListFeatures:
        """Return the features of sets that are scored."""
        energies = None
        if self.energy is not None:
            assert self.embed is not None
            of_targets, of_candidates = (self.energy(side).cpu().numpy() for side in self.embed(lists.links))
            energies = (of_targets, of_candidates)
        return describe_sets(
            lists,
            self.set_frequencies,
            self.link_frequencies.features,
            energies=energies,
            groups=self.network.groups,
            atmosphere=self.atmosphere,
        )

    @torch.inference_mode()
    def score(self, lists: ListFeatures, known_size: Tensor) -> tuple[Tensor, Tensor]:
        """Return calibrated log probabilities of all sets (n,) and of another set (lists,), where the network is.

        Args:
            lists: features of the sets, on any device.
            known_size: (lists,) bool.
        """
        device = device_of(self.network)
        lists, known_size = lists.to(device), known_size.to(device)
        scores, none = self.network.eval()(lists)
        if self.trees is not None:
            scores = self._with_trees(self.trees, scores, none, lists)
        index = lists.list_index
        temperature = torch.where(known_size, self.known_size_temperature, self.temperature)
        return list_log_softmax(scores / temperature[index], none / temperature, index)

    def _with_trees(self, trees: TreeEnsemble, scores: Tensor, none: Tensor, lists: ListFeatures) -> Tensor:
        both = scores + self.tree_weight * trees(lists.flat())
        if self.tree_objective != LAMBDARANK:
            return both
        index, no_other = lists.list_index, torch.full_like(none, -torch.inf)
        (before, _), (after, _) = (list_log_softmax(each, no_other, index) for each in (scores, both))
        return scores + after - before


def fit_temperature(scores: Tensor, none: Tensor, list_index: Tensor, recorded: Tensor) -> float:
    """Return the temperature from 0.25 to 4 by which the first set of each list is recorded as often as predicted.

    That is the one of the highest likelihood (Guo et al. 2017) of the first sets' outcomes, recorded or not: what
    people read first should be what is calibrated best.

    Args:
        scores: (n,) of the sets.
        none: (lists,) score of another set.
        list_index: (n,) list of each set.
        recorded: (n,) bool; in lists without a recorded set another set is the recorded one.
    """
    lists = len(none)
    highest = torch.full((lists,), -torch.inf).scatter_reduce(0, list_index, scores, "amax")
    first = torch.isfinite(highest)
    found = list_index[recorded & (scores == highest[list_index])]
    first_recorded = torch.zeros(lists, dtype=torch.bool).index_fill(0, found, True)[first]

    def loss(temperature: float) -> float:
        of_set, _ = list_log_softmax(scores / temperature, none / temperature, list_index)
        log = torch.full((lists,), -torch.inf).scatter_reduce(0, list_index, of_set, "amax")[first].double()
        return -float(torch.where(first_recorded, log, torch.log1p(-log.exp().clamp_max(1 - 1e-9))).mean())

    temperatures: list[float] = torch.logspace(-2, 2, 161, base=2.0).tolist()
    return min(temperatures, key=loss)
