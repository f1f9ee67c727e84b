"""The re-ranker: it gives calibrated probabilities to the sets of a target that its links suggest.

Links score each precursor for itself; the re-ranker reads whole sets. `describe_sets` turns candidate lists into
`ListFeatures` (features.py): frequency features of sets, their links together, mass balance, reaction energy, and
on demand how oxygen balances, and that in a known atmosphere (redox.py). An
`EnsembleReranker` (reranker.py) adds the scores of a `ListwiseNetwork` (network.py), which reads a list at once and
also scores "another set", and of gradient-boosted trees, which read one set at a time, and divides by a temperature.
Both learn (training.py) from lists of the training targets in which nothing knows these targets (cross_fitting.py).
"""

from rrgraph.reranking.config import LEAST_TEMPERATURE, MOST_CANDIDATES, MOST_TEMPERATURE, RerankingConfig
from rrgraph.reranking.cross_fitting import (
    CrossFittedLists,
    held_out_logits,
    paper_weights,
    publication_weights,
    set_frequencies,
)
from rrgraph.reranking.explanation import Influence, influences
from rrgraph.reranking.features import (
    ATMOSPHERE,
    FEATURE_GROUPS,
    REDOX,
    Energies,
    ListFeatures,
    describe_sets,
    flat_columns,
    set_features,
)
from rrgraph.reranking.network import ListwiseNetwork, ListwiseNetworkConfig, list_log_softmax, recorded_log_probability
from rrgraph.reranking.reranker import EnsembleReranker, fit_temperature
from rrgraph.reranking.training import RerankingTask, TrainingLists, fit_trees

__all__ = [
    "ATMOSPHERE",
    "FEATURE_GROUPS",
    "LEAST_TEMPERATURE",
    "MOST_CANDIDATES",
    "MOST_TEMPERATURE",
    "REDOX",
    "CrossFittedLists",
    "Energies",
    "EnsembleReranker",
    "Influence",
    "ListFeatures",
    "ListwiseNetwork",
    "ListwiseNetworkConfig",
    "RerankingConfig",
    "RerankingTask",
    "TrainingLists",
    "describe_sets",
    "fit_temperature",
    "fit_trees",
    "flat_columns",
    "held_out_logits",
    "influences",
    "list_log_softmax",
    "paper_weights",
    "publication_weights",
    "recorded_log_probability",
    "set_features",
    "set_frequencies",
]
