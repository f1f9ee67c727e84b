"""How links become sets: candidate filter, exact k-best set search, planner.

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
from rrgraph.planning.generated import TargetCandidates, generated_candidates
from rrgraph.planning.planner import LinkScorer, Planner
from rrgraph.planning.ranking import SCALE, Plan, RankedSet, SetRanking
from rrgraph.planning.search import MODES, ScoredSet, SetMode, SetSearch

__all__ = [
    "MODES",
    "SCALE",
    "CandidateFilter",
    "ElementCover",
    "Feasible",
    "FormationEnergy",
    "LinkScorer",
    "Plan",
    "Planner",
    "RankedSet",
    "ReactionEnergy",
    "ScoredSet",
    "SetConstraints",
    "SetMode",
    "SetRanking",
    "SetSearch",
    "TargetCandidates",
    "energies_needed",
    "generated_candidates",
    "reaction_energy",
    "read_candidates",
    "read_formation_energies",
]
