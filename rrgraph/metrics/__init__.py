"""Metrics of ranks and probabilities: top-k accuracy, link metrics, calibration, bootstrap intervals."""

from rrgraph.metrics.accuracy import TOP_K, RowRanks, TopK, paired_accuracy, top_k_accuracy
from rrgraph.metrics.bootstrap import RESAMPLES, Interval, PairedDifference, mean_intervals, paired_bootstrap
from rrgraph.metrics.calibration import Calibration, ReliabilityBin, calibration
from rrgraph.metrics.links import EdgeMetrics, edge_metrics, link_ranks

__all__ = [
    "RESAMPLES",
    "TOP_K",
    "Calibration",
    "EdgeMetrics",
    "Interval",
    "PairedDifference",
    "ReliabilityBin",
    "RowRanks",
    "TopK",
    "calibration",
    "edge_metrics",
    "link_ranks",
    "mean_intervals",
    "paired_accuracy",
    "paired_bootstrap",
    "top_k_accuracy",
]
