"""Features of candidate sets as tensors: what the re-ranker reads of the sets that compete for each target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from rrgraph.chem import Atmosphere
from rrgraph.data import LinkBatch, SetBatch
from rrgraph.errors import check_choice
from rrgraph.graph import (
    BALANCE,
    FREQUENCY_FEATURES,
    SET_FREQUENCY_FEATURES,
    SetFrequencyFeatures,
    balance_oxygen,
    balance_sets,
    source_presence,
)
from rrgraph.planning import CandidateLists
from rrgraph.properties import reaction_energies
from rrgraph.reranking.redox import ATMOSPHERE_FEATURES, REDOX_FEATURES, atmosphere_features, redox_features

__all__ = [
    "ATMOSPHERE",
    "FEATURE_GROUPS",
    "LINK_FEATURES",
    "MEMBER_FEATURES",
    "REDOX",
    "SET_FEATURES",
    "Energies",
    "ListFeatures",
    "describe_sets",
    "flat_columns",
    "set_features",
]

_OF_LINKS: Final = (
    "log_probability",
    "mean_log_probability",
    "least_logit",
    "sum_of_logits",
    "mean_logit",
    "log_rank",
    "gap_to_best",
    "logit_gap_to_best",
    "opportunity_gap",
    "largest_opportunity_gap",
    "second_choices",
)

LINK_FEATURES: Final = (*FREQUENCY_FEATURES, "logit")
"""Features of the link from the target to a member."""

MEMBER_FEATURES: Final = (*LINK_FEATURES, "sole_supplier", "supplies")
"""Features of a member: of its link, of how many source elements it is the sole supplier and how many it supplies."""

SET_FEATURES: Final = (*SET_FREQUENCY_FEATURES, *_OF_LINKS, *BALANCE, "energy")
"""Features of a set: its frequency features, those of its links together, its mass balance and its reaction energy.

Those of the links are sum and mean of log probabilities, least, sum and mean of logits; log(1 + rank) by log
probability in its list, and how far log probability and sum of logits are below the best of the list; and for each
source element of the target, by how much the logit of the best candidate for it exceeds that of the best member: their
sum, the largest, and the number of elements that are not supplied by their best candidate. The energy is in eV for an
atom of target, 0 where no formation energies are known.
"""

REDOX: Final = "redox-1"
"""Name of the redox features as a group, see `FEATURE_GROUPS`."""

ATMOSPHERE: Final = "atmosphere-1"
"""Name of the features of a set in a known atmosphere as a group."""

FEATURE_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {REDOX: REDOX_FEATURES, ATMOSPHERE: ATMOSPHERE_FEATURES}
"""Features of a set that a re-ranker may read beyond `SET_FEATURES`, by the name of their group.

A model records the groups that it learned from, so the name ends in a version: features that would get other values
need a group of another name, and the earlier group stays as long as models with it are to be read.
"""

Energies = tuple[NDArray[np.floating], NDArray[np.floating]]
"""Formation energies of targets (t,) and of candidates (c,), eV/atom."""


@dataclass(frozen=True, eq=False)
class ListFeatures:
    """Features of the candidate sets of several targets, those of one target together.

    Where the sets of each list begin stays on the processor, so that choosing lists does not wait for a device.

    Attributes:
        offsets: (lists + 1,) int64, where the sets of each list begin.
        sets: (n, f), of each set, in the order of `set_features`.
        links: (k, `len(LINK_FEATURES)`), of each link that some set uses.
        members: (n, m) int64, index in `links` of each member, -1 beyond the last.
        roles: (n, m, 2), the two features of a member beside those of its link.
    """

    offsets: Tensor
    sets: Tensor
    links: Tensor
    members: Tensor
    roles: Tensor

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def list_index(self) -> Tensor:
        """The list of each set, (n,) int64, where the features are."""
        index = torch.repeat_interleave(torch.arange(len(self)), self.offsets.diff())
        return index.to(self.sets.device, non_blocking=True)

    def to(self, device: torch.device) -> ListFeatures:
        """Return the same with features on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("sets", "links", "members", "roles")}
        return replace(self, **moved)

    def half(self) -> ListFeatures:
        """Return the same in 16 bits, for lists that stay in memory."""
        return replace(self, sets=self.sets.half(), links=self.links.half(), roles=self.roles.half())

    def select(self, lists: Tensor) -> tuple[ListFeatures, Tensor]:
        """Return only some lists, and the index of each of their sets, where the features are.

        Args:
            lists: (n,) int64, on the processor.
        """
        lengths = self.offsets.diff()[lists]
        offsets = pad(lengths.cumsum(0), (1, 0))
        within = torch.arange(int(offsets[-1])) - torch.repeat_interleave(offsets[:-1], lengths)
        sets = torch.repeat_interleave(self.offsets[lists], lengths) + within
        sets = sets.to(self.sets.device, non_blocking=True)
        chosen = ListFeatures(
            offsets, self.sets[sets].float(), self.links, self.members[sets], self.roles[sets].float()
        )
        return chosen, sets

    @property
    def columns(self) -> int:
        """How many features `flat` returns."""
        return self.sets.shape[1] + 3 * (self.links.shape[1] + self.roles.shape[2])

    def flat(self) -> Tensor:
        """Return the features (n, columns) that trees read: of the set, and mean, least and most of its members."""
        present = (self.members >= 0)[..., None]
        members = torch.cat([self.links[self.members.clamp_min(0)], self.roles], dim=-1).float()
        mean = members.where(present, 0.0).sum(1) / present.sum(1).clamp_min(1)
        least, most = (members.where(present, end) for end in (torch.inf, -torch.inf))
        return torch.cat([self.sets.float(), mean, least.amin(1), most.amax(1)], dim=-1)

    @staticmethod
    def concat(parts: Sequence[ListFeatures]) -> ListFeatures:
        """Return the lists of all parts, in order."""
        links, sets, members, offsets = 0, 0, [], [torch.zeros(1, dtype=torch.int64)]
        widest = max(part.members.shape[1] for part in parts)
        for part in parts:
            moved = torch.where(part.members >= 0, part.members + links, -1)
            members.append(pad(moved, (0, widest - moved.shape[1]), value=-1))
            offsets.append(part.offsets[1:] + sets)
            links, sets = links + len(part.links), sets + len(part.members)
        return ListFeatures(
            offsets=torch.cat(offsets),
            sets=torch.cat([part.sets for part in parts]),
            links=torch.cat([part.links for part in parts]),
            members=torch.cat(members),
            roles=torch.cat([pad(part.roles, (0, 0, 0, widest - part.roles.shape[1])) for part in parts]),
        )


def set_features(groups: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names of the features of a set, with those of some groups.

    Raises:
        ConfigError: no group has this name.
    """
    for group in groups:
        check_choice("The group of set features", group, FEATURE_GROUPS)
    return (*SET_FEATURES, *(name for group in groups for name in FEATURE_GROUPS[group]))


def flat_columns(groups: Sequence[str] = ()) -> int:
    """Return the number of features that trees read of a set with some groups, see `ListFeatures.flat`."""
    return len(set_features(groups)) + 3 * len(MEMBER_FEATURES)


def describe_sets(
    lists: CandidateLists,
    set_frequencies: SetFrequencyFeatures,
    link_frequencies: Callable[[LinkBatch], NDArray[np.float32]],
    *,
    energies: Energies | None = None,
    groups: Sequence[str] = (),
    atmosphere: Atmosphere | None = None,
) -> ListFeatures:
    """Return the features of candidate sets.

    Args:
        lists: the sets and the links that compete.
        set_frequencies: counts behind the frequency features of sets.
        link_frequencies: returns the frequency features (links, `len(FREQUENCY_FEATURES)`) of links.
        energies: of targets and candidates, if they are known.
        groups: of further features, see `FEATURE_GROUPS`.
        atmosphere: in which all targets are made, None if it is not known.
    """
    sets = SetBatch.of_lists(lists.links.targets, lists.links.candidates, lists.sets)
    offsets = np.cumsum([0, *(len(own) for own in lists.sets)])
    frequencies, roles = set_frequencies.features(sets)
    present = sets.present
    link = np.where(present, lists.links.find(sets.target_index[:, None], sets.members), -1)
    of_links = _of_links(lists, sets.target_index, offsets, link)
    columns: list[NDArray[np.floating]] = [frequencies, of_links, _physics(sets, energies)]
    oxygen = balance_oxygen(sets)[1] if groups else np.empty((0, 0))
    for group in groups:
        columns.append(
            redox_features(oxygen, offsets, of_links[:, _OF_LINKS.index("log_rank")])
            if group == REDOX
            else atmosphere_features(oxygen, atmosphere)
        )
    used, position = np.unique(link[present], return_inverse=True)
    members = np.full(link.shape, -1, dtype=np.int64)
    members[present] = position
    features = np.column_stack([link_frequencies(lists.links.select(used)), lists.logits[used]]).astype(np.float32)
    return ListFeatures(
        offsets=torch.from_numpy(offsets),
        sets=torch.from_numpy(np.column_stack(columns).astype(np.float32)),
        links=torch.from_numpy(features.reshape(-1, len(LINK_FEATURES))),
        members=torch.from_numpy(members),
        roles=torch.from_numpy(roles),
    )


def _of_links(
    lists: CandidateLists, target_index: NDArray[np.int64], offsets: NDArray[np.int64], link: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the features `_OF_LINKS` of sets, given as links (n, m), -1 beyond the last member."""
    present = link >= 0
    size = present.sum(1)
    logits = np.where(present, lists.logits[link], 0.0)
    log_probability = np.where(present, -np.logaddexp(0, -logits), 0.0)
    sums, sums_of_logits = log_probability.sum(1), logits.sum(1)
    starts = offsets[:-1][np.diff(offsets) > 0]
    order = np.lexsort((-sums, target_index))
    rank = np.empty(len(sums))
    rank[order] = np.arange(len(sums))
    lengths = np.diff(np.append(starts, len(sums)))
    gaps_to_best = [
        values - np.repeat(np.maximum.reduceat(values, starts), lengths) if len(values) else values
        for values in (sums, sums_of_logits)
    ]
    gap = _opportunity_gap(lists, target_index, link, logits)
    return np.stack(
        [
            sums,
            sums / size.clip(1),
            np.where(present, logits, np.inf).min(1, initial=np.inf),
            sums_of_logits,
            sums_of_logits / size.clip(1),
            np.log1p(rank - offsets[target_index]),
            *gaps_to_best,
            gap.sum(1),
            gap.max(1, initial=0),
            (gap > 1e-6).sum(1),
        ],
        axis=1,
    )


def _physics(sets: SetBatch, energies: Energies | None) -> NDArray[np.float64]:
    """Return mass balance and reaction energy of the sets, (n, `len(BALANCE)` + 1)."""
    amounts, balance = balance_sets(sets)
    energy: NDArray[np.floating] = np.zeros(len(sets))
    if energies is not None:
        of_targets, of_candidates = energies
        carbon, hydrogen = (balance[:, BALANCE.index(name)] for name in ("released_C", "released_H"))
        energy = reaction_energies(
            of_targets[sets.target_index], of_candidates[sets.members], amounts, carbon, hydrogen
        )
    return np.column_stack([balance, energy])


def _opportunity_gap(
    lists: CandidateLists, target_index: NDArray[np.int64], link: NDArray[np.int64], logits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return by how much the best candidate for an element exceeds the best member, (n, k).

    The k are the source elements of the set's target, and others, for which it is 0.
    """
    links = lists.links
    need, supplies = source_presence(links.targets), source_presence(links.candidates)
    elements = np.argsort(~need, axis=1, kind="stable")[:, : need.sum(1).max(initial=0)]
    worst = float(lists.logits.min(initial=0.0))

    def supplied(of: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values (n,) of links by the elements (n, k) that they supply."""
        able = supplies[links.candidate_index[of][:, None], elements[links.target_index[of]]]
        return np.where(able, values[:, None], worst)

    best = np.full(elements.shape, worst)
    starts = np.flatnonzero(np.diff(links.target_index, prepend=-1))
    every = np.arange(len(links))
    if len(links):
        best[links.target_index[starts]] = np.maximum.reduceat(supplied(every, lists.logits), starts)
    own = np.full((len(link), elements.shape[1]), worst)
    for column, values in zip(link.T, logits.T, strict=True):
        there = np.flatnonzero(column >= 0)
        own[there] = np.maximum(own[there], supplied(column[there], values[there]))
    needed = np.take_along_axis(need, elements, axis=1)
    return np.where(needed[target_index], best[target_index] - own, 0.0)
