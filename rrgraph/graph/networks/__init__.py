"""Networks of precursors: what is used together, what takes whose place, and the graph both come from.

Reaction tables flow in; networkx graphs, tables of pairs, odds and shares by year flow out.
"""

from rrgraph.graph.networks.cooccurrence import NULL_MODELS, PairStatistics, cooccurrence_graph, pair_statistics
from rrgraph.graph.networks.export import FORMATS, check_format, write_graph, write_rows
from rrgraph.graph.networks.heuristics import bipartite_scores, pair_scores
from rrgraph.graph.networks.null_model import NullCounts, RandomSets, benjamini_hochberg, swap_counts
from rrgraph.graph.networks.projections import (
    Links,
    bipartite_graph,
    precursor_projection,
    target_links,
    target_projection,
)
from rrgraph.graph.networks.records import UNITS, ReactionRecords, reaction_records
from rrgraph.graph.networks.snapshots import kind_shares, of_years
from rrgraph.graph.networks.structure import COMMUNITIES, add_structure, edge_weight, find_communities
from rrgraph.graph.networks.substitution import (
    Odds,
    Substitution,
    find_substitutions,
    substitution_graph,
    substitution_rows,
)

__all__ = [
    "COMMUNITIES",
    "FORMATS",
    "NULL_MODELS",
    "UNITS",
    "Links",
    "NullCounts",
    "Odds",
    "PairStatistics",
    "RandomSets",
    "ReactionRecords",
    "Substitution",
    "add_structure",
    "benjamini_hochberg",
    "bipartite_graph",
    "bipartite_scores",
    "check_format",
    "cooccurrence_graph",
    "edge_weight",
    "find_communities",
    "find_substitutions",
    "kind_shares",
    "of_years",
    "pair_scores",
    "pair_statistics",
    "precursor_projection",
    "reaction_records",
    "substitution_graph",
    "substitution_rows",
    "swap_counts",
    "target_links",
    "target_projection",
    "write_graph",
    "write_rows",
]
