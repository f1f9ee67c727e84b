"""The re-ranker of candidate sets: features, a listwise network, gradient-boosted trees, calibration."""

from rrgraph.reranking.config import SetTrainingConfig
from rrgraph.reranking.features import SetLists, describe_sets
from rrgraph.reranking.network import SetScorer, SetScorerConfig, list_log_softmax, right_log_probability
from rrgraph.reranking.ranker import SetRanker, fit_temperature
from rrgraph.reranking.task import SetTask
from rrgraph.reranking.trees import fit_trees

__all__ = [
    "SetLists",
    "SetRanker",
    "SetScorer",
    "SetScorerConfig",
    "SetTask",
    "SetTrainingConfig",
    "describe_sets",
    "fit_temperature",
    "fit_trees",
    "list_log_softmax",
    "right_log_probability",
]
