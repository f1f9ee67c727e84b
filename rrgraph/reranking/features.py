"""Lists of candidate sets as numbers: what the set scorer reads of the sets that compete for each target.

Sets, the log-odds and the statistics of their links flow in; padded tensors flow out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition
from rrgraph.graph import (
    BALANCE,
    FREQUENCY_FEATURES,
    SET_FREQUENCY_FEATURES,
    SetFrequencyFeatures,
    balance_sets,
    source_presence,
)
from rrgraph.planning import TargetLinks
from rrgraph.properties import reaction_energies

__all__ = ["LINK_FEATURES", "MEMBER_FEATURES", "SET_FEATURES", "CandidateLists", "describe_sets"]

_LINK_SUMS: Final = (
    "log_probability",
    "mean_log_probability",
    "least_log_odds",
    "log_odds",
    "mean_log_odds",
    "log_rank",
    "behind",
    "behind_log_odds",
    "lost",
    "most_lost",
    "second_choices",
)

LINK_FEATURES: Final = (*FREQUENCY_FEATURES, "log_odds")
"""Numbers of the link of a member to the target."""

MEMBER_FEATURES: Final = (*LINK_FEATURES, "alone", "brings")
"""Numbers of a member: of its link, and how many source elements it alone brings and brings at all."""

SET_FEATURES: Final = (*SET_FREQUENCY_FEATURES, *_LINK_SUMS, *BALANCE, "energy")
"""Numbers of a set: its statistics, what its links say together, its mass balance and its reaction energy.

What links say are sum and mean of log probabilities, least, sum and mean of log-odds; log(1 + rank) by log probability
in its list, and how far log probability and log-odds lie behind the best of the list; and for each source element of
the target, by how much the log-odds of the best candidate for it exceed those of the best member: their sum, the
largest, and the number of elements that are not brought by their best candidate. The energy is in eV for an atom of
target, 0 where no formation energies are known.
"""


LinkDescription = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class CandidateLists:
    """Candidate sets of several targets, those of one target together.

    Attributes:
        pointer: (lists + 1,) int64, where the sets of each list begin.
        numbers: (n, `len(SET_FEATURES)`), of each set.
        links: (k, `len(LINK_FEATURES)`), of each link that some set uses.
        members: (n, m) int64, positions in `links`, -1 beyond the last member.
        parts: (n, m, 2), the two numbers of a member beside those of its link.
    """

    pointer: Tensor
    numbers: Tensor
    links: Tensor
    members: Tensor
    parts: Tensor

    def __len__(self) -> int:
        return len(self.pointer) - 1

    def half(self) -> CandidateLists:
        """Return the same with numbers in 16 bits, for lists that stay in memory."""
        return CandidateLists(self.pointer, self.numbers.half(), self.links.half(), self.members, self.parts.half())

    def select(self, lists: Tensor) -> tuple[CandidateLists, Tensor]:
        """Return only some lists, and the position of each of their sets."""
        lengths = self.pointer.diff()[lists]
        pointer = torch.nn.functional.pad(lengths.cumsum(0), (1, 0))
        within = torch.arange(int(pointer[-1])) - torch.repeat_interleave(pointer[:-1], lengths)
        sets = torch.repeat_interleave(self.pointer[lists], lengths) + within
        chosen = CandidateLists(
            pointer, self.numbers[sets].float(), self.links, self.members[sets], self.parts[sets].float()
        )
        return chosen, sets

    def flat(self) -> Tensor:
        """Return what boosted trees read, (n, columns): own numbers, and mean, least and most of the members'."""
        present = (self.members >= 0)[..., None]
        members = torch.cat([self.links[self.members.clamp_min(0)], self.parts], dim=-1).float()
        mean = members.where(present, 0.0).sum(1) / present.sum(1).clamp_min(1)
        least, most = (members.where(present, end) for end in (torch.inf, -torch.inf))
        return torch.cat([self.numbers.float(), mean, least.amin(1), most.amax(1)], dim=-1)

    @staticmethod
    def concat(parts: Sequence[CandidateLists]) -> CandidateLists:
        """Return the lists of all parts, in order."""
        links, sets, members, pointers = 0, 0, [], [torch.zeros(1, dtype=torch.int64)]
        widest = max(part.members.shape[1] for part in parts)
        for part in parts:
            moved = torch.where(part.members >= 0, part.members + links, -1)
            members.append(torch.nn.functional.pad(moved, (0, widest - moved.shape[1]), value=-1))
            pointers.append(part.pointer[1:] + sets)
            links, sets = links + len(part.links), sets + len(part.members)
        padded = [torch.nn.functional.pad(p.parts, (0, 0, 0, widest - p.parts.shape[1])) for p in parts]
        return CandidateLists(
            pointer=torch.cat(pointers),
            numbers=torch.cat([part.numbers for part in parts]),
            links=torch.cat([part.links for part in parts]),
            members=torch.cat(members),
            parts=torch.cat(padded),
        )

    @property
    def owner(self) -> Tensor:
        """The list of each set, (n,) int64."""
        return torch.repeat_interleave(torch.arange(len(self)), self.pointer.diff())


def describe_sets(
    statistics: SetFrequencyFeatures,
    targets: Sequence[Composition],
    candidates: Sequence[Composition],
    links: TargetLinks,
    link_statistics: LinkDescription,
    sets: Sequence[Sequence[Sequence[int]]],
) -> CandidateLists:
    """Return the numbers of each target's list of sets.

    Args:
        statistics: of whole sets.
        targets: t materials.
        candidates: c precursors.
        links: every link that competes, of which those of the sets are some.
        link_statistics: returns the features (n, `len(FREQUENCY_FEATURES)`) of links, given targets and candidates.
        sets: for each target its sets, best first, each as positions among the candidates.
    """
    pointer = np.cumsum([0, *(len(each) for each in sets)])
    rows = np.repeat(np.arange(len(targets)), np.diff(pointer))
    widest = max((len(members) for each in sets for members in each), default=1)
    members = np.full((len(rows), widest), -1, dtype=np.int64)
    for place, chosen in enumerate(members_ for each in sets for members_ in each):
        members[place, : len(chosen)] = chosen
    counted, parts = statistics.features(targets, candidates, rows, members)
    present = members >= 0
    link = np.where(present, links.find(rows[:, None], members), -1)
    together = _link_sums(targets, candidates, links, rows, pointer, link)
    physics = _physics(targets, candidates, links, rows, members)
    used, position = np.unique(link[present], return_inverse=True)
    compact = np.full(members.shape, -1, dtype=np.int64)
    compact[present] = position
    described = link_statistics(links.rows[used], links.columns[used])
    numbers = np.column_stack([described, links.log_odds[used]]).astype(np.float32)
    return CandidateLists(
        pointer=torch.from_numpy(pointer),
        numbers=torch.from_numpy(np.column_stack([counted, together, physics]).astype(np.float32)),
        links=torch.from_numpy(numbers.reshape(-1, len(LINK_FEATURES))),
        members=torch.from_numpy(compact),
        parts=torch.from_numpy(parts),
    )


def _link_sums(
    targets: Sequence[Composition],
    candidates: Sequence[Composition],
    links: TargetLinks,
    rows: NDArray[np.int64],
    pointer: NDArray[np.int64],
    link: NDArray[np.int64],
) -> NDArray[np.float64]:
    present = link >= 0
    size = present.sum(1)
    log_odds = np.where(present, links.log_odds[link], 0.0)
    log_probability = np.where(present, -np.logaddexp(0, -log_odds), 0.0)
    sums, odds = log_probability.sum(1), log_odds.sum(1)
    starts = pointer[:-1][np.diff(pointer) > 0]
    first = pointer[rows]
    order = np.lexsort((-sums, rows))
    rank = np.empty(len(rows))
    rank[order] = np.arange(len(rows))
    lengths = np.diff(np.append(starts, len(rows)))
    behind = [
        values - np.repeat(np.maximum.reduceat(values, starts), lengths) if len(rows) else values
        for values in (sums, odds)
    ]
    lost = _lost(targets, candidates, links, rows, link, log_odds)
    return np.stack(
        [
            sums,
            sums / size.clip(1),
            np.where(present, log_odds, np.inf).min(1, initial=np.inf),
            odds,
            odds / size.clip(1),
            np.log1p(rank - first),
            *behind,
            lost.sum(1),
            lost.max(1),
            (lost > 1e-6).sum(1),
        ],
        axis=1,
    )


def _physics(
    targets: Sequence[Composition],
    candidates: Sequence[Composition],
    links: TargetLinks,
    rows: NDArray[np.int64],
    members: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return mass balance and reaction energy of the sets, (n, `len(BALANCE)` + 1)."""
    amounts, balance = balance_sets(targets, candidates, rows, members)
    energy: NDArray[np.floating] = np.zeros(len(rows))
    if links.energies is not None:
        of_targets, of_candidates = links.energies
        carbon, hydrogen = (balance[:, BALANCE.index(name)] for name in ("released_C", "released_H"))
        energy = reaction_energies(of_targets[rows], of_candidates[members], amounts, carbon, hydrogen)
    return np.column_stack([balance, energy])


def _lost(
    targets: Sequence[Composition],
    candidates: Sequence[Composition],
    links: TargetLinks,
    rows: NDArray[np.int64],
    link: NDArray[np.int64],
    log_odds: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return by how much the best candidate for each element exceeds the best member (n, elements); 0 if not needed."""
    need = source_presence(targets)
    brings = source_presence(candidates)
    worst = float(links.log_odds.min(initial=0.0))
    best = np.full(need.shape, worst)
    for element in np.flatnonzero(need.any(0)):
        able = brings[links.columns, element]
        np.maximum.at(best[:, element], links.rows[able], links.log_odds[able])
    own = np.full((len(rows), need.shape[1]), worst)
    for column in range(link.shape[1]):
        bringing = brings[links.columns[link[:, column]]] & (link[:, [column]] >= 0)
        own = np.where(bringing, np.maximum(own, log_odds[:, [column]]), own)
    return np.where(need[rows], best[rows] - own, 0.0)
