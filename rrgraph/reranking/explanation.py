"""Why a re-ranker gives a set its probability: what the set would get if some of its features were ordinary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from rrgraph.planning import CandidateLists
from rrgraph.reranking.features import LINK_FEATURES, ListFeatures, set_features
from rrgraph.reranking.reranker import EnsembleReranker

__all__ = ["Influence", "influences"]

_LINKS: Final = (
    *("log_probability", "mean_log_probability", "least_logit", "sum_of_logits", "mean_logit", "log_rank"),
    *("gap_to_best", "logit_gap_to_best", "opportunity_gap", "largest_opportunity_gap", "second_choices"),
)
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "links": (*_LINKS, "logit"),
    "pairs": ("pair_mean", "pair_least", "form_pair_mean", "form_pair_least"),
    "size": ("size", "sources", "excess", "redundant", "removable", "usual_size"),
    "classes": ("classes", "main_class", "class_"),
    "unseen": ("unseen",),
    "balance": ("imbalance", "least_amount", "idle", "released_"),
    "energy": ("energy",),
}
"""Names of features, or how they begin; whatever is left are counts of links (`counts`) and of oxygen (`oxygen`)."""


@dataclass(frozen=True)
class Influence:
    """What a group of features does to a set.

    Attributes:
        group: ``links`` (probabilities of the single precursors), ``counts`` (how often such targets use them),
            ``pairs`` (how often they are used together), ``size``, ``classes`` of precursors, ``unseen`` ones, mass
            ``balance``, reaction ``energy``, ``oxygen`` balance.
        logit: by how much the logit of the set's probability is higher than with the mean of the competing sets in
            these features; positive speaks for the set.
        without: the probability that it has with that mean.
    """

    group: str
    logit: float
    without: float


@torch.inference_mode()
def influences(reranker: EnsembleReranker, lists: CandidateLists, place: int) -> list[Influence]:
    """Return what each group of features does to one set, the largest influence first.

    One group after the other is set to its mean over the sets that compete, all others staying as they are. Features
    act together, so influences do not add up to the whole.

    Args:
        reranker: that ranks the sets.
        lists: the candidate sets of one target.
        place: of the set among them.
    """
    features = reranker.describe(lists)
    known_size = torch.tensor(lists.known_size)

    def logit(described: ListFeatures) -> float:
        of_sets, _ = reranker.score(described, known_size)
        log = of_sets[place].double()
        return float(log - torch.log1p(-log.exp().clamp_max(1 - 1e-12)))

    before, found = logit(features), []
    names = set_features(reranker.network.groups)
    for group in (*_GROUPS, "counts", "oxygen"):
        of_sets = [column for column, name in enumerate(names) if _group(name, of_link=False) == group]
        of_links = [column for column, name in enumerate(LINK_FEATURES) if _group(name, of_link=True) == group]
        if of_sets or of_links:
            after = logit(_ordinary(features, place, of_sets, of_links))
            found.append(Influence(group, before - after, float(torch.tensor(after).sigmoid())))
    return sorted(found, key=lambda each: -abs(each.logit))


def _group(name: str, *, of_link: bool) -> str:
    for group, names in _GROUPS.items():
        if any(name == each or (each.endswith("_") and name.startswith(each)) for each in names):
            return group
    return "counts" if of_link else "oxygen"


def _ordinary(features: ListFeatures, place: int, of_sets: list[int], of_links: list[int]) -> ListFeatures:
    """Return features in which one set, and the links of its members, have the mean of the list in some columns."""
    sets = features.sets.clone()
    sets[place, of_sets] = features.sets[:, of_sets].mean(0)
    links, members = features.links, features.members.clone()
    present = members[place] >= 0
    if of_links:
        own: Tensor = links[members[place][present]].clone()
        own[:, of_links] = links[:, of_links].mean(0)
        # Copies, for other sets use the same links.
        members[place, present] = torch.arange(len(links), len(links) + len(own))
        links = torch.cat([links, own])
    return replace(features, sets=sets, links=links, members=members)
