"""Ranked precursor sets of one target: what the planner hands out.

Flows in: a set search and the candidates behind its numbers. Flows out: frozen `RankedSet` and `Plan`, and the exact
scores of single sets, by which evaluation tells ties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import exp, fsum
from typing import Final, Protocol

from rrgraph.chem import Composition
from rrgraph.data import PrecursorSet
from rrgraph.planning.search import ScoredSet, SetSearch

__all__ = ["SCALE", "Plan", "RankedSet", "Ranking", "SetRanking"]

SCALE: Final = 2**48
"""Fixed point of exact scores: log probabilities and logits are rounded to multiples of 1 / `SCALE`."""

EXAMINED: Final = 1000
"""Most sets of one target that are examined for a condition that the search cannot use, such as balance."""


@dataclass(frozen=True, slots=True)
class RankedSet:
    """A precursor set and what the links say about it.

    Attributes:
        precursors: the set, in the order of the candidates.
        score: what sets are ranked by: the sum of log probabilities (mode ``product``), the sum of log-odds
            (``log_odds``), the mean log probability (``geometric``) or the log probability of the set
            (``listwise``); natural logarithms.
        probability: that the set is recorded, in mode ``listwise``, where it is no more than a bound from above for
            sets behind those that the second stage reads; otherwise the product of the link probabilities
            (Retro-Rank-In eq. 5), or what a system that proposes sets says, NaN if it gives no probabilities.
        exact_score: `score` in fixed point; two sets of one target tie exactly when theirs are equal.
        indices: positions of the members among the planner's candidates, ascending.
    """

    precursors: PrecursorSet
    score: float
    probability: float
    exact_score: int
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The best precursor sets of one target.

    Attributes:
        target: the material to make.
        sets: distinct sets, best first; ties go to fewer members, then to earlier candidates.
        exhausted: whether these are all valid sets that exist.
        missing: needed elements, or required precursors, that no candidate can supply; there are no sets then.
        cut: whether the search ended because the first `EXAMINED` sets held no more that balance.
        none: in mode ``listwise``, the probability that none of the candidate sets is recorded.
    """

    target: Composition
    sets: tuple[RankedSet, ...]
    exhausted: bool
    missing: tuple[str, ...] = ()
    cut: bool = False
    none: float | None = None

    @property
    def none_of_these(self) -> float | None:
        """In mode ``listwise``, the probability that none of `sets` is recorded: what they leave to 1.

        Candidate sets that are not listed count for it; listed sets behind the candidate sets do not count against it,
        for nobody judged them, so it is at least `none`.
        """
        if self.none is None:
            return None
        return max(self.none, 1.0 - fsum(ranked.probability for ranked in self.sets))

    def __len__(self) -> int:
        return len(self.sets)

    def __iter__(self) -> Iterator[RankedSet]:
        return iter(self.sets)

    @property
    def reason(self) -> str | None:
        """One sentence that says why there are no more sets, or None when there may be."""
        if self.missing:
            return f"No candidate that may be used for {self.target.formula} supplies {', '.join(self.missing)}."
        if self.cut:
            return f"Only {len(self)} of the {EXAMINED} best precursor sets for {self.target.formula} balance."
        if not self.exhausted:
            return None
        number = {0: "No precursor set", 1: "Only 1 precursor set"}.get(len(self), f"Only {len(self)} precursor sets")
        verb = "satisfies" if len(self) < 2 else "satisfy"
        return f"{number} for {self.target.formula} {verb} the constraints."


class Ranking(Protocol):
    """The valid sets of one target, best first."""

    target: Composition

    def __iter__(self) -> Iterator[RankedSet]:
        """Yield the sets."""
        ...

    def plan(self, top_k: int) -> Plan:
        """Return the `top_k` best sets."""
        ...

    def exact_score(self, precursors: PrecursorSet) -> int | None:
        """Return the exact score of any set, None when it cannot be ranked."""
        ...


class SetRanking:
    """All valid sets of one target, best first, found only as far as they are asked for.

    Args:
        target: the material to make.
        search: the search over the feasible candidates.
        candidates: all candidates of the planner.
        indices: positions in `candidates` of the candidates of the search, ascending.
        log_probabilities: of each candidate of the search.
        missing: see `Plan`.
        valid: a further condition on a set; at most `EXAMINED` sets are examined for it.
    """

    def __init__(
        self,
        *,
        target: Composition,
        search: SetSearch,
        candidates: Sequence[Composition],
        indices: Sequence[int],
        log_probabilities: Sequence[float],
        missing: tuple[str, ...] = (),
        valid: Callable[[PrecursorSet], bool] | None = None,
    ) -> None:
        self.target, self.missing = target, missing
        self._valid, self._examined, self._cut = valid, 0, False
        self._search, self._candidates, self._indices = search, candidates, indices
        self._log_probabilities = log_probabilities
        self._unit = float(SCALE * search.mean_scale)
        self._places: dict[str, int] | None = None
        self._found: list[ScoredSet] = []
        self._more: Iterator[ScoredSet] | None = iter(search)
        self._second: _SecondStage | None = None

    @property
    def competing(self) -> Sequence[int]:
        """Positions among the planner's candidates of those that sets are made of, ascending."""
        return self._indices

    def __iter__(self) -> Iterator[RankedSet]:
        position = 0
        while (found := self._get(position)) is not None:
            yield self._ranked(found)
            position += 1

    def plan(self, top_k: int) -> Plan:
        """Return the `top_k` best sets; it is exhausted when fewer, or exactly so many, exist."""
        exhausted = self._get(top_k) is None and not self._cut
        sets = tuple([self._ranked(found) for found in self._found[:top_k]])
        cut = len(sets) < top_k and self._cut
        none = None if self._second is None else self._second.none
        return Plan(target=self.target, sets=sets, exhausted=exhausted, missing=self.missing, cut=cut, none=none)

    def head(self, number: int) -> list[tuple[int, ...]]:
        """Return the members of the first `number` sets, as positions among the planner's candidates."""
        self._get(number - 1)
        return [tuple([self._indices[place] for place in places]) for _, places in self._found[:number]]

    def rerank(self, log_probabilities: Sequence[float], none: float) -> None:
        """Rank the head by a second stage; the other sets follow in their order, less probable than all of it.

        Args:
            log_probabilities: of each set of the head.
            none: log probability that none of them is right.
        """
        head = self._found[: len(log_probabilities)]
        self._second = _SecondStage.of(head, log_probabilities, none)
        again = sorted(
            ((self._second.scores[places], place, places) for place, (_, places) in enumerate(head)),
            key=lambda entry: (-entry[0], entry[1]),
        )
        rest = [(self._second.after(score), places) for score, places in self._found[len(head) :]]
        self._found = [(score, places) for score, _, places in again] + rest

    def exact_score(self, precursors: PrecursorSet) -> int | None:
        """Return the exact score of any set, or None when it is not valid or has members that are no candidates."""
        if self._places is None:
            self._places = {self._candidates[index].key: place for place, index in enumerate(self._indices)}
        places = [self._places.get(key) for key in precursors.keys]
        known = [place for place in places if place is not None]
        if len(known) < len(places) or not (self._valid is None or self._valid(precursors)):
            return None
        score = self._search.score(known)
        if score is None or self._second is None:
            return score
        return self._second.scores.get(tuple(sorted(known)), self._second.after(score))

    def _get(self, position: int) -> ScoredSet | None:
        """The set at a position, from 0, or None when there are not as many."""
        while self._more is not None and len(self._found) <= position:
            found = next(self._more, None)
            if found is None:
                self._more = None
            elif self._valid is None or self._valid(self._ranked(found).precursors):
                score, places = found
                self._found.append(found if self._second is None else (self._second.after(score), places))
            self._examined += 1
            if self._valid is not None and self._more is not None and self._examined == EXAMINED:
                self._more, self._cut = None, True
        return self._found[position] if position < len(self._found) else None

    def _ranked(self, found: ScoredSet) -> RankedSet:
        score, places = found
        indices = tuple([self._indices[place] for place in places])
        return RankedSet(
            precursors=PrecursorSet([self._candidates[index] for index in indices]),
            score=score / self._unit,
            probability=exp(
                sum([self._log_probabilities[place] for place in places])
                if self._second is None
                else score / self._unit
            ),
            exact_score=score,
            indices=indices,
        )


@dataclass(frozen=True, slots=True)
class _SecondStage:
    """What a second stage says of the head of a ranking.

    Attributes:
        scores: fixed-point log probability of each set of the head, by its places.
        least: the smallest of them.
        last: score by which the search found the last set of the head.
        none: probability that none of them is right.
    """

    scores: dict[tuple[int, ...], int]
    least: int
    last: int
    none: float

    @classmethod
    def of(cls, head: Sequence[ScoredSet], log_probabilities: Sequence[float], none: float) -> _SecondStage:
        scores = {places: round(log * SCALE) for (_, places), log in zip(head, log_probabilities, strict=True)}
        return cls(scores, min(scores.values(), default=0), head[-1][0] if head else 0, exp(none))

    def after(self, score: int) -> int:
        """Return the score of a set behind the head: it falls off from the least as the search's own score does."""
        return self.least - 1 + min(score - self.last, 0)
