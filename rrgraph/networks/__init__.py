"""Networks of precursors: co-occurrence, substitution, projections, structure, forecasts, plots and a page."""

from rrgraph.networks.cooccurrence import NULL_MODELS, PairStatistics, cooccurrence_graph, pair_statistics
from rrgraph.networks.export import FORMATS, check_format, write_graph, write_rows
from rrgraph.networks.forecasts import FORECASTS, EdgeForecast, ForecastScore, forecast_edges, forecast_scores
from rrgraph.networks.heuristics import bipartite_scores, pair_scores
from rrgraph.networks.null_model import NullCounts, RandomSets, benjamini_hochberg, swap_counts
from rrgraph.networks.projections import Links, bipartite_graph, precursor_projection, target_links, target_projection
from rrgraph.networks.records import UNITS, ReactionRecords, reaction_records
from rrgraph.networks.set_shifts import SetShifts, ShiftExplanation, explain_shifts, set_shifts
from rrgraph.networks.snapshots import kind_shares, of_years
from rrgraph.networks.structure import COMMUNITIES, add_structure, edge_weight, find_communities
from rrgraph.networks.substitution import Odds, Substitution, find_substitutions, substitution_graph, substitution_rows

__all__ = [
    "COMMUNITIES",
    "FORECASTS",
    "FORMATS",
    "NULL_MODELS",
    "UNITS",
    "EdgeForecast",
    "ForecastScore",
    "Links",
    "NullCounts",
    "Odds",
    "PairStatistics",
    "RandomSets",
    "ReactionRecords",
    "SetShifts",
    "ShiftExplanation",
    "Substitution",
    "add_structure",
    "benjamini_hochberg",
    "bipartite_graph",
    "bipartite_scores",
    "check_format",
    "cooccurrence_graph",
    "edge_weight",
    "explain_shifts",
    "find_communities",
    "find_substitutions",
    "forecast_edges",
    "forecast_scores",
    "kind_shares",
    "of_years",
    "pair_scores",
    "pair_statistics",
    "precursor_projection",
    "reaction_records",
    "set_shifts",
    "substitution_graph",
    "substitution_rows",
    "swap_counts",
    "target_links",
    "target_projection",
    "write_graph",
    "write_rows",
]
