"""How links become sets: candidate filter, exact k-best set search, planner, swaps of single precursors.

Flows in: a scorer of links, candidate precursors and constraints. Flows out: ranked precursor sets of each target.
"""

from rrgraph.planning.candidates import CandidateFilter, Feasible, read_candidates
from rrgraph.planning.constraints import ElementCover, SetConstraints
from rrgraph.planning.energies import (
    FormationEnergy,
    ReactionEnergy,
    energies_needed,
    reaction_energy,
    read_formation_energies,
)
from rrgraph.planning.enumeration import SetProblem, enumerate_sets, search_sets, set_problem
from rrgraph.planning.generated import TargetCandidates, generated_candidates
from rrgraph.planning.planner import RANKING_MODES, LinkScorer, Planner, known_size_mode
from rrgraph.planning.proposals import (
    PROPOSED,
    Proposal,
    ProposalPlanner,
    ProposedRanking,
    SetPlanner,
    SetProposer,
    planner_for,
)
from rrgraph.planning.ranking import SCALE, Plan, RankedSet, Ranking, SetRanking
from rrgraph.planning.reranking import LISTWISE
from rrgraph.planning.search import MODES, ScoredSet, SetMode, SetSearch
from rrgraph.planning.swaps import SEARCHED, Swap, find_swaps, plan_with_swaps
from rrgraph.planning.target_links import TargetLinks

__all__ = [
    "LISTWISE",
    "MODES",
    "PROPOSED",
    "RANKING_MODES",
    "SCALE",
    "SEARCHED",
    "CandidateFilter",
    "ElementCover",
    "Feasible",
    "FormationEnergy",
    "LinkScorer",
    "Plan",
    "Planner",
    "Proposal",
    "ProposalPlanner",
    "ProposedRanking",
    "RankedSet",
    "Ranking",
    "ReactionEnergy",
    "ScoredSet",
    "SetConstraints",
    "SetMode",
    "SetPlanner",
    "SetProblem",
    "SetProposer",
    "SetRanking",
    "SetSearch",
    "Swap",
    "TargetCandidates",
    "TargetLinks",
    "energies_needed",
    "enumerate_sets",
    "find_swaps",
    "generated_candidates",
    "known_size_mode",
    "plan_with_swaps",
    "planner_for",
    "reaction_energy",
    "read_candidates",
    "read_formation_energies",
    "search_sets",
    "set_problem",
]
