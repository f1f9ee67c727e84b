"""The listwise network of the re-ranker: it gives a score to each candidate set and to another set.

It reads features of links and counts, never compositions, so that it treats new chemistry like known chemistry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, pad

from rrgraph.chem import ATMOSPHERES, Atmosphere
from rrgraph.reranking.features import ATMOSPHERE, LINK_FEATURES, MEMBER_FEATURES, ListFeatures, set_features
from rrgraph.reranking.redox import ATMOSPHERE_FEATURES
from rrgraph.util.settings import setting

__all__ = ["ListwiseNetwork", "ListwiseNetworkConfig", "list_log_softmax", "recorded_log_probability"]

_FAR = 6.0  # standard deviations, to which features are clamped
_PARTS = 256  # more than any number of source elements


@dataclass
class ListwiseNetworkConfig:
    """The listwise network.

    Attributes:
        width: width of the hidden layers.
        dropout: dropout probability in the hidden layers.
        n_networks: number of networks whose scores are averaged.
    """

    width: int = setting(96, at_least=1, at_most=16_384)
    dropout: float = setting(0.2, at_least=0, below=1)
    n_networks: int = setting(1, at_least=1, at_most=256, alias="members")


class ListwiseNetwork(nn.Module):
    """Score the sets of a list by the mean of several networks.

    Args:
        config: their number and size.
        groups: of features that they read beside the usual ones, see `rrgraph.reranking.FEATURE_GROUPS`.
    """

    numbers_shift: Tensor
    numbers_scale: Tensor

    def __init__(self, config: ListwiseNetworkConfig, groups: Sequence[str] = ()) -> None:
        super().__init__()
        self.config, self.groups = config, tuple(groups)
        columns = len(set_features(groups))
        self.networks = nn.ModuleList(_SetNetwork(config, columns) for _ in range(config.n_networks))
        # The names of these buffers are those of tensors in checkpoints.
        for name, length in (("links", len(LINK_FEATURES)), ("numbers", columns)):
            self.register_buffer(f"{name}_shift", torch.zeros(length))
            self.register_buffer(f"{name}_scale", torch.ones(length))

    def standardise(self, lists: ListFeatures) -> None:
        """Scale links and sets to mean 0 and deviation 1 over these lists from now on.

        Features of the atmosphere stay 0 and 1, so that one that few lists have does not weigh more.
        """
        for name, values in (("links", lists.links), ("numbers", lists.sets)):
            values = values.float()
            getattr(self, f"{name}_shift").copy_(values.mean(0))
            getattr(self, f"{name}_scale").copy_(values.std(0, correction=0).clamp_min(1e-3))
        for column in self._atmosphere_columns:
            self.numbers_shift[column], self.numbers_scale[column] = 0.0, 1.0

    @property
    def _atmosphere_columns(self) -> list[int]:
        names = set_features(self.groups)
        return [names.index(name) for name in ATMOSPHERE_FEATURES] if ATMOSPHERE in self.groups else []

    @property
    def atmospheres(self) -> tuple[Atmosphere, ...]:
        """The atmospheres of the lists that it learned from: the direct weights of all others are still 0."""
        learned: set[str] = set()
        for network in self._networks:
            weights = network.direct.weight[0, self._atmosphere_columns].tolist()
            learned |= {name for name, weight in zip(ATMOSPHERE_FEATURES, weights, strict=False) if weight}
        return tuple(each for each in ATMOSPHERES if f"in_{each.value}" in learned)

    def forward(self, lists: ListFeatures) -> tuple[Tensor, Tensor]:
        """Return the mean scores (n,) of the sets and (lists,) of another set, to be compared within a list."""
        scores, none = zip(*self.member_scores(lists), strict=True)
        return torch.stack(scores).mean(0), torch.stack(none).mean(0)

    def member_scores(self, lists: ListFeatures) -> list[tuple[Tensor, Tensor]]:
        """Return the scores of the sets and of another set by each network."""
        sets = self._scaled("numbers", lists.sets)
        if not self.training and lists.members.device.type == "cpu":  # a GPU would have to be waited for
            links, roles, index = _distinct_members(lists)
            distinct = torch.cat([self._scaled("links", lists.links[links].float()), roles], dim=-1)
            return [network.of_distinct(distinct, index, sets, lists) for network in self._networks]
        links = self._scaled("links", lists.links[lists.members.clamp_min(0)].float())
        members = torch.cat([links, lists.roles], dim=-1)
        return [network(members, lists.members >= 0, sets, lists) for network in self._networks]

    @property
    def _networks(self) -> list[_SetNetwork]:
        return cast(list[_SetNetwork], [*self.networks])

    def _scaled(self, name: str, values: Tensor) -> Tensor:
        shift: Tensor = getattr(self, f"{name}_shift")
        scale: Tensor = getattr(self, f"{name}_scale")
        return ((values - shift) / scale).clamp(-_FAR, _FAR)


class _SetNetwork(nn.Module):
    """Each member through a network, then their sum, mean and maximum beside the set's features through another."""

    def __init__(self, config: ListwiseNetworkConfig, columns: int) -> None:
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
            nn.Linear(3 * width + columns, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
            nn.GELU(),
        )
        self.score = nn.Linear(width, 1)
        self.direct = nn.Linear(columns, 1, bias=False)
        nn.init.zeros_(self.direct.weight)
        self.none = nn.Linear(2 * width, 1)

    def forward(self, members: Tensor, present: Tensor, sets: Tensor, lists: ListFeatures) -> tuple[Tensor, Tensor]:
        """Score sets by the features of their members (n, m, k), which of these exist (n, m), and their own (n, f)."""
        hidden = self.member(members) * present[..., None]
        highest = hidden.masked_fill(~present[..., None], -torch.inf).amax(1)
        return self._join(hidden.sum(1), highest, present.sum(1, keepdim=True), sets, lists)

    def of_distinct(self, members: Tensor, index: Tensor, sets: Tensor, lists: ListFeatures) -> tuple[Tensor, Tensor]:
        """Score sets as `forward`, rounding aside.

        Args:
            members: (k, features) of distinct members.
            index: (n, m) which of them each set has, k where there is none.
            sets: (n, f) features of the sets.
            lists: of which these are.
        """
        none = len(members)
        hidden = self.member(members)
        total = embedding_bag(index, pad(hidden, (0, 0, 0, 1)), mode="sum", padding_idx=none)
        hidden = pad(hidden, (0, 0, 0, 1), value=-torch.inf)
        highest = hidden[index[:, 0]]
        for column in index[:, 1:].unbind(1):
            highest = torch.maximum(highest, hidden[column])
        return self._join(total, highest, (index < none).sum(1, keepdim=True), sets, lists)

    def _join(
        self, total: Tensor, highest: Tensor, size: Tensor, sets: Tensor, lists: ListFeatures
    ) -> tuple[Tensor, Tensor]:
        """Return the scores of sets and of another set by the sums and maxima (n, width) over members."""
        joint = self.joint(torch.cat([total / 3, total / size, highest, sets], dim=-1))
        scores = self.score(joint) + self.direct(sets)
        return scores.squeeze(-1).float(), self._none(joint.float(), lists).float()

    def _none(self, joint: Tensor, lists: ListFeatures) -> Tensor:
        shape = (len(lists), joint.shape[1])
        index = lists.list_index[:, None].expand_as(joint)
        highest = joint.new_zeros(shape).scatter_reduce(0, index, joint, "amax", include_self=False)
        mean = joint.new_zeros(shape).scatter_reduce(0, index, joint, "mean", include_self=False)
        logits: Tensor = self.none(torch.cat([highest, mean], dim=-1))
        return logits.squeeze(-1)


def _distinct_members(lists: ListFeatures) -> tuple[Tensor, Tensor, Tensor]:
    """Return link (k,) and roles (k, 2) of the distinct members of sets, and for each set (n, m) which these are.

    Beyond the last member of a set the index is k. Many sets of a list share members that play the same part in them.
    """
    present = lists.members >= 0
    links, roles = lists.members[present], lists.roles[present]
    _, index = torch.unique((links * _PARTS + roles[:, 0].long()) * _PARTS + roles[:, 1].long(), return_inverse=True)
    first = links.new_empty(int(index.max()) + 1 if len(index) else 0)
    first[index] = torch.arange(len(links), device=links.device)
    places = torch.full_like(lists.members, len(first))
    places[present] = index
    return links[first], roles[first], places


def list_log_softmax(scores: Tensor, none: Tensor, list_index: Tensor) -> tuple[Tensor, Tensor]:
    """Return log probabilities of sets (n,) and of another set (lists,), normalised within each list.

    Args:
        scores: (n,) of the sets.
        none: (lists,) score of another set.
        list_index: (n,) list of each set.
    """
    highest = none.detach().scatter_reduce(0, list_index, scores.detach(), "amax")
    total = torch.exp(none - highest).scatter_add(0, list_index, torch.exp(scores - highest[list_index]))
    normaliser = highest + total.log()
    return scores - normaliser[list_index], none - normaliser


def recorded_log_probability(of_set: Tensor, of_none: Tensor, list_index: Tensor, recorded: Tensor) -> Tensor:
    """Return the log of the probability that a list gives to its recorded sets, or to another set if it holds none.

    Args:
        of_set: (n,) log probabilities of the sets.
        of_none: (lists,) of another set.
        list_index: (n,) list of each set.
        recorded: (n,) bool.

    Returns:
        (lists,).
    """
    none = torch.zeros_like(of_none)
    probability = none.scatter_add(0, list_index, torch.where(recorded, of_set.exp(), 0.0))
    held = none.scatter_add(0, list_index, recorded.to(none.dtype)) > 0
    return torch.where(held, probability.clamp_min(1e-12).log(), of_none)
