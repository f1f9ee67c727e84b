"""The bipartite graph of targets and precursors, and what counting over it knows."""

from rrgraph.graph.build import EDGE, REVERSE_EDGE, ReactionGraph, build_graph, validate_graph
from rrgraph.graph.featurise import PADDING, featurise
from rrgraph.graph.statistics import (
    ANION_CLASSES,
    COUNTED,
    STATISTICS,
    LinkStatistics,
    SystemCounts,
    anion_class,
    overlap,
    presence,
)

__all__ = [
    "ANION_CLASSES",
    "COUNTED",
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
    "overlap",
    "presence",
    "validate_graph",
]
