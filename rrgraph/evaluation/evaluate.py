"""Evaluation of a link scorer, or of a proposer of sets, by the ranked precursor sets of the planner."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from math import isnan
from typing import Final

import numpy as np

from rrgraph.chem import Composition
from rrgraph.data import PrecursorSet, ReactionTable
from rrgraph.errors import ConfigError
from rrgraph.evaluation.metrics import Metrics, summarise
from rrgraph.evaluation.predictions import Prediction, write_predictions
from rrgraph.evaluation.protocols import Protocol, Ties
from rrgraph.evaluation.score import tie_rank, unseen_rows
from rrgraph.metrics import RESAMPLES, TOP_K, RowRanks, calibration
from rrgraph.planning import LinkScorer, RankedSet, Ranking, SetConstraints, SetPlanner, SetProposer, planner_for
from rrgraph.util.progress import track

__all__ = ["evaluate_planner"]

MAX_RANK: Final = max(TOP_K)
MAX_TIES: Final = 100


def evaluate_planner(
    system: LinkScorer | SetProposer,
    candidates: Sequence[Composition],
    table: ReactionTable,
    protocol: Protocol,
    *,
    mode: str = "product",
    constraints: SetConstraints | None = None,
    train_precursors: Container[str] | None = None,
    max_rank: int = MAX_RANK,
    predictions: str | os.PathLike[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Metrics:
    """Measure how high the planner ranks the recorded sets; rows are streamed.

    Rows of the same target (and the same known set size) are planned once. A recorded set that violates the protocol,
    or has a member that is not a candidate, has an infinite rank and is not `Metrics.reachable`.

    Args:
        system: gives the logits of links, or proposes sets.
        candidates: precursors that may be used.
        table: the recorded reactions.
        protocol: the rules.
        mode: what sets are ranked by, see `Planner`; does not apply to a system that proposes sets.
        constraints: further constraints, such as a stock list; sizes, cover and foreign elements are the protocol's.
        train_precursors: canonical keys of the precursors seen in training, for the metrics on unseen ones.
        max_rank: a larger rank counts as infinite; at least the largest k of the metrics.
        predictions: file for the first `max_rank` sets of each row and up to 100 more that tie with the last of
            them, so that `score_predictions` gives the same metrics.
        resamples: number of bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        ConfigError: `max_rank` is too small for the metrics.
        PlanningError: the mode is unknown, or constraints and candidates do not fit.
        ScoreError: the scorer returned NaN, an infinite value or a wrong shape.
    """
    if max_rank < MAX_RANK:
        raise ConfigError(f"max_rank is {max_rank}, expected at least {MAX_RANK}, the largest k of the metrics.")
    planner = planner_for(
        system,
        candidates,
        _merged(protocol, constraints),
        mode=mode,
        max_candidates=protocol.max_candidates,
    )
    outcomes: list[_Outcome] = []

    def planned() -> Iterator[Prediction]:
        for ranked, row in track(_ranked_rows(planner, table, protocol, max_rank), "evaluate", total=len(table)):
            outcomes.append(_outcome(ranked, table, row, protocol, max_rank))
            yield _prediction(ranked, table.targets[row])

    if predictions is None:
        for _ in planned():
            pass
    else:
        write_predictions(predictions, planned())
    return _summary(outcomes, table, protocol, train_precursors, resamples, seed)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The first sets of a target and the exact score of each valid recorded set, by its keys."""

    first: tuple[RankedSet, ...]
    recorded: dict[frozenset[str], int]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The result for a row; `listed` has the probability of each of the first sets, and whether it is relevant."""

    rank: float
    row_rank: float
    reachable: bool
    listed: tuple[tuple[float, bool], ...]


def _merged(protocol: Protocol, constraints: SetConstraints | None) -> SetConstraints:
    rules = protocol.constraints()
    if constraints is None:
        return rules
    return replace(constraints, sizes=rules.sizes, cover=rules.cover, foreign=rules.foreign)


def _ranked_rows(
    planner: SetPlanner, table: ReactionTable, protocol: Protocol, max_rank: int
) -> Iterator[tuple[_Ranked, int]]:
    """Yield each row with the first sets of its target; these are kept as long as a later row needs them."""
    known_size = protocol.set_size == "known"
    jobs = [
        (str(key), len(keys) if known_size else None)
        for key, keys in zip(table.target_keys, table.set_keys, strict=True)
    ]
    first_row = {job: row for row, job in reversed(list(enumerate(jobs)))}
    order = sorted(first_row.values())
    rankings = planner.rankings([table.targets[row] for row in order], sizes=[jobs[row][1] for row in order])
    recorded: dict[str, dict[frozenset[str], PrecursorSet]] = {}
    for key, precursors in zip(table.target_keys, table.precursor_sets, strict=True):
        recorded.setdefault(str(key), {})[precursors.keys] = precursors
    uses = Counter(jobs)
    kept: dict[tuple[str, int | None], _Ranked] = {}
    for row, job in enumerate(jobs):
        if job not in kept:
            kept[job] = _rank(next(rankings), recorded[job[0]].values(), max_rank)
        uses[job] -= 1
        yield (kept[job] if uses[job] else kept.pop(job)), row


def _rank(ranking: Ranking, recorded: Collection[PrecursorSet], max_rank: int) -> _Ranked:
    sets = iter(ranking)
    first = list(islice(sets, max_rank))
    if first:
        # Sets that tie with the last one are included, so that ties can be counted either way.
        worst = first[-1].exact_score
        first.extend(takewhile(lambda ranked: ranked.exact_score == worst, islice(sets, MAX_TIES + len(recorded))))
    scores = {precursors.keys: ranking.exact_score(precursors) for precursors in recorded}
    return _Ranked(first=tuple(first), recorded={keys: score for keys, score in scores.items() if score is not None})


def _outcome(ranked: _Ranked, table: ReactionTable, row: int, protocol: Protocol, max_rank: int) -> _Outcome:
    own = table.set_keys[row]
    own_score = ranked.recorded.get(own)
    own_set = {own: own_score} if own_score is not None else {}
    relevant = ranked.recorded if protocol.truth == "any" else own_set
    return _Outcome(
        rank=_best_rank(ranked.first, relevant, protocol.ties, max_rank),
        row_rank=_best_rank(ranked.first, own_set, protocol.ties, max_rank),
        reachable=own_score is not None,
        listed=tuple([(found.probability, found.precursors.keys in relevant) for found in ranked.first[:MAX_RANK]]),
    )


def _best_rank(first: Sequence[RankedSet], relevant: dict[frozenset[str], int], ties: Ties, max_rank: int) -> float:
    if not relevant:
        return np.inf
    scores = [ranked.exact_score for ranked in first]
    is_relevant = [ranked.precursors.keys in relevant for ranked in first]
    rank = tie_rank(max(relevant.values()), scores, is_relevant, ties)
    return rank if rank <= max_rank else np.inf


def _prediction(ranked: _Ranked, target: Composition) -> Prediction:
    return Prediction(
        target=target,
        sets=tuple([found.precursors for found in ranked.first]),
        scores=tuple([found.score for found in ranked.first]),
    )


def _summary(
    outcomes: Sequence[_Outcome],
    table: ReactionTable,
    protocol: Protocol,
    train_precursors: Container[str] | None,
    resamples: int,
    seed: int,
) -> Metrics:
    rows = RowRanks(
        targets=[str(key) for key in table.target_keys],
        ranks=np.array([outcome.rank for outcome in outcomes], dtype=np.float64),
        row_ranks=np.array([outcome.row_rank for outcome in outcomes], dtype=np.float64),
        unseen=unseen_rows(table, train_precursors),
    )
    tops = [outcome.listed[0] for outcome in outcomes if outcome.listed and not isnan(outcome.listed[0][0])]
    listed = [entry for outcome in outcomes for entry in outcome.listed if not isnan(entry[0])]
    return summarise(
        protocol,
        rows,
        reachable=float(np.mean([outcome.reachable for outcome in outcomes])) if outcomes else None,
        calibration=calibration(*zip(*tops, strict=True)) if tops else None,
        listed_calibration=calibration(*zip(*listed, strict=True)) if listed else None,
        resamples=resamples,
        seed=seed,
    )
