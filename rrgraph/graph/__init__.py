"""The bipartite graph of targets and precursors, what counting over it knows, and the networks of precursors in it.

The names of `rrgraph.graph.networks` can be imported from here too; networkx is loaded when one is asked for.
"""

from importlib import import_module
from typing import Any

from rrgraph.graph.build import EDGE, REVERSE_EDGE, ReactionGraph, build_graph, validate_graph
from rrgraph.graph.counts import ANION_CLASSES, COUNTED, LinkCounts, anion_class
from rrgraph.graph.elements import element_presence, source_presence
from rrgraph.graph.featurise import PADDING, featurise
from rrgraph.graph.folds import FOLDS, TrainingFolds, TrainingStatistics
from rrgraph.graph.hetero import EdgeType, hetero_graph
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
    "build_graph",
    "element_presence",
    "featurise",
    "hetero_graph",
    "source_presence",
    "validate_graph",
]


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        networks = import_module("rrgraph.graph.networks")
        if name in networks.__all__:
            return getattr(networks, name)
    raise AttributeError(f"module 'rrgraph.graph' has no attribute '{name}'")
