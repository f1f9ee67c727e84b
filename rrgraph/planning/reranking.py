"""What a re-ranker is, and how it re-ranks the first sets of rankings by links.

Sets that the user's constraints forbid may compete as well, for the literature does not heed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.data import LinkBatch
from rrgraph.planning.candidates import Feasible
from rrgraph.planning.ranking import SetRanking

__all__ = ["CandidateLists", "FeasibleLinks", "RankedByLinks", "Reranker", "rerank"]


@dataclass(frozen=True, eq=False)
class CandidateLists:
    """What a re-ranker is given: candidate sets of t targets, and the links that compete for a place in them.

    Attributes:
        links: every link that competes, sorted by target, then by candidate.
        logits: (links,) float64.
        sets: for each target its candidate sets, each as ascending indices of its members among `links.candidates`.
        known_size: of which targets the set size is known.
    """

    links: LinkBatch
    logits: NDArray[np.float64]
    sets: Sequence[Sequence[Sequence[int]]]
    known_size: Sequence[bool]


class Reranker(Protocol):
    """Anything that gives probabilities to whole sets, such as `rrgraph.reranking.EnsembleReranker`."""

    @property
    def candidates(self) -> int:
        """How many sets of each target it ranks: those that are most probable by their links."""
        ...

    def log_probabilities(self, lists: CandidateLists) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Return log probabilities of the sets of each target, and (targets,) that another set is the recorded one."""
        ...


@dataclass(frozen=True, slots=True)
class FeasibleLinks:
    """The feasible candidates of one target and the logits of their links."""

    feasible: Feasible
    logits: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankedByLinks:
    """What a planner knows of some targets before re-ranking.

    Attributes:
        candidates: of the planner.
        links: of each target.
        rankings: of each target, by its links.
        known_size: of which targets the set size is known.
    """

    candidates: Sequence[Composition]
    links: list[FeasibleLinks]
    rankings: list[SetRanking]
    known_size: list[bool]

    def add(self, links: FeasibleLinks, ranking: SetRanking, *, known_size: bool) -> None:
        """Add a target."""
        self.links.append(links)
        self.rankings.append(ranking)
        self.known_size.append(known_size)


def rerank(
    reranker: Reranker, targets: Sequence[Composition], own: RankedByLinks, competing: RankedByLinks | None = None
) -> list[SetRanking]:
    """Return the rankings with their first sets ranked by the re-ranker.

    Args:
        reranker: gives the probabilities.
        targets: materials to make.
        own: what is ranked.
        competing: whose sets compete as well; the probability of all of them counts for another set.
    """
    sides = [own] if competing is None else [own, competing]
    candidates, indices = _join(sides)
    links = [_links(target, sides, indices) for target in range(len(targets))]
    heads = [[ranking.head(reranker.candidates) for ranking in side.rankings] for side in sides]
    lists = CandidateLists(
        links=LinkBatch(
            targets,
            candidates,
            target_index=np.repeat(np.arange(len(targets)), [len(columns) for columns, _ in links]),
            candidate_index=np.concatenate([columns for columns, _ in links]),
        ),
        logits=np.concatenate([logits for _, logits in links]),
        sets=[_distinct_sets([head[target] for head in heads], indices) for target in range(len(targets))],
        known_size=own.known_size,
    )
    of_sets, of_none = reranker.log_probabilities(lists)
    found = []
    for ranking, head, logs, none in zip(own.rankings, heads[0], of_sets, of_none.tolist(), strict=True):
        others = float(np.logaddexp.reduce(np.append(logs[len(head) :], none)))
        found.append(ranking.reranked(logs[: len(head)].tolist(), others))
    return found


def _join(sides: Sequence[RankedByLinks]) -> tuple[list[Composition], list[dict[int, int]]]:
    """Return the candidates that any target can use, each once, and for each side where its candidates went."""
    joined: dict[str, int] = {}
    candidates: list[Composition] = []
    indices: list[dict[int, int]] = []
    for side in sides:
        found: dict[int, int] = {}
        for index in np.unique(np.concatenate([each.feasible.indices for each in side.links])).tolist():
            candidate = side.candidates[index]
            found[index] = joined.setdefault(candidate.key, len(joined))
            if len(joined) > len(candidates):
                candidates.append(candidate)
        indices.append(found)
    return candidates, indices


def _links(
    target: int, sides: Sequence[RankedByLinks], indices: Sequence[dict[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the candidates of one target, ascending, and the logits of their links."""
    columns = [
        moved[index]
        for side, moved in zip(sides, indices, strict=True)
        for index in side.links[target].feasible.indices.tolist()
    ]
    logits = np.concatenate([side.links[target].logits for side in sides])
    distinct, first = np.unique(np.array(columns, dtype=np.int64), return_index=True)
    return distinct, logits[first]


def _distinct_sets(heads: Sequence[list[tuple[int, ...]]], indices: Sequence[dict[int, int]]) -> list[tuple[int, ...]]:
    """Return the sets of one target, each once, those of the first side first."""
    return list(
        dict.fromkeys(
            tuple(sorted(moved[index] for index in members))
            for head, moved in zip(heads, indices, strict=True)
            for members in head
        )
    )
