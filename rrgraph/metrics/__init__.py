"""Metrics of ranks and probabilities: top-k accuracy, link metrics, calibration, bootstrap intervals."""

import rrgraph.metrics.definitions  # noqa: F401 - registers the metrics of rrgraph itself
from rrgraph.metrics.accuracy import ROW_GROUPS, TOP_K, RowRanks, TopK, paired_accuracy, top_k_accuracy
from rrgraph.metrics.bootstrap import RESAMPLES, Interval, PairedDifference, mean_intervals, paired_bootstrap
from rrgraph.metrics.calibration import Calibration, ReliabilityBin, calibration
from rrgraph.metrics.links import EdgeMetrics, LinkScores, edge_metrics, link_ranks
from rrgraph.metrics.registry import (
    METRIC_NAMES,
    METRICS,
    REPORTED,
    LinkMetric,
    Metric,
    RowMetric,
    SetMetric,
    find_metric,
    further_metrics,
    measured_links,
    measured_sets,
    metric_names,
)
from rrgraph.metrics.seeds import LEAST_P_VALUE, holm, seeded_difference
from rrgraph.metrics.sets import RankedLists

__all__ = [
    "LEAST_P_VALUE",
    "METRICS",
    "METRIC_NAMES",
    "REPORTED",
    "RESAMPLES",
    "ROW_GROUPS",
    "TOP_K",
    "Calibration",
    "EdgeMetrics",
    "Interval",
    "LinkMetric",
    "LinkScores",
    "Metric",
    "PairedDifference",
    "RankedLists",
    "ReliabilityBin",
    "RowMetric",
    "RowRanks",
    "SetMetric",
    "TopK",
    "calibration",
    "edge_metrics",
    "find_metric",
    "further_metrics",
    "holm",
    "link_ranks",
    "mean_intervals",
    "measured_links",
    "measured_sets",
    "metric_names",
    "paired_accuracy",
    "paired_bootstrap",
    "seeded_difference",
    "top_k_accuracy",
]
