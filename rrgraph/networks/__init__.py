"""Networks of precursors: co-occurrence, substitution, projections, structure, forecasts, figures and a page.

Reaction records come from a table or the name of one; graphs are networkx graphs and can be written for other programs.
networkx and matplotlib are loaded when a function needs them.

    >>> from rrgraph import networks
    >>> records = networks.reaction_records("textbook", clean=True)
    >>> pairs = networks.pair_statistics(records)
    >>> graph = networks.cooccurrence_graph(pairs, min_count=3)
    >>> networks.add_structure(graph)
    >>> max(graph.nodes, key=lambda formula: graph.nodes[formula]["pagerank"])
    'Li2CO3'
    >>> substitution = networks.find_substitutions(records)[0]
    >>> substitution.element, substitution.first, substitution.second
    ('Li', 'Li2CO3', 'LiOH')
"""

from rrgraph.networks.cooccurrence import NULL_MODELS, PairStatistics, cooccurrence_graph, pair_statistics
from rrgraph.networks.export import FORMATS, check_format, graph_files, write_graph, write_rows
from rrgraph.networks.forecasts import FORECASTS, EdgeForecast, ForecastScore, forecast_edges, forecast_scores
from rrgraph.networks.heuristics import bipartite_scores, pair_scores
from rrgraph.networks.null_model import NullCounts, RandomSets, swap_counts
from rrgraph.networks.page import network_html
from rrgraph.networks.plots import NETWORK_FIGURES, NetworkFigure, draw_network_figures
from rrgraph.networks.projections import Links, bipartite_graph, precursor_projection, target_links, target_projection
from rrgraph.networks.records import UNITS, ReactionRecords, reaction_records
from rrgraph.networks.set_shifts import SetShifts, ShiftExplanation, explain_shifts, set_shifts
from rrgraph.networks.snapshots import class_shares, select_years
from rrgraph.networks.structure import COMMUNITIES, add_structure, edge_weight, find_communities
from rrgraph.networks.substitution import Odds, Substitution, find_substitutions, substitution_graph, substitution_rows

__all__ = [
    "COMMUNITIES",
    "FORECASTS",
    "FORMATS",
    "NETWORK_FIGURES",
    "NULL_MODELS",
    "UNITS",
    "EdgeForecast",
    "ForecastScore",
    "Links",
    "NetworkFigure",
    "NullCounts",
    "Odds",
    "PairStatistics",
    "RandomSets",
    "ReactionRecords",
    "SetShifts",
    "ShiftExplanation",
    "Substitution",
    "add_structure",
    "bipartite_graph",
    "bipartite_scores",
    "check_format",
    "class_shares",
    "cooccurrence_graph",
    "draw_network_figures",
    "edge_weight",
    "explain_shifts",
    "find_communities",
    "find_substitutions",
    "forecast_edges",
    "forecast_scores",
    "graph_files",
    "network_html",
    "pair_scores",
    "pair_statistics",
    "precursor_projection",
    "reaction_records",
    "select_years",
    "set_shifts",
    "substitution_graph",
    "substitution_rows",
    "swap_counts",
    "target_links",
    "target_projection",
    "write_graph",
    "write_rows",
]
