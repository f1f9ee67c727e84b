"""From the links of a scorer to ranked precursor sets, which a re-ranker may rank again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.data import LinkBatch
from rrgraph.errors import PlanningError, ScoreError, suggestion
from rrgraph.planning.candidates import Feasible
from rrgraph.planning.constraints import SetConstraints, can_be_made
from rrgraph.planning.proposals import ProposalPlanner, SetProposer
from rrgraph.planning.ranking import SCALE, SetPlanner, SetRanking
from rrgraph.planning.reranking import FeasibleLinks, RankedByLinks, Reranker, rerank
from rrgraph.planning.search import AGGREGATES, SetSearch, check_aggregate
from rrgraph.util.collection import without_collection

__all__ = ["LISTWISE", "RANKING_MODES", "LinkScorer", "Planner", "known_size_mode", "link_planner", "planner_for"]

LISTWISE: Final = "listwise"
"""The ranking mode in which a re-ranker ranks the most probable sets by the product of their link probabilities."""

RANKING_MODES: Final = (*AGGREGATES, LISTWISE)
"""What commands and configurations call the ways to rank sets; see `link_planner`."""

_BATCH_SIZE: Final = 128
_BATCH_LINKS: Final = 2**16

_MOST_WORK: Final = 1_000_000
"""Limit of the work of one search, see `SetSearch`: some 3 s and 300 MB. Ordinary targets need a hundredth of it."""

_MANY_CANDIDATES: Final = 5000
_MANY_SETS: Final = 1200
"""Of more than `_MANY_CANDIDATES` only those are kept that can be in the `_MANY_SETS` best sets."""


class LinkScorer(ABC):
    """Anything that scores links."""

    reranker: Reranker | None = None
    """Ranks the sets that are made of its links; None for most scorers."""

    @abstractmethod
    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        """Return the logits of all links, (targets, candidates), finite."""

    def among(self, candidates: Sequence[Composition]) -> LinkScorer:
        """Return what scores links where these are the candidates: by default itself."""
        return self

    def link_logits(self, links: LinkBatch) -> NDArray[np.float64]:
        """Return the logits (links,) of some links, by default out of those of all.

        Raises:
            ScoreError: the scorer returned NaN, an infinite value or a wrong shape.
        """
        grid = np.asarray(self.logits(links.targets, links.candidates))
        if grid.shape != links.grid_shape:
            raise ScoreError(
                f"The scorer returned logits of shape {grid.shape} for {len(links.targets)} targets and "
                f"{len(links.candidates)} candidates."
            )
        if not np.isfinite(grid).all():  # also where the link is not needed: such a scorer cannot be trusted
            _checked(grid.ravel(), LinkBatch.grid(links.targets, links.candidates))
        return links.take(grid)


class Planner(SetPlanner):
    """Rank precursor sets for targets by the logits of their links; exact, see `SetSearch`.

    Args:
        scorer: gives the logits of links.
        candidates: precursors that may be used; of two spellings of one precursor the first is kept.
        constraints: which sets are valid.
        aggregate: how the score of a set follows from its links: ``product`` of their probabilities (Retro-Rank-In eq.
            5), the sum of their logits (``log_odds``), or the ``geometric`` mean of their probabilities over minimal
            covers, that is sets without a member that could be left out.
        reranker: ranks the first sets of each target by the probability of whole sets.
        max_candidates: use only this many most probable candidates for each target (and the required ones).
        competing: a planner with the same scorer whose sets compete for the re-ranker's probability without being
            listed. With one that has no constraints, what this one forbids makes no other set more probable.

    Raises:
        PlanningError: the aggregate is unknown, or the candidates do not fit the constraints.
    """

    def __init__(
        self,
        scorer: LinkScorer,
        candidates: Sequence[Composition],
        constraints: SetConstraints | None = None,
        *,
        aggregate: str = "product",
        reranker: Reranker | None = None,
        max_candidates: int | None = None,
        competing: Planner | None = None,
    ) -> None:
        check_aggregate(aggregate)
        if max_candidates is not None and max_candidates < 1:
            raise PlanningError(f"max_candidates is {max_candidates}, expected at least 1 or None for the whole pool.")
        super().__init__(candidates, constraints)
        self.scorer = scorer.among(candidates)
        self.aggregate = aggregate
        self.reranker = reranker
        self.max_candidates = max_candidates
        self.competing = competing

    def rankings(
        self, targets: Sequence[Composition], *, sizes: Sequence[int | None] | None = None
    ) -> Iterator[SetRanking]:
        """Yield the lazy ranking of all valid sets of each target; targets are scored in batches as they are asked for.

        Args and errors are those of `plan`.
        """
        sides = [self] if self.competing is None or self.reranker is None else [self, self.competing]
        return self._rankings(targets, [(each, each.constraints.allowed_sizes(len(targets), sizes)) for each in sides])

    def _rankings(
        self, targets: Sequence[Composition], sides: Sequence[tuple[Planner, Sequence[tuple[int, ...]]]]
    ) -> Iterator[SetRanking]:
        for start, feasible in _batches(targets, [planner for planner, _ in sides]):
            batch = slice(start, start + len(feasible[0]))
            scored = [
                (planner, planner._score(targets[batch], own), sizes[batch])
                for (planner, sizes), own in zip(sides, feasible, strict=True)
            ]
            first = 0
            while first < len(targets[batch]):
                with without_collection():
                    rankings = self._rank_some(targets[batch], scored, first)
                first += len(rankings)
                while rankings:
                    yield rankings.pop(0)

    def _rank_some(
        self,
        targets: Sequence[Composition],
        scored: Sequence[tuple[Planner, Sequence[FeasibleLinks], Sequence[tuple[int, ...]]]],
        first: int,
    ) -> list[SetRanking]:
        """Return the rankings of targets from the first one on, as many as large searches leave room for.

        The memory of large searches is freed before others begin.
        """
        found = [RankedByLinks(planner.candidates, [], [], []) for planner, _, _ in scored]
        for number in range(first, len(targets)):
            for known, (planner, links, sizes) in zip(found, scored, strict=True):
                ranking = planner._ranking(targets[number], links[number], sizes[number])
                known.add(links[number], ranking, known_size=len(sizes[number]) == 1)
            if self.reranker is not None and _head_work(found, self.reranker.candidates) > _MOST_WORK:
                break
        own = found[0].rankings
        return own if self.reranker is None else rerank(self.reranker, targets[first : first + len(own)], *found)

    def _ranking(self, target: Composition, links: FeasibleLinks, sizes: tuple[int, ...]) -> SetRanking:
        feasible, logits = links.feasible, links.logits
        log_probabilities = -np.logaddexp(0.0, -logits)
        scores = logits if self.aggregate == "log_odds" else log_probabilities
        fixed, most = [round(score) for score in (scores * SCALE).tolist()], None
        if len(fixed) > _MANY_CANDIDATES:
            kept, most = _best_of_each_mask(fixed, feasible, _MANY_SETS + sizes[-1]), _MANY_SETS
            feasible, log_probabilities = feasible.keep(kept), log_probabilities[kept]
            fixed = [fixed[place] for place in kept.tolist()]
        search = SetSearch(
            fixed,
            feasible.masks.tolist(),
            need=feasible.need,
            sizes=sizes,
            aggregate=self.aggregate,
            required=feasible.required,
            exclusive=feasible.exclusive,
            most_work=_MOST_WORK,
        )
        return SetRanking(
            target=target,
            search=search,
            candidates=self.candidates,
            indices=feasible.indices.tolist(),
            log_probabilities=log_probabilities.tolist(),
            missing=feasible.missing,
            valid=partial(can_be_made, target, byproducts=self.constraints.byproducts)
            if self.constraints.balanced
            else None,
            most=most,
        )

    def _score(self, targets: Sequence[Composition], feasible: Sequence[Feasible]) -> list[FeasibleLinks]:
        """Return the feasible links of a batch of targets, cut to the most probable candidates."""
        counts = [len(each.indices) for each in feasible]
        used, candidate_index = np.unique(np.concatenate([each.indices for each in feasible]), return_inverse=True)
        links = LinkBatch(
            targets,
            [self.candidates[index] for index in used.tolist()],
            target_index=np.repeat(np.arange(len(targets)), counts),
            candidate_index=candidate_index,
        )
        logits = np.split(self._link_logits(links), np.cumsum(counts)[:-1])
        return [self._most_probable(*each) for each in zip(feasible, logits, strict=True)]

    def _link_logits(self, links: LinkBatch) -> NDArray[np.float64]:
        """Return the checked logits (links,), out of those of all links unless few of them are needed."""
        if not len(links):
            return np.empty(0)
        few = 2 * len(links) < len(links.targets) * len(links.candidates)
        return _checked(self.scorer.link_logits(links) if few else LinkScorer.link_logits(self.scorer, links), links)

    def _most_probable(self, feasible: Feasible, logits: NDArray[np.float64]) -> FeasibleLinks:
        if self.max_candidates is None or len(logits) <= self.max_candidates:
            return FeasibleLinks(feasible, logits)
        best = np.argsort(-logits, kind="stable")[: self.max_candidates]
        places = np.union1d(best, np.array(feasible.required, dtype=np.int64))
        return FeasibleLinks(feasible.keep(places), logits[places])


def link_planner(
    scorer: LinkScorer,
    candidates: Sequence[Composition],
    constraints: SetConstraints | None = None,
    *,
    mode: str = "product",
    max_candidates: int | None = None,
    competing: Planner | None = None,
) -> Planner:
    """Return the planner that ranks sets in one of `RANKING_MODES`.

    ``listwise`` is the re-ranker of the scorer on the sets that are most probable by ``product``; every other mode is
    the aggregate of that name without a re-ranker. Args and errors are otherwise those of `Planner`.

    Raises:
        PlanningError: the mode is unknown, or needs a re-ranker that the scorer lacks.
    """
    if mode not in RANKING_MODES:
        raise PlanningError(
            f"Unknown ranking mode '{mode}', expected one of {', '.join(RANKING_MODES)}."
            f"{suggestion(mode, RANKING_MODES)}"
        )
    if mode == LISTWISE and scorer.reranker is None:
        raise PlanningError(f"The mode '{LISTWISE}' needs a model with a re-ranker, which this one lacks.")
    aggregate, reranker = ("product", scorer.reranker) if mode == LISTWISE else (mode, None)
    return Planner(
        scorer,
        candidates,
        constraints,
        aggregate=aggregate,
        reranker=reranker,
        max_candidates=max_candidates,
        competing=competing,
    )


def planner_for(
    system: LinkScorer | SetProposer,
    candidates: Sequence[Composition],
    constraints: SetConstraints | None = None,
    *,
    mode: str = "product",
    max_candidates: int | None = None,
) -> SetPlanner:
    """Return what ranks the sets of a system; `mode` and `max_candidates` mean nothing to one that proposes sets.

    Args and errors are those of `link_planner` and `ProposalPlanner`.
    """
    if isinstance(system, LinkScorer):
        return link_planner(system, candidates, constraints, mode=mode, max_candidates=max_candidates)
    return ProposalPlanner(system, candidates, constraints)


def known_size_mode(mode: str) -> str:
    """Return the mode where set sizes are known: probabilities, which need no comparison of sizes."""
    return mode if mode == LISTWISE else "product"


def _batches(targets: Sequence[Composition], planners: Sequence[Planner]) -> Iterator[tuple[int, list[list[Feasible]]]]:
    """Yield where each batch of targets begins, and for each planner the feasible candidates of its targets."""
    start, links = 0, 0
    feasible: list[list[Feasible]] = [[] for _ in planners]
    for number, target in enumerate(targets):
        own = [planner._filter.feasible(target) for planner in planners]
        added = sum(len(each.indices) for each in own)
        if feasible[0] and (number - start == _BATCH_SIZE or links + added > _BATCH_LINKS):
            yield start, feasible
            start, links, feasible = number, 0, [[] for _ in planners]
        for of_planner, each in zip(feasible, own, strict=True):
            of_planner.append(each)
        links += added
    if feasible[0]:
        yield start, feasible


def _head_work(sides: Sequence[RankedByLinks], number: int) -> int:
    """Find the first sets of the last target that was added; return the work of all searches."""
    for side in sides:
        side.rankings[-1].head(number)
    return sum(ranking.work for side in sides for ranking in side.rankings)


def _best_of_each_mask(scores: Sequence[int], feasible: Feasible, number: int) -> NDArray[np.int64]:
    """Return the positions of the best candidates of each mask, and of the required ones, ascending.

    A candidate behind as many better ones of its mask as a set has members, and n more, is in none of the n best sets.
    """
    kept = set(feasible.required)
    counts: dict[int, int] = {}
    masks = feasible.masks.tolist()
    for place in sorted(range(len(scores)), key=lambda place: -scores[place]):
        counts[masks[place]] = counts.get(masks[place], 0) + 1
        if counts[masks[place]] <= number:
            kept.add(place)
    return np.array(sorted(kept), dtype=np.int64)


def _checked(values: NDArray[np.float64], links: LinkBatch) -> NDArray[np.float64]:
    """Return logits in double precision; refuse those that would make a ranking meaningless."""
    logits = np.asarray(values, dtype=np.float64)
    if logits.shape != (len(links),):
        raise ScoreError(f"The scorer returned logits of shape {logits.shape} for {len(links)} links.")
    bad = np.flatnonzero(~np.isfinite(logits))
    if len(bad):
        target = links.targets[links.target_index[bad[0]]]
        candidate = links.candidates[links.candidate_index[bad[0]]]
        raise ScoreError(
            f"The logit of the link from {target.formula} to {candidate.formula} is {logits[bad[0]]}, "
            f"expected a finite number ({len(bad)} of {len(logits)} links are affected)."
        )
    return logits
