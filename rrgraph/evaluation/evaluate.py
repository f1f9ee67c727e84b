"""Evaluation of a link scorer, or of a proposer of sets, by the ranked precursor sets of the planner."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.data import LearnedReactions, PrecursorSet, ReactionTable
from rrgraph.errors import ConfigError
from rrgraph.evaluation.metrics import Metrics, summarise
from rrgraph.evaluation.predictions import Prediction, write_predictions
from rrgraph.evaluation.protocols import Protocol, Ties
from rrgraph.evaluation.score import learned_rows, tie_rank, unseen_rows
from rrgraph.metrics import RESAMPLES, TOP_K, RankedLists, RowRanks, calibration
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
    variants: Sequence[LinkScorer | SetProposer] | None = None,
    constraints: SetConstraints | None = None,
    train_precursors: Container[str] | None = None,
    train_sets: Container[frozenset[str]] | None = None,
    learned: LearnedReactions | None = None,
    further: Sequence[str] = (),
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
        variants: what ranks the sets of each row in place of the system, such as a model in the row's atmosphere.
        constraints: further constraints, such as a stock list; sizes, cover and foreign elements are the protocol's.
        train_precursors: canonical keys of the precursors seen in training, for the metrics on unseen ones.
        train_sets: canonical keys of the members of each precursor set of the training rows, for the metric `novelty`.
        learned: what the system learned from, for the metrics on rows that it learned and on new ones.
        further: names of metrics beside the usual ones, such as `map_7`.
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
    of_rows = [system] * len(table) if variants is None else list(variants)
    rules, most = _merged(protocol, constraints), protocol.max_candidates
    planners = {
        key: planner_for(each, candidates, rules, mode=mode, max_candidates=most)
        for key, each in {id(each): each for each in (system, *of_rows)}.items()
    }
    outcomes: list[_Outcome] = []

    def planned() -> Iterator[Prediction]:
        ranked_rows = _ranked_rows([planners[id(each)] for each in of_rows], table, protocol, max_rank)
        for ranked, row in track(ranked_rows, "evaluate", total=len(table)):
            outcomes.append(_outcome(ranked, table, row, protocol, max_rank, train_sets))
            yield _prediction(ranked, table.targets[row])

    if predictions is None:
        for _ in planned():
            pass
    else:
        write_predictions(predictions, planned())
    rows = RowRanks(
        targets=[str(key) for key in table.target_keys],
        ranks=np.array([outcome.rank for outcome in outcomes], dtype=np.float64),
        row_ranks=np.array([outcome.row_rank for outcome in outcomes], dtype=np.float64),
        unseen=unseen_rows(table, train_precursors),
    )
    lists = _lists(outcomes, rows, new=train_sets is not None)
    return _summary(lists, rows, protocol, learned_rows(table, learned), further, resamples, seed)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The first sets of a target, the exact score of each valid recorded set by its keys, and how many are recorded."""

    first: tuple[RankedSet, ...]
    recorded: dict[frozenset[str], int]
    sets: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The result for a row; `listed` has of each of the first sets its probability and whether it is relevant, new."""

    rank: float
    row_rank: float
    reachable: bool
    relevant: int
    listed: tuple[tuple[float, bool, bool], ...]


def _merged(protocol: Protocol, constraints: SetConstraints | None) -> SetConstraints:
    rules = protocol.constraints()
    if constraints is None:
        return rules
    return replace(constraints, sizes=rules.sizes, cover=rules.cover, foreign=rules.foreign)


def _ranked_rows(
    planners: Sequence[SetPlanner], table: ReactionTable, protocol: Protocol, max_rank: int
) -> Iterator[tuple[_Ranked, int]]:
    """Yield each row with the first sets of its target by its planner, kept as long as a later row needs them."""
    known_size = protocol.set_size == "known"
    jobs = [
        (str(key), len(keys) if known_size else None, planner)
        for key, keys, planner in zip(table.target_keys, table.set_keys, planners, strict=True)
    ]
    first_row = {job: row for row, job in reversed(list(enumerate(jobs)))}
    order = sorted(first_row.values())
    rankings = {}
    for planner in dict.fromkeys(planners):
        own = [row for row in order if planners[row] is planner]
        rankings[planner] = planner.rankings([table.targets[row] for row in own], sizes=[jobs[row][1] for row in own])
    recorded: dict[str, dict[frozenset[str], PrecursorSet]] = {}
    for key, precursors in zip(table.target_keys, table.precursor_sets, strict=True):
        recorded.setdefault(str(key), {})[precursors.keys] = precursors
    uses = Counter(jobs)
    kept: dict[tuple[str, int | None, SetPlanner], _Ranked] = {}
    for row, job in enumerate(jobs):
        if job not in kept:
            kept[job] = _rank(next(rankings[job[2]]), recorded[job[0]].values(), max_rank)
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
    valid = {keys: score for keys, score in scores.items() if score is not None}
    return _Ranked(first=tuple(first), recorded=valid, sets=len(scores))


def _outcome(
    ranked: _Ranked,
    table: ReactionTable,
    row: int,
    protocol: Protocol,
    max_rank: int,
    train_sets: Container[frozenset[str]] | None,
) -> _Outcome:
    own = table.set_keys[row]
    own_score = ranked.recorded.get(own)
    own_set = {own: own_score} if own_score is not None else {}
    relevant = ranked.recorded if protocol.truth == "any" else own_set
    return _Outcome(
        rank=_best_rank(ranked.first, relevant, protocol.ties, max_rank),
        row_rank=_best_rank(ranked.first, own_set, protocol.ties, max_rank),
        reachable=own_score is not None,
        relevant=ranked.sets if protocol.truth == "any" else 1,
        listed=tuple(
            [
                (found.probability, found.precursors.keys in relevant, found.precursors.keys not in (train_sets or ()))
                for found in ranked.first[:MAX_RANK]
            ]
        ),
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


def _lists(outcomes: Sequence[_Outcome], rows: RowRanks, *, new: bool) -> RankedLists:
    shape = len(outcomes), MAX_RANK
    probabilities, relevant, novel = np.full(shape, np.nan), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for row, outcome in enumerate(outcomes):
        for place, entry in enumerate(outcome.listed):
            probabilities[row, place], relevant[row, place], novel[row, place] = entry
    return RankedLists(
        ranks=rows.ranks,
        relevant=relevant,
        probabilities=probabilities,
        relevant_sets=np.array([outcome.relevant for outcome in outcomes], dtype=np.int64),
        reachable=np.array([outcome.reachable for outcome in outcomes], dtype=bool),
        new=novel if new else None,
    )


def _summary(
    lists: RankedLists,
    rows: RowRanks,
    protocol: Protocol,
    learned: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None,
    further: Sequence[str],
    resamples: int,
    seed: int,
) -> Metrics:
    assert lists.probabilities is not None and lists.relevant is not None and lists.reachable is not None
    given = ~np.isnan(lists.probabilities)
    first = given[:, 0]
    return summarise(
        protocol,
        rows,
        lists=lists,
        reachable=float(lists.reachable.mean()) if len(first) else None,
        calibration=calibration(lists.probabilities[first, 0], lists.relevant[first, 0]) if first.any() else None,
        listed_calibration=calibration(lists.probabilities[given], lists.relevant[given]) if given.any() else None,
        learned=learned,
        further=further,
        resamples=resamples,
        seed=seed,
    )
