"""Evaluation of ranked precursor sets and link scores under a protocol, with intervals, calibration and subgroups."""

from rrgraph.evaluation.evaluate import evaluate_planner
from rrgraph.evaluation.links import LinkMetrics, evaluate_links
from rrgraph.evaluation.metrics import LearnedRows, Metrics, summarise, with_paired_differences
from rrgraph.evaluation.predictions import Prediction, parse_prediction, read_predictions, write_predictions
from rrgraph.evaluation.protocols import CANDIDATES, EARLIER_SIZES, PROTOCOLS, Protocol, read_protocol
from rrgraph.evaluation.score import new_system_rows, score_predictions
from rrgraph.evaluation.subgroups import (
    SUBGROUPINGS,
    MeasuredRows,
    Subgrouping,
    Subgroups,
    subgroup_accuracy,
    system_distances,
)

__all__ = [
    "CANDIDATES",
    "EARLIER_SIZES",
    "PROTOCOLS",
    "SUBGROUPINGS",
    "LearnedRows",
    "LinkMetrics",
    "MeasuredRows",
    "Metrics",
    "Prediction",
    "Protocol",
    "Subgrouping",
    "Subgroups",
    "evaluate_links",
    "evaluate_planner",
    "new_system_rows",
    "parse_prediction",
    "read_predictions",
    "read_protocol",
    "score_predictions",
    "subgroup_accuracy",
    "summarise",
    "system_distances",
    "with_paired_differences",
    "write_predictions",
]
