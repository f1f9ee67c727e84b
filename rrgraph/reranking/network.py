"""The set scorer: numbers of candidate sets flow in, a score for each set and for "none of these" flows out.

It sees no composition, only what links and counts say, so that it treats new chemistry as it treats known chemistry.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rrgraph.reranking.features import LINK_FEATURES, MEMBER_FEATURES, SET_FEATURES, CandidateLists

__all__ = ["ListwiseNetwork", "ListwiseNetworkConfig", "list_log_softmax", "recorded_log_probability"]

_FAR = 6.0  # deviations; numbers beyond say no more


@dataclass
class ListwiseNetworkConfig:
    """The set scorer.

    Attributes:
        width: of its hidden layers.
        dropout: dropout probability in them.
        members: networks whose scores are averaged.
    """

    width: int = 96
    dropout: float = 0.2
    members: int = 1


class ListwiseNetwork(nn.Module):
    """Score the sets of a list by the mean of several networks.

    Args:
        config: their number and size.
    """

    def __init__(self, config: ListwiseNetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.networks = nn.ModuleList(_SetNetwork(config) for _ in range(config.members))
        for name, length in (("links", len(LINK_FEATURES)), ("numbers", len(SET_FEATURES))):
            self.register_buffer(f"{name}_shift", torch.zeros(length))
            self.register_buffer(f"{name}_scale", torch.ones(length))

    def standardise(self, lists: CandidateLists) -> None:
        """Scale links and sets to mean 0 and deviation 1 over these lists from now on."""
        for name, values in (("links", lists.links), ("numbers", lists.numbers)):
            values = values.float()
            getattr(self, f"{name}_shift").copy_(values.mean(0))
            getattr(self, f"{name}_scale").copy_(values.std(0, correction=0).clamp_min(1e-3))

    def forward(self, lists: CandidateLists) -> tuple[Tensor, Tensor]:
        """Return the mean scores (n,) of the sets and (lists,) of none of them, to be compared within a list."""
        scores, none = zip(*self.member_scores(lists), strict=True)
        return torch.stack(scores).mean(0), torch.stack(none).mean(0)

    def member_scores(self, lists: CandidateLists) -> list[tuple[Tensor, Tensor]]:
        """Return the scores of sets and of none by each network."""
        links = self._scaled("links", lists.links[lists.members.clamp_min(0)].float())
        members = torch.cat([links, lists.parts], dim=-1)
        numbers = self._scaled("numbers", lists.numbers)
        return [network(members, lists.members >= 0, numbers, lists) for network in self.networks]

    def _scaled(self, name: str, values: Tensor) -> Tensor:
        return ((values - getattr(self, f"{name}_shift")) / getattr(self, f"{name}_scale")).clamp(-_FAR, _FAR)


class _SetNetwork(nn.Module):
    """Each member through a network, then their sum, mean and maximum beside the set's own numbers through another."""

    def __init__(self, config: ListwiseNetworkConfig) -> None:
        super().__init__()
        width, dropout = config.width, config.dropout
        self.member = nn.Sequential(
            nn.Linear(len(MEMBER_FEATURES), width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.GELU(),
        )
        self.joint = nn.Sequential(
            nn.Linear(3 * width + len(SET_FEATURES), 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
            nn.GELU(),
        )
        self.score = nn.Linear(width, 1)
        self.direct = nn.Linear(len(SET_FEATURES), 1, bias=False)
        nn.init.zeros_(self.direct.weight)
        self.none = nn.Linear(2 * width, 1)

    def forward(
        self, members: Tensor, present: Tensor, numbers: Tensor, lists: CandidateLists
    ) -> tuple[Tensor, Tensor]:
        """Score sets by numbers of their members (n, m, k), which of these there are (n, m) and their own numbers."""
        hidden = self.member(members) * present[..., None]
        size = present.sum(1, keepdim=True)
        highest = hidden.masked_fill(~present[..., None], -torch.inf).amax(1)
        joint = self.joint(torch.cat([hidden.sum(1) / 3, hidden.sum(1) / size, highest, numbers], dim=-1))
        scores = self.score(joint) + self.direct(numbers)
        return scores.squeeze(-1).float(), self._none(joint.float(), lists).float()

    def _none(self, joint: Tensor, lists: CandidateLists) -> Tensor:
        owner, shape = lists.owner, (len(lists), joint.shape[1])
        index = owner[:, None].expand_as(joint)
        highest = joint.new_zeros(shape).scatter_reduce(0, index, joint, "amax", include_self=False)
        mean = joint.new_zeros(shape).scatter_reduce(0, index, joint, "mean", include_self=False)
        return self.none(torch.cat([highest, mean], dim=-1)).squeeze(-1)


def list_log_softmax(scores: Tensor, none: Tensor, owner: Tensor) -> tuple[Tensor, Tensor]:
    """Return log probabilities of sets (n,) and of none of them (lists,), normalised within each list.

    Args:
        scores: (n,) of the sets.
        none: (lists,) score of none of them.
        owner: (n,) list of each set.
    """
    highest = none.detach().scatter_reduce(0, owner, scores.detach(), "amax")
    total = torch.exp(none - highest).scatter_add(0, owner, torch.exp(scores - highest[owner]))
    normaliser = highest + total.log()
    return scores - normaliser[owner], none - normaliser


def recorded_log_probability(of_set: Tensor, of_none: Tensor, owner: Tensor, right: Tensor) -> Tensor:
    """Return the log of the probability that a list gives to its right sets, or to none of them if it holds none.

    Args:
        of_set: (n,) log probabilities of the sets.
        of_none: (lists,) of none of them.
        owner: (n,) list of each set.
        right: (n,) bool.

    Returns:
        (lists,).
    """
    probability = torch.zeros_like(of_none).scatter_add(0, owner[right], of_set[right].exp())
    held = torch.zeros(len(of_none), dtype=torch.bool).index_fill(0, owner[right], True)
    return torch.where(held, probability.clamp_min(1e-12).log(), of_none)
