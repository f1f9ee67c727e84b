"""From link scores to ranked precursor sets: what a trained model and every pairwise baseline plug into.

Flows in: a scorer of (target, candidate) links, candidates and constraints. Flows out: one `Plan` a target, or the
lazy `SetRanking` behind it, which evaluation asks for exact scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.errors import PlanningError, ScoreError, suggestion
from rrgraph.planning.candidates import CandidateFilter, Feasible
from rrgraph.planning.constraints import SetConstraints, balances
from rrgraph.planning.ranking import SCALE, Plan, SetRanking
from rrgraph.planning.reranking import LISTWISE, Links, Searched, rerank
from rrgraph.planning.search import MODES, SetSearch

__all__ = ["RANKING_MODES", "LinkScorer", "Planner", "known_size_mode"]

RANKING_MODES: Final = (*MODES, LISTWISE)
"""What sets can be ranked by; see `Planner`."""

_CHUNK: Final = 128


def known_size_mode(mode: str) -> str:
    """Return what sets are ranked by where their size is told: probabilities, which need no comparison of sizes."""
    return mode if mode == LISTWISE else "product"


class LinkScorer(Protocol):
    """Anything that scores links.

    A scorer may also have a method ``pair_logits(targets, candidates, target_index, candidate_index)`` that returns
    the log-odds (pairs,) of single links; the planner then asks for no more than the links it needs. Mode ``listwise``
    needs a scorer with a second stage, see `Model.set_log_probabilities`.
    """

    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> np.ndarray:
        """Return the log-odds of each link, (targets, candidates), finite."""
        ...


class Planner:
    """Rank precursor sets for targets by the links a scorer believes in; exact, see `SetSearch`.

    Args:
        scorer: gives the log-odds of links.
        candidates: precursors that may be used; of two spellings of one precursor the first is kept.
        constraints: which sets are valid.
        mode: what sets are ranked by: ``product`` of the link probabilities (Retro-Rank-In eq. 5), the sum of
            their ``log_odds``, their ``geometric`` mean over minimal covers, that is sets without a member
            that could be left out, or ``listwise``, the probability that a second stage gives to each of the most
            probable sets by the product.
        max_candidates: use only this many most probable candidates for each target (and the required ones).
        rivals: in mode ``listwise``, a planner with the same scorer whose sets compete for probability without being
            listed. With one that knows no wishes, what this one forbids makes no other set more probable.

    Raises:
        PlanningError: the mode is unknown or needs a second stage that the scorer lacks, or the candidates do not fit
            the constraints.
    """

    def __init__(
        self,
        scorer: LinkScorer,
        candidates: Sequence[Composition],
        constraints: SetConstraints | None = None,
        *,
        mode: str = "product",
        max_candidates: int | None = None,
        rivals: Planner | None = None,
    ) -> None:
        if mode not in RANKING_MODES:
            raise PlanningError(
                f"Unknown set score mode '{mode}', expected one of {', '.join(RANKING_MODES)}."
                f"{suggestion(mode, RANKING_MODES)}"
            )
        if mode == LISTWISE and not getattr(scorer, "ranks_sets", False):
            raise PlanningError(f"The mode '{LISTWISE}' needs a model with a set scorer, which this one lacks.")
        if max_candidates is not None and max_candidates < 1:
            raise PlanningError(f"max_candidates is {max_candidates}, expected at least 1 or None for the whole pool.")
        self.scorer = scorer
        self.constraints = constraints or SetConstraints()
        self.mode = mode
        self.max_candidates = max_candidates
        self.rivals = rivals
        self._filter = CandidateFilter(candidates, self.constraints)
        self.candidates = self._filter.candidates

    def plan(
        self, targets: Sequence[Composition], *, top_k: int = 10, sizes: Sequence[int | None] | None = None
    ) -> list[Plan]:
        """Return the `top_k` best sets of each target, fewer when fewer exist.

        Args:
            targets: materials to make.
            top_k: number of sets for each, at least 1.
            sizes: told set size of each target, None for those where the sizes of the constraints compete.

        Raises:
            PlanningError: `top_k` or a size is below 1, or the sizes are not as many as the targets.
            ScoreError: the scorer returned NaN, an infinite value or a wrong shape.
        """
        if top_k < 1:
            raise PlanningError(f"top_k is {top_k}, expected at least 1.")
        return [ranking.plan(top_k) for ranking in self.rankings(targets, sizes=sizes)]

    def rankings(
        self, targets: Sequence[Composition], *, sizes: Sequence[int | None] | None = None
    ) -> Iterator[SetRanking]:
        """Yield the lazy ranking of all valid sets of each target; targets are scored in chunks as they are asked for.

        Args and errors are those of `plan`.
        """
        allowed = self.constraints.allowed_sizes(len(targets), sizes)
        rivals = None if self.rivals is None else self.rivals.constraints.allowed_sizes(len(targets), sizes)
        return self._rankings(targets, allowed, rivals)

    def _rankings(
        self,
        targets: Sequence[Composition],
        allowed: Sequence[tuple[int, ...]],
        rivals: Sequence[tuple[int, ...]] | None,
    ) -> Iterator[SetRanking]:
        for start in range(0, len(targets), _CHUNK):
            part = slice(start, start + _CHUNK)
            found = self._search(targets[part], allowed[part])
            if self.mode == LISTWISE:
                others = None
                if self.rivals is not None and rivals is not None:
                    others = self.rivals._search(targets[part], rivals[part])
                rerank(self.scorer, targets[part], found, others)
            yield from found.rankings

    def _search(self, targets: Sequence[Composition], allowed: Sequence[tuple[int, ...]]) -> Searched:
        """Return the links of some targets and the lazy rankings by them alone."""
        links = self._score(targets)
        rankings = [self._ranking(*each) for each in zip(targets, links, allowed, strict=True)]
        return Searched(self.candidates, links, rankings, told=[len(sizes) == 1 for sizes in allowed])

    def _ranking(self, target: Composition, links: Links, sizes: tuple[int, ...]) -> SetRanking:
        feasible, logits = links.feasible, links.logits
        log_probabilities = -np.logaddexp(0.0, -logits)
        scores = logits if self.mode == "log_odds" else log_probabilities
        search = SetSearch(
            [round(score) for score in (scores * SCALE).tolist()],
            feasible.masks.tolist(),
            need=feasible.need,
            sizes=sizes,
            mode="product" if self.mode == LISTWISE else self.mode,
            required=feasible.required,
            exclusive=feasible.exclusive,
        )
        return SetRanking(
            target=target,
            search=search,
            candidates=self.candidates,
            indices=feasible.indices.tolist(),
            log_probabilities=log_probabilities.tolist(),
            missing=feasible.missing,
            valid=partial(balances, target) if self.constraints.balanced else None,
        )

    def _score(self, targets: Sequence[Composition]) -> list[Links]:
        """Log-odds of the feasible links of a chunk of targets, cut to the most probable candidates."""
        feasible = [self._filter.feasible(target) for target in targets]
        counts = [len(each.indices) for each in feasible]
        rows = np.repeat(np.arange(len(targets)), counts)
        used, columns = np.unique(np.concatenate([each.indices for each in feasible]), return_inverse=True)
        candidates = [self.candidates[index] for index in used.tolist()]
        values = self._link_logits(targets, candidates, rows, columns) if len(rows) else np.empty(0)
        return [
            self._most_probable(each, logits)
            for each, logits in zip(feasible, np.split(values, np.cumsum(counts)[:-1]), strict=True)
        ]

    def _link_logits(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Log-odds (links,) of ``targets[rows]`` to ``candidates[columns]``, from single links when they are few."""
        pair_logits = getattr(self.scorer, "pair_logits", None)
        if pair_logits is not None and 2 * len(rows) < len(targets) * len(candidates):
            return _checked(pair_logits(targets, candidates, rows, columns), targets, candidates, rows, columns)
        grid = np.asarray(self.scorer.logits(targets, candidates))
        if grid.shape != (len(targets), len(candidates)):
            raise ScoreError(
                f"The scorer returned log-odds of shape {grid.shape} for {len(targets)} targets and "
                f"{len(candidates)} candidates."
            )
        if not np.isfinite(grid).all():  # also where the link is not needed: such a scorer cannot be trusted
            rows, columns = (places.ravel() for places in np.indices(grid.shape))
        return _checked(grid[rows, columns], targets, candidates, rows, columns)

    def _most_probable(self, feasible: Feasible, logits: NDArray[np.float64]) -> Links:
        if self.max_candidates is None or len(logits) <= self.max_candidates:
            return Links(feasible, logits)
        best = np.argsort(-logits, kind="stable")[: self.max_candidates]
        places = np.union1d(best, np.array(feasible.required, dtype=np.int64))
        return Links(feasible.keep(places), logits[places])


def _checked(
    values: NDArray[np.float64],
    targets: Sequence[Composition],
    candidates: Sequence[Composition],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the log-odds in double precision; refuse those that would make a ranking meaningless."""
    logits = np.asarray(values, dtype=np.float64)
    if logits.shape != rows.shape:
        raise ScoreError(f"The scorer returned log-odds of shape {logits.shape} for {len(rows)} links.")
    bad = np.flatnonzero(~np.isfinite(logits))
    if len(bad):
        target, candidate = targets[rows[bad[0]]], candidates[columns[bad[0]]]
        raise ScoreError(
            f"The log-odds of the link from {target.formula} to {candidate.formula} are {logits[bad[0]]}, "
            f"expected a finite number ({len(bad)} of {len(logits)} links are affected)."
        )
    return logits
