"""Pretraining of the composition encoder on property tables: task, run, measurement, model card."""

from rrgraph.properties.pretraining.card import accuracy_table
from rrgraph.properties.pretraining.config import PretrainConfig, PropertyDataConfig, UserTable
from rrgraph.properties.pretraining.cooccurrence import CooccurrenceBaseline, masked_slots
from rrgraph.properties.pretraining.prototypes import PrototypeBaseline
from rrgraph.properties.pretraining.run import PretrainResult, pretrain_run
from rrgraph.properties.pretraining.scores import (
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
from rrgraph.properties.pretraining.settings import PretrainingConfig
from rrgraph.properties.pretraining.task import WEIGHTINGS, PretrainingTask

__all__ = [
    "CRABNET_MAE",
    "WEIGHTINGS",
    "CooccurrenceBaseline",
    "PretrainConfig",
    "PretrainResult",
    "PretrainingConfig",
    "PretrainingTask",
    "PropertyComparison",
    "PropertyDataConfig",
    "PropertyScore",
    "PrototypeBaseline",
    "UncertaintyScore",
    "UserTable",
    "accuracy_table",
    "class_accuracy",
    "class_ranks",
    "compare_properties",
    "comparison_table",
    "masked_slots",
    "pretrain_run",
    "score_property",
]
