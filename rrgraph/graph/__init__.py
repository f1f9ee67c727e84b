"""The bipartite graph of targets and precursors, and what counting over it knows."""

from rrgraph.graph.build import EDGE, REVERSE_EDGE, ReactionGraph, build_graph, validate_graph
from rrgraph.graph.featurise import PADDING, featurise
from rrgraph.graph.statistics import ANION_CLASSES, STATISTICS, LinkStatistics, SystemCounts, anion_class

__all__ = [
    "ANION_CLASSES",
    "EDGE",
    "PADDING",
    "REVERSE_EDGE",
    "STATISTICS",
    "LinkStatistics",
    "ReactionGraph",
    "SystemCounts",
    "anion_class",
    "build_graph",
    "featurise",
    "validate_graph",
]
