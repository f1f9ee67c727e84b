"""Ranked precursor sets of one target: what planners return, and the exact scores by which evaluation finds ties."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice
from math import exp, fsum
from typing import Final, Protocol

from rrgraph.chem import Composition, anhydrous
from rrgraph.data import PrecursorSet
from rrgraph.errors import PlanningError
from rrgraph.planning.candidates import CandidateFilter
from rrgraph.planning.constraints import SetConstraints
from rrgraph.planning.search import ScoredSet, SetSearch

__all__ = ["EXAMINED", "SCALE", "Plan", "RankedSet", "Ranking", "SearchStop", "SetPlanner", "SetRanking"]

SCALE: Final = 2**48
"""Fixed point of exact scores: log probabilities and logits are rounded to multiples of 1 / `SCALE`."""

EXAMINED: Final = 1000
"""Most sets of one target that are examined for a condition that the search cannot use, such as balance."""


@dataclass(frozen=True, slots=True)
class RankedSet:
    """A precursor set with its score and probability.

    Attributes:
        precursors: the set, in the order of the candidates.
        score: what sets are ranked by, in natural logarithms: the log probability that the re-ranker gives to the set;
            without one the sum of log link probabilities (``product``), the sum of logits (``log_odds``) or the mean
            log link probability (``geometric``).
        probability: chance that this is the set reported in the literature, if there is a re-ranker; no more than an
            upper bound for sets behind those that it ranks. Otherwise the product of the link probabilities
            (Retro-Rank-In eq. 5), or the probability of a system that proposes sets, NaN if it has none.
        exact_score: `score` in fixed point; two sets of one target tie exactly when theirs are equal.
        indices: of the members among the planner's candidates, ascending.
    """

    precursors: PrecursorSet
    score: float
    probability: float
    exact_score: int
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SearchStop:
    """Where a search stopped at the limit of its work: every set that it did not find is worse than those that it did.

    Attributes:
        sets: number of sets found, which are the best ones by their links.
        score: no other set has a higher score by its links than this, the last one's; None if none was found.
    """

    sets: int
    score: float | None

    def describe(self, formula: str) -> str:
        """Return a clause for a message, without a full stop."""
        if self.score is None:
            return f"The search for precursor sets for {formula} is too large and found none"
        found = f"the best {self.sets} precursor sets" if self.sets > 1 else "the best precursor set"
        return (
            f"The search for {formula} is large and stopped after {found}; "
            f"others have a log score of at most {self.score:.3g} by their links"
        )


_NARROWER: Final = "--set-size, --candidates or --max-candidates"


@dataclass(frozen=True, slots=True)
class Plan:
    """The best precursor sets of one target.

    Attributes:
        target: the material to make.
        sets: distinct sets, best first; ties go to fewer members, then to earlier candidates.
        exhausted: whether these are all valid sets that exist.
        missing: needed elements, or required precursors, that no candidate can supply; there are no sets then.
        cut: whether the search ended because the first `EXAMINED` sets held no more that balance.
        none: with a re-ranker, the probability that none of the sets it ranks is the recorded one.
        hidden: better sets that are left out because they do not balance or must not be mixed; their probability counts
            for another set.
        stopped: where the search stopped, if it reached the limit of its work before it had found what was asked for.
    """

    target: Composition
    sets: tuple[RankedSet, ...]
    exhausted: bool
    missing: tuple[str, ...] = ()
    cut: bool = False
    none: float | None = None
    hidden: tuple[RankedSet, ...] = ()
    stopped: SearchStop | None = None

    @property
    def no_match(self) -> float | None:
        """With a re-ranker, the probability that another set than `sets` is the recorded one: what they leave to 1.

        Sets that the re-ranker ranks and that are not listed count for another set. Listed sets behind those that it
        ranks are not counted against it, since nothing scored them, so it is at least `none`.
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
            number, formula = f"Only {len(self)}" if self.sets else "None", self.target.formula
            return f"{number} of the {EXAMINED} best precursor sets for {formula} can be balanced and mixed."
        if self.stopped is not None:
            return f"{self.stopped.describe(self.target.formula)}; narrow {_NARROWER}."
        if not self.exhausted:
            return None
        number = {0: "No precursor set", 1: "Only 1 precursor set"}.get(len(self), f"Only {len(self)} precursor sets")
        verb = "satisfies" if len(self) < 2 else "satisfy"
        left_out = f"; {len(self.hidden)} cannot be balanced or must not be mixed" if self.hidden else ""
        return f"{number} for {self.target.formula} {verb} the constraints{left_out}."


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


class SetPlanner(ABC):
    """What ranks precursor sets: `Planner` by links, `ProposalPlanner` as a system proposes them.

    Args:
        candidates: precursors that may be used; of two spellings of one precursor the first is kept.
        constraints: which sets are valid.

    Attributes:
        candidates: the distinct ones, hydrates as their salts.
        hydrates: what was given for the salts that stand for it, by canonical key of the salt.

    Raises:
        PlanningError: the candidates do not fit the constraints.
    """

    def __init__(self, candidates: Sequence[Composition], constraints: SetConstraints | None = None) -> None:
        self.constraints = constraints or SetConstraints()
        self._filter = CandidateFilter(candidates, self.constraints)
        self.candidates = self._filter.candidates
        given: dict[str, Composition] = {}
        for each in (*self.constraints.materials, *candidates):
            given.setdefault(anhydrous(each).key, each)
        self.hydrates = {key: each for key, each in given.items() if each.key != key}

    def given(self, precursors: Iterable[Composition]) -> PrecursorSet:
        """Return a set as it was given to choose from: the hydrate where that is what stands in the jar."""
        if not self.hydrates and isinstance(precursors, PrecursorSet):
            return precursors
        return PrecursorSet([self.hydrates.get(each.key, each) for each in precursors])

    @abstractmethod
    def rankings(
        self, targets: Sequence[Composition], *, sizes: Sequence[int | None] | None = None
    ) -> Iterator[Ranking]:
        """Yield the lazy ranking of the valid sets of each target; arguments and errors are those of `plan`."""

    def plan(
        self, targets: Sequence[Composition], *, top_k: int = 10, sizes: Sequence[int | None] | None = None
    ) -> list[Plan]:
        """Return the `top_k` best sets of each target, fewer when fewer exist.

        Args:
            targets: materials to make.
            top_k: number of sets for each, at least 1.
            sizes: known set size of each target, None for those where the sizes of the constraints compete.

        Raises:
            PlanningError: `top_k` or a size is below 1, or the sizes are not as many as the targets.
            ScoreError: a score is NaN or infinite, or scores have a wrong shape.
        """
        if top_k < 1:
            raise PlanningError(f"top_k is {top_k}, expected at least 1.")
        return [ranking.plan(top_k) for ranking in self.rankings(targets, sizes=sizes)]


class SetRanking:
    """All valid sets of one target, best first, found only as far as they are asked for.

    Args:
        target: the material to make.
        search: the search over the feasible candidates.
        candidates: all candidates of the planner.
        indices: in `candidates`, of the candidates of the search, ascending.
        log_probabilities: of each candidate of the search.
        missing: see `Plan`.
        valid: a further condition on the sets that are listed; at most `EXAMINED` sets are examined for it.
        most: end after so many sets, None for no such limit.
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
        most: int | None = None,
    ) -> None:
        self.target, self.missing = target, missing
        self._search, self._candidates, self._indices = search, candidates, indices
        self._log_probabilities = log_probabilities
        self._valid = valid
        self._sets = _LazySets(search, most)
        self._head: _RerankedHead | None = None

    @property
    def work(self) -> int:
        """What the search holds so far, see `SetSearch`."""
        return self._search.work

    @property
    def candidate_indices(self) -> Sequence[int]:
        """Indices among the planner's candidates of those that sets are made of, ascending."""
        return self._indices

    def __iter__(self) -> Iterator[RankedSet]:
        examined = self.all_sets() if self._valid is None else islice(self.all_sets(), EXAMINED)
        return (ranked for ranked in examined if self.is_valid(ranked))

    def all_sets(self) -> Iterator[RankedSet]:
        """Yield the sets, best first, with those that are not listed."""
        for position in count():
            if (found := self._get(position)) is None:
                return
            yield self._ranked(found)

    def is_valid(self, ranked: RankedSet) -> bool:
        """Return whether a set may be listed."""
        return self._valid is None or self._valid(ranked.precursors)

    def plan(self, top_k: int) -> Plan:
        """Return the `top_k` best sets; it is exhausted when fewer, or exactly so many, exist."""
        sets: list[RankedSet] = []
        hidden: list[RankedSet] = []
        more = False
        for examined, ranked in enumerate(self.all_sets()):
            valid = self.is_valid(ranked)
            more = (valid and len(sets) == top_k) or (self._valid is not None and examined == EXAMINED)
            if more:
                break
            (sets if valid else hidden).append(ranked)
        stopped = self._sets.stop(SCALE * self._search.mean_scale)
        if stopped is not None and more and (self._head is None or stopped.sets > len(self._head.sets)):
            stopped = None  # it had found all that was asked for
        return Plan(
            target=self.target,
            sets=tuple(sets),
            exhausted=not more and stopped is None,
            missing=self.missing,
            cut=more and len(sets) < top_k,
            none=None if self._head is None else self._head.none,
            hidden=tuple(each for each in hidden if not sets or each.exact_score >= sets[-1].exact_score),
            stopped=stopped,
        )

    def head(self, number: int) -> list[tuple[int, ...]]:
        """Return the members of the first `number` sets, as indices among the planner's candidates."""
        return [self._members(places) for _, places in self._first(number)]

    def reranked(self, log_probabilities: Sequence[float], none: float) -> SetRanking:
        """Return the ranking in which a re-ranker has ranked the first sets.

        The other sets follow in their order, less probable than all of these.

        Args:
            log_probabilities: of each of the first sets.
            none: log probability that none of them is the recorded one.
        """
        ranking = copy(self)
        ranking._head = _RerankedHead.of(self._first(len(log_probabilities)), log_probabilities, none)
        return ranking

    def exact_score(self, precursors: PrecursorSet) -> int | None:
        """Return the exact score of any set, or None when it is not valid or has members that are not candidates."""
        places = [self._places.get(key) for key in precursors.keys]
        known = [place for place in places if place is not None]
        if len(known) < len(places) or not (self._valid is None or self._valid(precursors)):
            return None
        score = self._search.score(known)
        if score is None or self._head is None:
            return score
        return self._head.scores.get(tuple(sorted(known)), self._head.after(score))

    def ranked(self, precursors: PrecursorSet) -> RankedSet | None:
        """Return any set with its score and probability, or None as `exact_score`."""
        score = self.exact_score(precursors)
        if score is None:
            return None
        return self._ranked((score, tuple(sorted(self._places[key] for key in precursors.keys))))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {self._candidates[index].key: place for place, index in enumerate(self._indices)}

    def _get(self, position: int) -> ScoredSet | None:
        """Return the set at a position, from 0, or None when there are not as many."""
        found = self._sets.get(position)
        return found if found is None or self._head is None else self._head.at(position, found)

    def _first(self, number: int) -> list[ScoredSet]:
        """Return the first `number` sets, fewer when fewer exist."""
        if self._head is None:
            return self._sets.first(number)
        return [found for found in map(self._get, range(number)) if found is not None]

    def _members(self, places: Sequence[int]) -> tuple[int, ...]:
        return tuple(map(self._indices.__getitem__, places))

    def _precursors(self, places: Sequence[int]) -> PrecursorSet:
        return PrecursorSet([self._candidates[index] for index in self._members(places)])

    def _ranked(self, found: ScoredSet) -> RankedSet:
        exact_score, places = found
        scale = SCALE * self._search.mean_scale if self._head is None else SCALE
        score = exact_score / float(scale)
        return RankedSet(
            precursors=self._precursors(places),
            score=score,
            probability=exp(sum([self._log_probabilities[place] for place in places]) if self._head is None else score),
            exact_score=exact_score,
            indices=self._members(places),
        )


class _LazySets:
    """The sets of a search, best first, at most so many, found only as far as they are asked for."""

    def __init__(self, search: SetSearch, most: int | None) -> None:
        self._found: list[ScoredSet] = []
        self._search, self._most = search, most
        self._more = islice(search, most)

    def stop(self, scale: int) -> SearchStop | None:
        """Return where the search stopped although there may be more sets, None while it did not."""
        if not self._search.stopped and len(self._found) != self._most:
            return None
        return SearchStop(len(self._found), self._found[-1][0] / scale if self._found else None)

    def get(self, position: int) -> ScoredSet | None:
        """Return the set at a position, from 0, or None when there are not as many."""
        self._find(position + 1)
        return self._found[position] if position < len(self._found) else None

    def first(self, number: int) -> list[ScoredSet]:
        """Return the first `number` sets, fewer when fewer exist."""
        self._find(number)
        return self._found[:number]

    def _find(self, number: int) -> None:
        if number > len(self._found):
            self._found += islice(self._more, number - len(self._found))


@dataclass(frozen=True, slots=True)
class _RerankedHead:
    """The first sets of a ranking by the scores of a re-ranker.

    Attributes:
        sets: best first.
        scores: fixed-point log probability of each.
        lowest: the smallest of them, 0 if there is none.
        last: score by which the search found the last of them.
        none: probability that none of them is the recorded one.
    """

    sets: tuple[ScoredSet, ...]
    scores: dict[tuple[int, ...], int]
    lowest: int
    last: int
    none: float

    @classmethod
    def of(cls, head: Sequence[ScoredSet], log_probabilities: Sequence[float], none: float) -> _RerankedHead:
        scores = {places: round(log * SCALE) for (_, places), log in zip(head, log_probabilities, strict=True)}
        sets = sorted(((score, places) for places, score in scores.items()), key=lambda scored: -scored[0])
        return cls(tuple(sets), scores, min(scores.values(), default=0), head[-1][0] if head else 0, exp(none))

    def at(self, position: int, found: ScoredSet) -> ScoredSet:
        """Return the set at a position, where the search has `found` another."""
        return self.sets[position] if position < len(self.sets) else (self.after(found[0]), found[1])

    def after(self, score: int) -> int:
        """Return the score of a set behind the head: it falls off from the lowest as the search's own score does."""
        return self.lowest - 1 + min(score - self.last, 0)
