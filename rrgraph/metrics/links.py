"""Metrics of link scores over a grid of targets and candidates: ROC-AUC, average precision, MRR and Hits@k.

Ties are counted for (optimistic) and against (pessimistic) the recorded link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from rrgraph.errors import ScoreError

__all__ = ["HITS_AT", "EdgeMetrics", "RankType", "edge_metrics", "link_ranks"]

RankType = Literal["optimistic", "realistic", "pessimistic"]

HITS_AT: Final = (1, 3, 5, 10)


@dataclass(frozen=True)
class EdgeMetrics:
    """Quality of link scores on a grid of targets and candidates.

    A value that is not defined (all links are recorded, or none) is None and `reason` says why.

    Attributes:
        targets: number of targets with a recorded link.
        positives: number of recorded links.
        negatives: number of other pairs of the grid.
        roc_auc: area under the ROC curve over all pairs.
        average_precision: area under the precision-recall curve over all pairs, as a sum of steps.
        mrr: mean reciprocal rank over recorded links, by how ties are counted.
        hits: share of recorded links with a rank of at most k, by how ties are counted and by k.
        reason: why values are not defined, None if they are.
    """

    targets: int
    positives: int
    negatives: int
    roc_auc: float | None
    average_precision: float | None
    mrr: Mapping[RankType, float] | None
    hits: Mapping[RankType, Mapping[int, float]] | None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        hits = None if self.hits is None else {ties: _named(values) for ties, values in self.hits.items()}
        return {
            "targets": self.targets,
            "positives": self.positives,
            "negatives": self.negatives,
            "roc_auc": self.roc_auc,
            "average_precision": self.average_precision,
            "mrr": None if self.mrr is None else dict(self.mrr),
            "hits": hits,
            "reason": self.reason,
        }


def edge_metrics(
    scores: ArrayLike, positives: ArrayLike, *, ignore: ArrayLike | None = None, hits_at: Sequence[int] = HITS_AT
) -> EdgeMetrics:
    """Measure the scores of a grid of links.

    Args:
        scores: (targets, candidates), finite, higher for links that are more likely.
        positives: (targets, candidates), whether the link is recorded.
        ignore: (targets, candidates), pairs that are not counted, such as links known from training or candidates that
            were not considered.
        hits_at: the k of Hits@k.

    Raises:
        ScoreError: a score is NaN or infinite, or the shapes differ.
    """
    values, recorded, counted = _checked(scores, positives, ignore)
    found, total = int((recorded & counted).sum()), int(counted.sum())
    reason = None
    if not found:
        reason = "there is no recorded link in the grid"
    elif found == total:
        reason = "every link in the grid is recorded, so there are no negatives"
    mrr: dict[RankType, float] | None = None
    hits: dict[RankType, dict[int, float]] | None = None
    if reason is None:
        ranks = link_ranks(scores, positives, ignore=ignore)
        mrr = {ties: float(np.mean(1.0 / rank)) for ties, rank in ranks.items()}
        hits = {ties: {k: float(np.mean(rank <= k)) for k in hits_at} for ties, rank in ranks.items()}
    return EdgeMetrics(
        targets=int((recorded & counted).any(axis=1).sum()),
        positives=found,
        negatives=total - found,
        roc_auc=None if reason else float(roc_auc_score(recorded[counted], values[counted])),
        average_precision=None if reason else float(average_precision_score(recorded[counted], values[counted])),
        mrr=mrr,
        hits=hits,
        reason=reason,
    )


def link_ranks(
    scores: ArrayLike, positives: ArrayLike, *, ignore: ArrayLike | None = None
) -> dict[RankType, NDArray[np.float64]]:
    """Rank each recorded link among the candidates of its target that are not recorded ("filtered" ranks).

    Equal scores count for the link (optimistic: 1 + those above), against it (pessimistic: 1 + those above or
    equal), or half (realistic: the mean of both). Arguments and errors are those of `edge_metrics`.

    Returns:
        (positives,) ranks from 1, in row order, by how ties are counted.
    """
    values, recorded, counted = _checked(scores, positives, ignore)
    optimistic: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    pessimistic: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    for own, others in _by_target(values, recorded, counted):
        above = len(others) - np.searchsorted(others, own, side="right")
        above_or_equal = len(others) - np.searchsorted(others, own, side="left")
        optimistic.append(above + 1)
        pessimistic.append(above_or_equal + 1)
    best, worst = np.concatenate(optimistic).astype(np.float64), np.concatenate(pessimistic).astype(np.float64)
    return {"optimistic": best, "realistic": (best + worst) / 2, "pessimistic": worst}


def _by_target(
    values: NDArray[Any], recorded: NDArray[np.bool_], counted: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield the scores of the recorded links of each target, and those of its other candidates in order."""
    for row in range(len(values)):
        yield values[row, recorded[row] & counted[row]], np.sort(values[row, ~recorded[row] & counted[row]])


def _checked(
    scores: ArrayLike, positives: ArrayLike, ignore: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
    values, recorded = np.asarray(scores), np.asarray(positives, dtype=bool)
    counted = np.ones(recorded.shape, dtype=bool) if ignore is None else ~np.asarray(ignore, dtype=bool)
    if values.ndim != 2 or values.shape != recorded.shape or values.shape != counted.shape:
        raise ScoreError(
            f"Scores of shape {values.shape}, recorded links of shape {recorded.shape} and a mask of shape "
            f"{counted.shape} do not describe one grid of targets and candidates."
        )
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        raise ScoreError(
            f"The score of target {row + 1} and candidate {column + 1} is {values[row, column]}, "
            "expected a finite number."
        )
    return values, recorded, counted


def _named(values: Mapping[int, float]) -> dict[str, float]:
    return {str(k): value for k, value in values.items()}
