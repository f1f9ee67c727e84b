"""The metrics of rrgraph itself, registered by name."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from rrgraph.errors import ConfigError
from rrgraph.metrics.accuracy import TOP_K
from rrgraph.metrics.calibration import calibration
from rrgraph.metrics.links import LinkScores
from rrgraph.metrics.registry import METRICS, LinkMetric, RowMetric, SetMetric
from rrgraph.metrics.sets import RankedLists

_LISTED: Final = max(TOP_K)
_PROTOCOL = "by the protocol: for or against the relevant set"
_IN_ORDER = "in the order of the list (equal scores by formula)"
_HALF = "half for, half against the recorded link"


class _AtK(RowMetric):
    """A metric of the first k sets.

    Args:
        k: from 1 to 10, the sets that are kept of each row.
    """

    def __init__(self, *, k: int = _LISTED) -> None:
        if k > _LISTED:
            raise ConfigError(f"A metric of the first {k} sets is not available, expected at most {_LISTED}.")
        self.k = k


@METRICS.register("top")
class TopKAccuracy(_AtK):
    """Top-k exact-match accuracy."""

    description = "share of rows with a relevant set among the first k"
    source = "Retro-Rank-In section 4.1 (arXiv 2502.04289)"
    ties = _PROTOCOL

    def rows(self, lists: RankedLists) -> NDArray[np.float64]:
        return (lists.ranks <= self.k).astype(np.float64)


@METRICS.register("mrr")
class MeanReciprocalRank(RowMetric):
    """Mean reciprocal rank."""

    description = "mean reciprocal rank of the best relevant set, 0 beyond the tenth"
    source = "Voorhees, TREC-8 (1999)"
    ties = _PROTOCOL

    def rows(self, lists: RankedLists) -> NDArray[np.float64]:
        return np.where(lists.ranks <= _LISTED, 1.0 / lists.ranks, 0.0)


@METRICS.register("map")
class MeanAveragePrecision(_AtK):
    """Mean average precision of the first k sets."""

    description = "mean over rows of the precision at each relevant set among the first k, by the number that could be"
    source = "Manning, Raghavan and Schütze, Introduction to Information Retrieval (2008), eq. 8.8"
    ties = _IN_ORDER

    def rows(self, lists: RankedLists) -> NDArray[np.float64] | None:
        if lists.relevant is None or lists.relevant_sets is None:
            return None
        relevant = lists.relevant[:, : self.k]
        precision = relevant.cumsum(axis=1) / np.arange(1, relevant.shape[1] + 1)
        found: NDArray[np.float64] = (precision * relevant).sum(axis=1)
        found /= np.clip(lists.relevant_sets, 1, self.k)
        return found


@METRICS.register("ndcg")
class DiscountedGain(_AtK):
    """Normalised discounted cumulative gain of the first k sets."""

    description = "discounted gain of the relevant sets among the first k, by the largest that could be"
    source = "Järvelin and Kekäläinen, ACM TOIS 20, 422 (2002), with base 2"
    ties = _IN_ORDER

    def rows(self, lists: RankedLists) -> NDArray[np.float64] | None:
        if lists.relevant is None or lists.relevant_sets is None:
            return None
        relevant = lists.relevant[:, : self.k]
        discount = 1 / np.log2(np.arange(2, self.k + 2))
        best = np.concatenate([[0.0], np.cumsum(discount)])[np.clip(lists.relevant_sets, 1, self.k)]
        return np.asarray(relevant @ discount[: relevant.shape[1]] / best)


@METRICS.register("coverage")
class Coverage(RowMetric):
    """Share of rows that can be answered."""

    description = "share of rows whose own recorded set is among the competing ones, the ceiling of all accuracies"
    source = "syntheseus, best practice for single-step models (arXiv 2310.19796)"
    ties = "none"

    def rows(self, lists: RankedLists) -> NDArray[np.float64] | None:
        return None if lists.reachable is None else lists.reachable.astype(np.float64)


@METRICS.register("novelty")
class Novelty(_AtK):
    """Share of listed sets that are new."""

    description = "share of the first k sets that no training reaction uses, for whatever target"
    source = "Castells, Hurley and Vargas, Recommender Systems Handbook (2022), chapter 16"
    ties = _IN_ORDER

    def rows(self, lists: RankedLists) -> NDArray[np.float64] | None:
        if lists.new is None:
            return None
        new = lists.new[:, : self.k]
        return np.asarray(new.mean(axis=1)) if new.shape[1] else np.zeros(len(new))


def _calibration_error(probabilities: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> float:
    return calibration(probabilities, outcomes).ece_width


def _brier(probabilities: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> float:
    return calibration(probabilities, outcomes).brier


def _log_loss(probabilities: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> float:
    return float(log_loss(outcomes, probabilities, labels=[False, True]))


class _FirstProbability(SetMetric):
    """A metric of the probability of the first set, over the rows that have one."""

    direction = "minimize"
    ties = _IN_ORDER

    def measure(self, lists: RankedLists) -> float | None:
        if lists.probabilities is None or lists.relevant is None or not lists.probabilities.shape[1]:
            return None
        given = np.isfinite(lists.probabilities[:, 0])
        return self._error(lists.probabilities[given, 0], lists.relevant[given, 0]) if given.any() else None

    @staticmethod
    @abstractmethod
    def _error(probabilities: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> float:
        """Return how far probabilities are from outcomes."""


@METRICS.register("ece")
class CalibrationError(_FirstProbability):
    """Expected calibration error of the first set."""

    description = "expected calibration error of the first set's probability, ten bins of equal width"
    source = "Guo et al., ICML (2017), eq. 3"
    _error = staticmethod(_calibration_error)


@METRICS.register("brier")
class BrierScore(_FirstProbability):
    """Brier score of the first set."""

    description = "mean squared difference between the first set's probability and whether it is relevant"
    source = "Brier, Monthly Weather Review 78, 1 (1950)"
    _error = staticmethod(_brier)


@METRICS.register("log_loss")
class LogLoss(_FirstProbability):
    """Logarithmic loss of the first set."""

    description = "negative log likelihood of whether the first set is relevant, in nats"
    source = "Good, Journal of the Royal Statistical Society B 14, 107 (1952)"
    high = np.inf
    _error = staticmethod(_log_loss)


@METRICS.register("link_mrr")
class LinkReciprocalRank(LinkMetric):
    """Mean reciprocal rank of recorded links."""

    description = "mean reciprocal rank of recorded links among the candidates of their target that are not recorded"
    source = "Bordes et al., NeurIPS (2013), filtered"
    ties = _HALF

    def measure(self, links: LinkScores) -> float | None:
        return None if links.undefined else float(np.mean(1 / links.ranks["realistic"]))


@METRICS.register("link_hits")
class LinkHits(LinkMetric):
    """Hits@k of recorded links.

    Args:
        k: largest rank that counts.
    """

    description = "share of recorded links with a rank of at most k among the candidates that are not recorded"
    source = "Bordes et al., NeurIPS (2013), filtered"
    ties = _HALF

    def __init__(self, *, k: int = _LISTED) -> None:
        self.k = k

    def measure(self, links: LinkScores) -> float | None:
        return None if links.undefined else float(np.mean(links.ranks["realistic"] <= self.k))


@METRICS.register("link_roc_auc")
class LinkAreaUnderRoc(LinkMetric):
    """Area under the ROC curve of links."""

    description = "chance that a recorded link scores higher than another one, over all pairs"
    source = "Hanley and McNeil, Radiology 143, 29 (1982)"
    ties = _HALF

    def measure(self, links: LinkScores) -> float | None:
        return links.roc_auc


@METRICS.register("link_average_precision")
class LinkAveragePrecision(LinkMetric):
    """Average precision of links."""

    description = "area under the precision-recall curve of links, as a sum of steps"
    source = "Davis and Goadrich, ICML (2006)"
    ties = "together, as one step"

    def measure(self, links: LinkScores) -> float | None:
        return links.average_precision


class _LinkProbability(LinkMetric):
    """A metric of the probabilities of links."""

    direction = "minimize"
    ties = "none"

    def measure(self, links: LinkScores) -> float | None:
        return self._error(links.probabilities, links.recorded) if len(links.scores) else None

    @staticmethod
    @abstractmethod
    def _error(probabilities: NDArray[np.float64], outcomes: NDArray[np.bool_]) -> float:
        """Return how far probabilities are from outcomes."""


@METRICS.register("link_ece")
class LinkCalibrationError(_LinkProbability):
    """Expected calibration error of links."""

    description = "expected calibration error of link probabilities, ten bins of equal width"
    source = CalibrationError.source
    _error = staticmethod(_calibration_error)


@METRICS.register("link_brier")
class LinkBrierScore(_LinkProbability):
    """Brier score of links."""

    description = "mean squared difference between link probabilities and whether they are recorded"
    source = BrierScore.source
    _error = staticmethod(_brier)


@METRICS.register("link_log_loss")
class LinkLogLoss(_LinkProbability):
    """Logarithmic loss of links."""

    description = "negative log likelihood of the links, in nats"
    source = LogLoss.source
    high = np.inf
    _error = staticmethod(_log_loss)
