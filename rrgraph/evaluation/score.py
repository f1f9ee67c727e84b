"""Score the ranked predictions of any system against the recorded sets.

Predictions and the truth table flow in, row by row; out come the same `Metrics` as for our own planner.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from rrgraph.data import ReactionTable
from rrgraph.errors import DataError
from rrgraph.evaluation.metrics import Metrics, summarise
from rrgraph.evaluation.predictions import Prediction, read_predictions
from rrgraph.evaluation.protocols import Protocol, Ties
from rrgraph.metrics import RESAMPLES, RowRanks

__all__ = ["list_rank", "recorded_sets", "score_predictions", "tie_rank", "unseen_rows"]


def score_predictions(
    predictions: str | os.PathLike[str] | Iterable[Prediction],
    truth: ReactionTable,
    protocol: Protocol,
    *,
    train_precursors: Container[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Metrics:
    """Measure how high predictions rank the recorded sets.

    The lists are taken as they are: of the protocol's flags only `ties` (sets of equal score) and `truth` apply
    here, the others are the predicting system's to respect. `Metrics.reachable` is the share of rows whose
    recorded set is listed at all.

    Args:
        predictions: a predictions file, or predictions in memory; one for each row of `truth`, in order.
        truth: the recorded reactions.
        protocol: how ties count and which recorded sets are right.
        train_precursors: canonical keys of the precursors seen in training, for the metrics on unseen ones.
        resamples: number of bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        DataError: there are more or fewer predictions than rows, or a prediction is of another target.
    """
    lines = iter(predictions) if not isinstance(predictions, str | os.PathLike) else read_predictions(predictions)
    any_of = recorded_sets(truth)
    ranks, row_ranks = np.full(len(truth), np.inf), np.full(len(truth), np.inf)
    for row, prediction in enumerate(_aligned(lines, truth)):
        own = truth.set_keys[row]
        row_ranks[row] = list_rank(prediction, {own}, protocol.ties)
        recorded = any_of[truth.target_keys[row]] if protocol.truth == "any" else {own}
        ranks[row] = list_rank(prediction, recorded, protocol.ties)
    rows = RowRanks(
        targets=[str(key) for key in truth.target_keys],
        ranks=ranks,
        row_ranks=row_ranks,
        unseen=unseen_rows(truth, train_precursors),
    )
    reachable = float(np.isfinite(row_ranks).mean()) if len(truth) else None
    return summarise(protocol, rows, reachable=reachable, resamples=resamples, seed=seed)


def list_rank(prediction: Prediction, recorded: Container[frozenset[str]], ties: Ties) -> float:
    """Return the rank of the best recorded set in a list, see `tie_rank`; infinite when none is listed.

    Without scores the place in the list decides.
    """
    scores: Sequence[float] = prediction.scores or range(0, -len(prediction.sets), -1)
    right = [precursors.keys in recorded for precursors in prediction.sets]
    return tie_rank(scores[right.index(True)], scores, right, ties) if True in right else np.inf


def tie_rank(best: float, scores: Iterable[float], recorded: Iterable[bool], ties: Ties) -> float:
    """Return the rank of the best recorded set among ranked sets.

    Args:
        best: score of the best recorded set.
        scores: of the ranked sets.
        recorded: whether each ranked set is a recorded one; recorded sets do not tie against each other.
        ties: "optimistic" is 1 + the sets that score higher, "pessimistic" 1 + the others that score at least as high.
    """
    if ties == "optimistic":
        return 1 + sum(score > best for score in scores)
    return 1 + sum(score >= best and not hit for score, hit in zip(scores, recorded, strict=True))


def recorded_sets(table: ReactionTable) -> Mapping[str, set[frozenset[str]]]:
    """Return all sets that a table records for each target, by the target's canonical key."""
    recorded: dict[str, set[frozenset[str]]] = {}
    for target, keys in zip(table.target_keys, table.set_keys, strict=True):
        recorded.setdefault(str(target), set()).add(keys)
    return recorded


def unseen_rows(table: ReactionTable, train_precursors: Container[str] | None) -> NDArray[np.bool_] | None:
    """Return (rows,) whether a recorded set has a precursor unseen in training, None when that is not known."""
    if train_precursors is None:
        return None
    return np.array([any(key not in train_precursors for key in keys) for keys in table.set_keys], dtype=bool)


def _aligned(predictions: Iterator[Prediction], truth: ReactionTable) -> Iterator[Prediction]:
    """Yield predictions while they fit the rows of the truth table; complain about the first that does not."""
    done = 0
    for done, prediction in enumerate(islice(predictions, len(truth)), start=1):
        expected = truth.targets[done - 1]
        if prediction.target != expected:
            total = done + sum(1 for _ in predictions)
            if total != len(truth):
                raise DataError(_count_message(total, len(truth)))
            raise DataError(
                f"Row {done} of the predictions is for '{prediction.target}' "
                f"but the truth table has '{expected}' there."
            )
        yield prediction
    total = done + sum(1 for _ in predictions)
    if total != len(truth):
        raise DataError(_count_message(total, len(truth)))


def _count_message(predictions: int, rows: int) -> str:
    return (
        f"There are {predictions} predictions for {rows} rows of the truth table, expected one for each row, in order."
    )
