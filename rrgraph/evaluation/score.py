"""Metrics of the ranked predictions of any system, the same as for the planner of this package."""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rrgraph.data import LearnedReactions, ReactionTable
from rrgraph.errors import DataError
from rrgraph.evaluation.metrics import Metrics, summarise
from rrgraph.evaluation.predictions import Prediction, read_predictions
from rrgraph.evaluation.protocols import Protocol, Ties
from rrgraph.metrics import RESAMPLES, RowRanks

__all__ = [
    "learned_rows",
    "list_rank",
    "new_system_rows",
    "recorded_sets",
    "score_predictions",
    "tie_rank",
    "unseen_rows",
]


def score_predictions(
    predictions: str | os.PathLike[str] | Iterable[Prediction],
    table: ReactionTable,
    protocol: Protocol,
    *,
    train_precursors: Container[str] | None = None,
    learned: LearnedReactions | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Metrics:
    """Measure how high predictions rank the recorded sets.

    The lists are used unchanged: of the protocol's flags only `ties` (sets of equal score) and `truth` apply here;
    the predicting system has to follow the others. `Metrics.reachable` is the share of rows whose recorded set is
    listed.

    Args:
        predictions: a predictions file, or predictions in memory; one for each row of `table`, in order.
        table: the recorded reactions.
        protocol: how ties count and which recorded sets are relevant.
        train_precursors: canonical keys of the precursors seen in training, for the metrics on unseen ones.
        learned: what the system learned from, for the metrics on rows that it learned and on new ones.
        resamples: number of bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        DataError: there are more or fewer predictions than rows, or a prediction is for another target.
    """
    lines = iter(predictions) if not isinstance(predictions, str | os.PathLike) else read_predictions(predictions)
    recorded = recorded_sets(table)
    ranks, row_ranks = np.full(len(table), np.inf), np.full(len(table), np.inf)
    for row, prediction in enumerate(_aligned(lines, table)):
        own = table.set_keys[row]
        row_ranks[row] = list_rank(prediction, {own}, protocol.ties)
        relevant = recorded[table.target_keys[row]] if protocol.truth == "any" else {own}
        ranks[row] = list_rank(prediction, relevant, protocol.ties)
    rows = RowRanks(
        targets=[str(key) for key in table.target_keys],
        ranks=ranks,
        row_ranks=row_ranks,
        unseen=unseen_rows(table, train_precursors),
    )
    reachable = float(np.isfinite(row_ranks).mean()) if len(table) else None
    known = learned_rows(table, learned)
    return summarise(protocol, rows, reachable=reachable, learned=known, resamples=resamples, seed=seed)


def list_rank(prediction: Prediction, relevant: Container[frozenset[str]], ties: Ties) -> float:
    """Return the rank of the best relevant set in a list, see `tie_rank`; infinite if none is listed.

    Without scores the order of the list is the ranking.
    """
    scores: Sequence[float] = prediction.scores or range(0, -len(prediction.sets), -1)
    is_relevant = [precursors.keys in relevant for precursors in prediction.sets]
    return tie_rank(scores[is_relevant.index(True)], scores, is_relevant, ties) if True in is_relevant else np.inf


def tie_rank(best: float, scores: Iterable[float], is_relevant: Iterable[bool], ties: Ties) -> float:
    """Return the rank of the best relevant set among ranked sets.

    Args:
        best: score of the best relevant set.
        scores: of the ranked sets.
        is_relevant: whether each ranked set is relevant; relevant sets do not tie with each other.
        ties: "optimistic" is 1 + the sets with a higher score, "pessimistic" 1 + the irrelevant sets with at least
            the same score.
    """
    if ties == "optimistic":
        return 1 + sum(score > best for score in scores)
    return 1 + sum(score >= best and not relevant for score, relevant in zip(scores, is_relevant, strict=True))


def recorded_sets(table: ReactionTable) -> Mapping[str, set[frozenset[str]]]:
    """Return all recorded sets of each target of a table, by the target's canonical key."""
    recorded: dict[str, set[frozenset[str]]] = {}
    for target, keys in zip(table.target_keys, table.set_keys, strict=True):
        recorded.setdefault(str(target), set()).add(keys)
    return recorded


def unseen_rows(table: ReactionTable, train_precursors: Container[str] | None) -> NDArray[np.bool_] | None:
    """Return whether each recorded set has a precursor unseen in training, (rows,), None if not known."""
    if train_precursors is None:
        return None
    return np.array([any(key not in train_precursors for key in keys) for keys in table.set_keys], dtype=bool)


def new_system_rows(table: ReactionTable, train_systems: Collection[str] | None) -> NDArray[np.bool_] | None:
    """Return whether no training target has the elements of each target, (rows,), None if not known."""
    if train_systems is None:
        return None
    return ~np.isin(table.element_systems.astype(str), sorted(train_systems))


def learned_rows(
    table: ReactionTable, learned: LearnedReactions | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Return whether the target of each row was learned, and whether its reaction was, (rows,); None if not known."""
    return None if learned is None else (learned.has_targets(table), learned.has_reactions(table))


def _aligned(predictions: Iterator[Prediction], table: ReactionTable) -> Iterator[Prediction]:
    """Yield predictions while their targets are those of the table; raise `DataError` for the first that is not."""
    done = 0
    for done, prediction in enumerate(islice(predictions, len(table)), start=1):
        expected = table.targets[done - 1]
        if prediction.target != expected:
            total = done + sum(1 for _ in predictions)
            if total != len(table):
                raise DataError(_count_message(total, len(table)))
            raise DataError(
                f"Row {done} of the predictions is for '{prediction.target}', expected '{expected}' as in the table."
            )
        yield prediction
    total = done + sum(1 for _ in predictions)
    if total != len(table):
        raise DataError(_count_message(total, len(table)))


def _count_message(predictions: int, rows: int) -> str:
    return f"There are {predictions} predictions for {rows} rows of the table, expected one for each row, in order."
