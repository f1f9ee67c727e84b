"""Metrics of link scores: ROC-AUC, average precision, MRR and Hits@k.

Ties are counted for (optimistic) and against (pessimistic) the recorded link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from rrgraph.errors import ScoreError

__all__ = ["HITS_AT", "EdgeMetrics", "LinkScores", "RankType", "edge_metrics", "link_ranks"]

RankType = Literal["optimistic", "realistic", "pessimistic"]

HITS_AT: Final = (1, 3, 5, 10)


@dataclass(frozen=True, eq=False)
class LinkScores:
    """The scores of links, and which of them are recorded.

    Attributes:
        targets: (links,) int64, index of the target of each link.
        scores: (links,) finite, higher for links that are more likely; the logits, for metrics of probabilities.
        recorded: (links,) bool.

    Raises:
        ScoreError: a score is NaN or infinite, or the lengths differ.
    """

    targets: NDArray[np.int64]
    scores: NDArray[np.float64]
    recorded: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.scores.ndim != 1 or not self.targets.shape == self.scores.shape == self.recorded.shape:
            raise ScoreError(
                f"Targets, scores and recorded links have shapes {self.targets.shape}, {self.scores.shape} and "
                f"{self.recorded.shape}, expected one value a link in each."
            )
        bad = np.flatnonzero(~np.isfinite(self.scores))
        if len(bad):
            raise ScoreError(
                f"The score of a link of target {self.targets[bad[0]] + 1} is {self.scores[bad[0]]}, "
                "expected a finite number."
            )

    @classmethod
    def of_grid(cls, scores: ArrayLike, recorded: ArrayLike, *, ignore: ArrayLike | None = None) -> Self:
        """Return the links of all targets to all candidates.

        Args:
            scores: (targets, candidates).
            recorded: (targets, candidates), whether the link is recorded.
            ignore: (targets, candidates), pairs that are left out, such as links known from training.

        Raises:
            ScoreError: a score is NaN or infinite, or the shapes differ.

        Example:
            >>> links = LinkScores.of_grid([[3.0, 2.0, 1.0]], [[False, True, False]])
            >>> edge_metrics(links).mrr["realistic"]
            0.5
        """
        values, positives = np.asarray(scores, dtype=np.float64), np.asarray(recorded, dtype=bool)
        counted = np.ones(positives.shape, dtype=bool) if ignore is None else ~np.asarray(ignore, dtype=bool)
        if values.ndim != 2 or not values.shape == positives.shape == counted.shape:
            raise ScoreError(
                f"Scores of shape {values.shape}, recorded links of shape {positives.shape} and a mask of shape "
                f"{counted.shape} do not describe one grid of targets and candidates."
            )
        return cls(np.nonzero(counted)[0], values[counted], positives[counted])

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """(links,) the logistic function of the scores."""
        return np.asarray(np.exp(-np.logaddexp(0.0, -self.scores)))

    @cached_property
    def ranks(self) -> dict[RankType, NDArray[np.float64]]:
        """See `link_ranks`."""
        return link_ranks(self)

    @cached_property
    def roc_auc(self) -> float | None:
        """Area under the ROC curve, None where it is not defined."""
        return None if self.undefined else float(roc_auc_score(self.recorded, self.scores))

    @cached_property
    def average_precision(self) -> float | None:
        """Area under the precision-recall curve as a sum of steps, None where it is not defined."""
        return None if self.undefined else float(average_precision_score(self.recorded, self.scores))

    @property
    def undefined(self) -> str | None:
        """Why metrics of ranks are not defined, None if they are."""
        if not self.recorded.any():
            return "there is no recorded link in the grid"
        return "every link in the grid is recorded, so there are no negatives" if self.recorded.all() else None


@dataclass(frozen=True)
class EdgeMetrics:
    """Quality of link scores on the pairs of targets and candidates.

    A value that is not defined (all links are recorded, or none) is None and `reason` says why.

    Attributes:
        targets: number of targets with a recorded link.
        positives: number of recorded links.
        negatives: number of other pairs.
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


def edge_metrics(links: LinkScores, *, hits_at: Sequence[int] = HITS_AT) -> EdgeMetrics:
    """Measure the scores of links; `hits_at` are the k of Hits@k."""
    found, reason = int(links.recorded.sum()), links.undefined
    mrr: dict[RankType, float] | None = None
    hits: dict[RankType, dict[int, float]] | None = None
    if reason is None:
        mrr = {ties: float(np.mean(1.0 / rank)) for ties, rank in links.ranks.items()}
        hits = {ties: {k: float(np.mean(rank <= k)) for k in hits_at} for ties, rank in links.ranks.items()}
    return EdgeMetrics(
        targets=len(np.unique(links.targets[links.recorded])),
        positives=found,
        negatives=len(links.scores) - found,
        roc_auc=links.roc_auc,
        average_precision=links.average_precision,
        mrr=mrr,
        hits=hits,
        reason=reason,
    )


def link_ranks(links: LinkScores) -> dict[RankType, NDArray[np.float64]]:
    """Rank each recorded link among the candidates of its target that are not recorded ("filtered" ranks).

    Equal scores count for the link (optimistic: 1 + those above), against it (pessimistic: 1 + those above or
    equal), or half (realistic: the mean of both).

    Returns:
        (positives,) ranks from 1, in the order of the links, by how ties are counted.
    """
    distinct, level = np.unique(links.scores, return_inverse=True)
    # One sorted list holds the scores of all targets, one behind the other.
    key = links.targets * len(distinct) + level
    others, own = np.sort(key[~links.recorded]), key[links.recorded]
    last = np.searchsorted(others, (links.targets[links.recorded] + 1) * len(distinct))
    best = (last - np.searchsorted(others, own, side="right") + 1).astype(np.float64)
    worst = (last - np.searchsorted(others, own, side="left") + 1).astype(np.float64)
    return {"optimistic": best, "realistic": (best + worst) / 2, "pessimistic": worst}


def _named(values: Mapping[int, float]) -> dict[str, float]:
    return {str(k): value for k, value in values.items()}
