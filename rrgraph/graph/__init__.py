"""The bipartite graph of targets and precursors as `HeteroData`, with the frequency features of its links and sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rrgraph.graph.build import EDGE, REVERSE_EDGE, ReactionGraph, build_graph, validate_graph
from rrgraph.graph.columns import FEATURE_NODES, Column, GraphColumns
from rrgraph.graph.context import ContextGraph
from rrgraph.graph.cross_fitting import (
    FOLDS,
    ComputedFeatures,
    LinkFeatures,
    TrainingFeatures,
    TrainingFolds,
    complement_frequencies,
    training_features,
)
from rrgraph.graph.elements import ANION_CLASSES, anion_class, element_presence, source_presence
from rrgraph.graph.featurise import PADDING, featurise
from rrgraph.graph.frequencies import COUNTED, LinkCounts
from rrgraph.graph.hetero import EdgeType, hetero_graph
from rrgraph.graph.link_features import FREQUENCY_FEATURES, OVERLAP, UNRELATED, UNRELATED_LOGIT, FrequencyFeatures
from rrgraph.graph.messages import (
    KNOWN_EDGES,
    REACTION_EDGES,
    RECEIVED_EDGES,
    Edges,
    Messages,
    select_edges,
    used_sources,
)
from rrgraph.graph.neighbours import NEAREST, KnownSystems
from rrgraph.graph.precursor_classes import PRECURSOR_CLASSES, precursor_class
from rrgraph.graph.set_balance import BALANCE, balance_sets
from rrgraph.graph.set_features import SET_FREQUENCY_FEATURES, SetFrequencyFeatures
from rrgraph.graph.set_oxygen import OXYGEN_BALANCE, balance_oxygen
from rrgraph.graph.training_contexts import TrainingContexts

if TYPE_CHECKING:  # brings PyG, which takes a second to import
    from rrgraph.graph.inductive_split import InductiveSplit

__all__ = [
    "ANION_CLASSES",
    "BALANCE",
    "COUNTED",
    "EDGE",
    "FEATURE_NODES",
    "FOLDS",
    "FREQUENCY_FEATURES",
    "KNOWN_EDGES",
    "NEAREST",
    "OVERLAP",
    "OXYGEN_BALANCE",
    "PADDING",
    "PRECURSOR_CLASSES",
    "REACTION_EDGES",
    "RECEIVED_EDGES",
    "REVERSE_EDGE",
    "SET_FREQUENCY_FEATURES",
    "UNRELATED",
    "UNRELATED_LOGIT",
    "Column",
    "ComputedFeatures",
    "ContextGraph",
    "EdgeType",
    "Edges",
    "FrequencyFeatures",
    "GraphColumns",
    "InductiveSplit",
    "KnownSystems",
    "LinkCounts",
    "LinkFeatures",
    "Messages",
    "ReactionGraph",
    "SetFrequencyFeatures",
    "TrainingContexts",
    "TrainingFeatures",
    "TrainingFolds",
    "anion_class",
    "balance_oxygen",
    "balance_sets",
    "build_graph",
    "complement_frequencies",
    "element_presence",
    "featurise",
    "hetero_graph",
    "precursor_class",
    "select_edges",
    "source_presence",
    "training_features",
    "used_sources",
    "validate_graph",
]


def __getattr__(name: str) -> Any:
    if name != "InductiveSplit":
        raise AttributeError(f"module 'rrgraph.graph' has no attribute '{name}'")
    from rrgraph.graph.inductive_split import InductiveSplit

    globals()[name] = InductiveSplit
    return InductiveSplit
