"""Metrics of ranks and probabilities: top-k accuracy, link metrics, calibration, bootstrap intervals."""

from rrgraph.metrics.accuracy import TOP_K, RowRanks, TopK, paired_accuracy, top_k_accuracy
from rrgraph.metrics.bootstrap import RESAMPLES, Interval, PairedDifference, mean_intervals, paired_bootstrap
from rrgraph.metrics.calibration import Calibration, ReliabilityBin, calibration
from rrgraph.metrics.links import EdgeMetrics, LinkScores, edge_metrics, link_ranks
from rrgraph.metrics.seeds import holm, seeded_difference

__all__ = [
    "RESAMPLES",
    "TOP_K",
    "Calibration",
    "EdgeMetrics",
    "Interval",
    "LinkScores",
    "PairedDifference",
    "ReliabilityBin",
    "RowRanks",
    "TopK",
    "calibration",
    "edge_metrics",
    "holm",
    "link_ranks",
    "mean_intervals",
    "paired_accuracy",
    "paired_bootstrap",
    "seeded_difference",
    "top_k_accuracy",
]
