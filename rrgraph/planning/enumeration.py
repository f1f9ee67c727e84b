"""The best sets of a known size by trying every set, against which the exact search is checked and timed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import combinations, islice
from math import comb, log, prod

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.planning.candidates import CandidateFilter
from rrgraph.planning.ranking import SCALE
from rrgraph.planning.search import Aggregate, SetSearch

__all__ = ["SetProblem", "enumerate_sets", "search_sets", "set_problem"]


@dataclass(frozen=True)
class SetProblem:
    """What the search for the sets of one target is given.

    Attributes:
        indices: of the candidates in the pool.
        probabilities: of their links to the target, above 0 and below 1.
        masks: bit masks of the elements that each supplies.
        need: what a set has to supply.
        size: of the sets.
    """

    indices: tuple[int, ...]
    probabilities: tuple[float, ...]
    masks: tuple[int, ...]
    need: int
    size: int

    @property
    def sets(self) -> int:
        """Number of sets of that size, valid or not."""
        return comb(len(self.masks), self.size)


def set_problem(
    pool: CandidateFilter,
    target: Composition,
    size: int,
    probabilities: NDArray[np.float64],
    *,
    most: int | None = None,
) -> SetProblem:
    """Return the problem of one target.

    Args:
        pool: candidates and constraints.
        target: the material to make.
        size: of the sets.
        probabilities: (candidates,) of the links from the target to the candidates of the pool.
        most: use only this many most probable candidates; None takes all feasible ones.
    """
    feasible = pool.feasible(target)
    best = np.sort(np.argsort(-probabilities[feasible.indices], kind="stable")[:most])
    indices = feasible.indices[best]
    return SetProblem(
        indices=tuple(indices.tolist()),
        probabilities=tuple(probabilities[indices].tolist()),
        masks=tuple(feasible.masks[best].tolist()),
        need=feasible.need,
        size=size,
    )


def search_sets(
    problem: SetProblem, *, top_k: int = 10, aggregate: Aggregate = "product", sizes: Sequence[int] | None = None
) -> list[float]:
    """Return the scores of the best sets by `SetSearch`.

    Args:
        problem: the candidates.
        top_k: number of sets.
        aggregate: what sets are ranked by.
        sizes: sizes that compete, that of the problem by default.
    """
    if aggregate == "log_odds":
        scores = [round((log(p) - log(1 - p)) * SCALE) for p in problem.probabilities]
    else:
        scores = [round(log(p) * SCALE) for p in problem.probabilities]
    search = SetSearch(scores, problem.masks, need=problem.need, sizes=sizes or (problem.size,), aggregate=aggregate)
    return [score / SCALE for score, _ in islice(search, top_k)]


def enumerate_sets(problem: SetProblem, *, top_k: int = 10) -> list[float]:
    """Return the log probabilities of the best sets by trying every set of the size (Retro-Rank-In appendix E)."""
    masks, need, probabilities = problem.masks, problem.need, problem.probabilities

    def valid() -> Iterator[tuple[float, tuple[int, ...]]]:
        for members in combinations(range(len(masks)), problem.size):
            union = 0
            for member in members:
                union |= masks[member]
            if union & need == need:
                yield prod([probabilities[member] for member in members]), members

    return [log(score) for score, _ in nlargest(top_k, valid())]
