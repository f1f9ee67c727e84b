"""The re-ranker of candidate sets: features, a listwise network, gradient-boosted trees, calibration."""

from rrgraph.reranking.config import RerankingConfig
from rrgraph.reranking.features import CandidateLists, describe_sets
from rrgraph.reranking.network import ListwiseNetwork, ListwiseNetworkConfig, list_log_softmax, recorded_log_probability
from rrgraph.reranking.ranker import EnsembleReranker, fit_temperature
from rrgraph.reranking.task import RerankingTask
from rrgraph.reranking.trees import fit_trees

__all__ = [
    "CandidateLists",
    "EnsembleReranker",
    "ListwiseNetwork",
    "ListwiseNetworkConfig",
    "RerankingConfig",
    "RerankingTask",
    "describe_sets",
    "fit_temperature",
    "fit_trees",
    "list_log_softmax",
    "recorded_log_probability",
]
