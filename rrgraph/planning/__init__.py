"""From links to precursor sets: candidate filter, exact k-best set search, planner, re-ranking, swaps.

A `Planner` scores the links of a target to the candidates that pass the `CandidateFilter` (`LinkScorer`), searches the
sets that are best by their links (`SetSearch`, lazily, `SetRanking`), and lets a `Reranker` rank the first of
them. There is no learning here and no torch; models, baselines and re-rankers plug in by the protocols.
"""

from rrgraph.lab import Stock, StockItem, incompatibility, read_candidates, read_stock
from rrgraph.planning.assembly import PRECEDENTS, plan_syntheses
from rrgraph.planning.candidates import (
    CandidateFilter,
    CandidateList,
    Feasible,
    TargetCandidates,
    generated_candidates,
    offered,
    offered_keys,
)
from rrgraph.planning.choices import CANDIDATE_WORDS, library_candidates, resolve_candidates
from rrgraph.planning.conditions import Conditions, ConditionSource, Interval
from rrgraph.planning.constraints import (
    MAX_SIZE,
    ElementCover,
    SetConstraints,
    SizeChoice,
    balanced_equation,
    can_be_made,
    read_sizes,
)
from rrgraph.planning.dopants import PlannedDopant
from rrgraph.planning.energies import (
    EnergyOrigin,
    EnergySource,
    FormationEnergy,
    ReactionEnergy,
    energies_needed,
    reaction_energy,
    read_formation_energies,
)
from rrgraph.planning.enumeration import SetProblem, enumerate_sets, search_sets, set_problem
from rrgraph.planning.planner import (
    LISTWISE,
    RANKING_MODES,
    LinkScorer,
    Planner,
    known_size_mode,
    link_planner,
    planner_for,
)
from rrgraph.planning.presentation import (
    PLAN_KEYS,
    PRECEDENT_HEADER,
    RIGHT_ALIGNED,
    plan_columns,
    plan_notes,
    plan_rows,
    plan_table,
    precedent_notes,
    precedent_table,
    precedent_title,
)
from rrgraph.planning.proposals import PROPOSED, Proposal, ProposalPlanner, ProposedRanking, SetProposer
from rrgraph.planning.ranking import SCALE, Plan, RankedSet, Ranking, SearchStop, SetPlanner, SetRanking
from rrgraph.planning.reranking import CandidateLists, Reranker
from rrgraph.planning.routes import Route, ranked_routes, read_routes
from rrgraph.planning.search import AGGREGATES, Aggregate, ScoredSet, SetSearch
from rrgraph.planning.swaps import SEARCHED, Swap, find_swaps, plan_with_swaps
from rrgraph.planning.synthesis import LiteratureSource, PlannedSet, SynthesisPlan

__all__ = [
    "AGGREGATES",
    "CANDIDATE_WORDS",
    "LISTWISE",
    "MAX_SIZE",
    "PLAN_KEYS",
    "PRECEDENTS",
    "PRECEDENT_HEADER",
    "PROPOSED",
    "RANKING_MODES",
    "RIGHT_ALIGNED",
    "SCALE",
    "SEARCHED",
    "Aggregate",
    "CandidateFilter",
    "CandidateList",
    "CandidateLists",
    "ConditionSource",
    "Conditions",
    "ElementCover",
    "EnergyOrigin",
    "EnergySource",
    "Feasible",
    "FormationEnergy",
    "Interval",
    "LinkScorer",
    "LiteratureSource",
    "Plan",
    "PlannedDopant",
    "PlannedSet",
    "Planner",
    "Proposal",
    "ProposalPlanner",
    "ProposedRanking",
    "RankedSet",
    "Ranking",
    "ReactionEnergy",
    "Reranker",
    "Route",
    "ScoredSet",
    "SearchStop",
    "SetConstraints",
    "SetPlanner",
    "SetProblem",
    "SetProposer",
    "SetRanking",
    "SetSearch",
    "SizeChoice",
    "Stock",
    "StockItem",
    "Swap",
    "SynthesisPlan",
    "TargetCandidates",
    "balanced_equation",
    "can_be_made",
    "energies_needed",
    "enumerate_sets",
    "find_swaps",
    "generated_candidates",
    "incompatibility",
    "known_size_mode",
    "library_candidates",
    "link_planner",
    "offered",
    "offered_keys",
    "plan_columns",
    "plan_notes",
    "plan_rows",
    "plan_syntheses",
    "plan_table",
    "plan_with_swaps",
    "planner_for",
    "precedent_notes",
    "precedent_table",
    "precedent_title",
    "ranked_routes",
    "reaction_energy",
    "read_candidates",
    "read_formation_energies",
    "read_routes",
    "read_sizes",
    "read_stock",
    "resolve_candidates",
    "search_sets",
    "set_problem",
]
