"""Planning with systems that propose whole sets (retrieval, generation) in place of scoring links.

The valid proposals are ranked and returned in the same way as by `Planner`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp, nan
from typing import Final, NamedTuple, Protocol, runtime_checkable

import numpy as np

from rrgraph.chem import Composition
from rrgraph.data import PrecursorSet
from rrgraph.errors import ScoreError
from rrgraph.planning.candidates import Feasible
from rrgraph.planning.constraints import SetConstraints, can_be_made
from rrgraph.planning.ranking import SCALE, Plan, RankedSet, SetPlanner

__all__ = ["PROPOSED", "Proposal", "ProposalPlanner", "ProposedRanking", "SetProposer"]

PROPOSED: Final = 200
"""Sets that a proposer is asked for; those that are not valid are dropped."""

_BATCH_SIZE: Final = 128


class Proposal(NamedTuple):
    """A precursor set and what sets are ranked by, a finite number: of a probabilistic system its log probability."""

    precursors: PrecursorSet
    score: float


@runtime_checkable
class SetProposer(Protocol):
    """Anything that proposes whole sets.

    Attributes:
        probabilistic: whether scores are log probabilities of sets.
    """

    probabilistic: bool

    def propose(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        *,
        sizes: Sequence[int | None],
        constraints: SetConstraints,
        number: int,
    ) -> list[list[Proposal]]:
        """Return for each target up to `number` distinct sets of the candidates, best first.

        Args:
            targets: materials to make.
            candidates: precursors that may be used.
            sizes: known set size of each target, None where the sizes of the constraints compete.
            constraints: what is valid; the planner drops proposals that are not, so a proposer may ignore them.
            number: how many sets are asked for.
        """
        ...


class ProposalPlanner(SetPlanner):
    """Rank what a proposer proposes, as far as it is valid.

    Args:
        proposer: proposes sets.
        candidates: precursors that may be used; of two spellings of one precursor the first is kept.
        constraints: which sets are valid.
        proposed: sets that the proposer is asked for.

    Raises:
        PlanningError: the candidates do not fit the constraints.
    """

    def __init__(
        self,
        proposer: SetProposer,
        candidates: Sequence[Composition],
        constraints: SetConstraints | None = None,
        *,
        proposed: int = PROPOSED,
    ) -> None:
        super().__init__(candidates, constraints)
        self.proposer = proposer
        self.proposed = proposed

    def rankings(
        self, targets: Sequence[Composition], *, sizes: Sequence[int | None] | None = None
    ) -> Iterator[ProposedRanking]:
        """Yield the ranking of the valid proposals for each target; arguments and errors are those of `plan`."""
        allowed = self.constraints.allowed_sizes(len(targets), sizes)
        return self._rankings(targets, sizes or [None] * len(targets), allowed)

    def _rankings(
        self, targets: Sequence[Composition], sizes: Sequence[int | None], allowed: Sequence[tuple[int, ...]]
    ) -> Iterator[ProposedRanking]:
        for start in range(0, len(targets), _BATCH_SIZE):
            batch = slice(start, start + _BATCH_SIZE)
            proposed = self.proposer.propose(
                targets[batch],
                self._offered(targets[batch]),
                sizes=sizes[batch],
                constraints=self.constraints,
                number=self.proposed,
            )
            for each in zip(targets[batch], allowed[batch], proposed, strict=True):
                yield self._ranking(*each)

    def _offered(self, targets: Sequence[Composition]) -> Sequence[Composition]:
        """Return the candidates that one of the targets may use, none that was made for others alone."""
        used = np.logical_or.reduce([self._filter.considered(target) for target in targets])
        chosen = np.flatnonzero(used).tolist()
        return [self.candidates[index] for index in chosen] if 0 < len(chosen) < len(used) else self.candidates

    def _ranking(self, target: Composition, sizes: tuple[int, ...], proposals: Sequence[Proposal]) -> ProposedRanking:
        feasible = self._filter.feasible(target)
        places = {int(index): place for place, index in enumerate(feasible.indices)}
        found = [
            each
            for proposal in proposals
            if (each := self._ranked(target, feasible, places, proposal)) is not None and len(each.indices) in sizes
        ]
        return ProposedRanking(target, found, missing=feasible.missing)

    def _ranked(
        self, target: Composition, feasible: Feasible, places: Mapping[int, int], proposal: Proposal
    ) -> RankedSet | None:
        """Return the proposal as a ranked set, None if it is not valid."""
        precursors, score = proposal
        if not abs(score) < float("inf"):
            raise ScoreError(f"The score of '{precursors}' for {target.formula} is {score}, expected a finite number.")
        positions = sorted(self._filter.position.get(key, -1) for key in precursors.keys)
        if not all(position in places for position in positions) or not self._is_valid(
            target, feasible, precursors, [places[position] for position in positions]
        ):
            return None
        return RankedSet(
            precursors=PrecursorSet([self.candidates[position] for position in positions]),
            score=score,
            probability=exp(min(score, 0.0)) if self.proposer.probabilistic else nan,
            exact_score=round(score * SCALE),
            indices=tuple(positions),
        )

    def _is_valid(
        self, target: Composition, feasible: Feasible, precursors: PrecursorSet, places: Sequence[int]
    ) -> bool:
        supplied, twice = 0, 0
        for mask in (int(feasible.masks[place]) for place in places):
            supplied, twice = supplied | mask, twice | supplied & mask
        return (
            supplied & feasible.need == feasible.need
            and not twice & feasible.exclusive
            and set(feasible.required) <= set(places)
            and (
                not self.constraints.balanced or can_be_made(target, precursors, byproducts=self.constraints.byproducts)
            )
        )


class ProposedRanking:
    """The valid proposals for one target, best first.

    Args:
        target: the material to make.
        sets: distinct proposals; of equal ones the best is kept.
        missing: see `Plan`.
    """

    def __init__(self, target: Composition, sets: Sequence[RankedSet], *, missing: tuple[str, ...] = ()) -> None:
        self.target, self.missing = target, missing
        distinct: dict[frozenset[str], RankedSet] = {}
        for ranked in sorted(sets, key=lambda each: -each.exact_score):
            distinct.setdefault(ranked.precursors.keys, ranked)
        self._sets = distinct

    def __iter__(self) -> Iterator[RankedSet]:
        return iter(self._sets.values())

    def plan(self, top_k: int) -> Plan:
        """Return the `top_k` best sets."""
        sets = tuple(self._sets.values())
        return Plan(target=self.target, sets=sets[:top_k], exhausted=len(sets) <= top_k, missing=self.missing)

    def exact_score(self, precursors: PrecursorSet) -> int | None:
        """Return the exact score of a set, None when it was not proposed or is not valid."""
        ranked = self._sets.get(precursors.keys)
        return None if ranked is None else ranked.exact_score
