"""Evaluation: ranked precursor sets and link scores flow in; metrics with intervals and calibration flow out."""

from rrgraph.evaluation.accuracy import TOP_K, RowRanks, TopK, paired_accuracy, top_k_accuracy
from rrgraph.evaluation.bootstrap import Interval, PairedDifference, mean_intervals, paired_bootstrap
from rrgraph.evaluation.calibration import Calibration, ReliabilityBin, calibration
from rrgraph.evaluation.cooccurrence import CooccurrenceBaseline, masked_slots
from rrgraph.evaluation.edges import EdgeMetrics, edge_metrics, link_ranks
from rrgraph.evaluation.evaluate import evaluate_planner
from rrgraph.evaluation.later_edges import FORECASTS, EdgeForecast, ForecastScore, forecast_edges, forecast_scores
from rrgraph.evaluation.links import LinkMetrics, evaluate_links
from rrgraph.evaluation.materials import (
    CRABNET_MAE,
    PropertyComparison,
    PropertyScore,
    UncertaintyScore,
    class_accuracy,
    class_ranks,
    compare_properties,
    comparison_table,
    score_property,
)
from rrgraph.evaluation.metrics import Metrics, summarise, with_leads
from rrgraph.evaluation.predictions import Prediction, parse_prediction, read_predictions, write_predictions
from rrgraph.evaluation.protocols import PROTOCOLS, Protocol, read_protocol
from rrgraph.evaluation.prototypes import PrototypeBaseline
from rrgraph.evaluation.score import score_predictions
from rrgraph.evaluation.set_shifts import SetShifts, ShiftExplanation, explain_shifts, set_shifts
from rrgraph.evaluation.strata import GROUPINGS, Grouping, MeasuredRows, Strata, stratify, system_distances

__all__ = [
    "CRABNET_MAE",
    "FORECASTS",
    "GROUPINGS",
    "PROTOCOLS",
    "TOP_K",
    "Calibration",
    "CooccurrenceBaseline",
    "EdgeForecast",
    "EdgeMetrics",
    "ForecastScore",
    "Grouping",
    "Interval",
    "LinkMetrics",
    "MeasuredRows",
    "Metrics",
    "PairedDifference",
    "Prediction",
    "PropertyComparison",
    "PropertyScore",
    "Protocol",
    "PrototypeBaseline",
    "ReliabilityBin",
    "RowRanks",
    "SetShifts",
    "ShiftExplanation",
    "Strata",
    "TopK",
    "UncertaintyScore",
    "calibration",
    "class_accuracy",
    "class_ranks",
    "compare_properties",
    "comparison_table",
    "edge_metrics",
    "evaluate_links",
    "evaluate_planner",
    "explain_shifts",
    "forecast_edges",
    "forecast_scores",
    "link_ranks",
    "masked_slots",
    "mean_intervals",
    "paired_accuracy",
    "paired_bootstrap",
    "parse_prediction",
    "read_predictions",
    "read_protocol",
    "score_predictions",
    "score_property",
    "set_shifts",
    "stratify",
    "summarise",
    "system_distances",
    "top_k_accuracy",
    "with_leads",
    "write_predictions",
]
