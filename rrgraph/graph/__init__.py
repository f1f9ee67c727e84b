"""The bipartite graph of targets and precursors, and what counting over it knows."""

from rrgraph.graph.bipartite import EdgeType, bipartite_graph
from rrgraph.graph.build import EDGE, REVERSE_EDGE, ReactionGraph, build_graph, validate_graph
from rrgraph.graph.counts import ANION_CLASSES, COUNTED, LinkCounts, anion_class
from rrgraph.graph.elements import element_presence, source_presence
from rrgraph.graph.featurise import PADDING, featurise
from rrgraph.graph.folds import FOLDS, TrainingFolds, TrainingStatistics
from rrgraph.graph.neighbours import NEAREST, KnownSystems
from rrgraph.graph.set_balance import BALANCE, balance_sets
from rrgraph.graph.set_statistics import SET_STATISTICS, SetStatistics
from rrgraph.graph.statistics import OVERLAP, STATISTICS, UNRELATED, LinkStatistics

__all__ = [
    "ANION_CLASSES",
    "BALANCE",
    "COUNTED",
    "EDGE",
    "FOLDS",
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
    "bipartite_graph",
    "build_graph",
    "element_presence",
    "featurise",
    "source_presence",
    "validate_graph",
]
