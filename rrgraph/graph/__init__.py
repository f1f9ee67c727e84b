"""The bipartite graph of targets and precursors as `HeteroData`, with the frequency features of its links and sets."""

from rrgraph.graph.build import EDGE, REVERSE_EDGE, ReactionGraph, build_graph, validate_graph
from rrgraph.graph.cross_fitting import FOLDS, TrainingFolds, TrainingStatistics
from rrgraph.graph.elements import element_presence, source_presence
from rrgraph.graph.featurise import PADDING, featurise
from rrgraph.graph.frequencies import ANION_CLASSES, COUNTED, LinkCounts, anion_class
from rrgraph.graph.hetero import EdgeType, hetero_graph
from rrgraph.graph.link_features import OVERLAP, STATISTICS, UNRELATED, LinkStatistics
from rrgraph.graph.neighbours import NEAREST, KnownSystems
from rrgraph.graph.precursor_classes import KINDS, precursor_kind
from rrgraph.graph.set_balance import BALANCE, balance_sets
from rrgraph.graph.set_features import SET_STATISTICS, SetStatistics

__all__ = [
    "ANION_CLASSES",
    "BALANCE",
    "COUNTED",
    "EDGE",
    "FOLDS",
    "KINDS",
    "NEAREST",
    "OVERLAP",
    "PADDING",
    "REVERSE_EDGE",
    "SET_STATISTICS",
    "STATISTICS",
    "UNRELATED",
    "EdgeType",
    "KnownSystems",
    "LinkCounts",
    "LinkStatistics",
    "ReactionGraph",
    "SetStatistics",
    "TrainingFolds",
    "TrainingStatistics",
    "anion_class",
    "balance_sets",
    "build_graph",
    "element_presence",
    "featurise",
    "hetero_graph",
    "precursor_kind",
    "source_presence",
    "validate_graph",
]
