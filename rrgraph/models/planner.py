"""Planners under a user's constraints whose probabilities stay those of the literature.

Constraints do not change the literature: sets that they forbid still compete for probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from rrgraph.chem import Composition, anhydrous
from rrgraph.models.candidate_prior import DiscountedLinks
from rrgraph.planning import (
    LISTWISE,
    CandidateList,
    LinkScorer,
    Planner,
    SetConstraints,
    Stock,
    known_size_mode,
    library_candidates,
    link_planner,
    offered,
    resolve_candidates,
)

if TYPE_CHECKING:
    from rrgraph.models.model import Model  # torch, which planning with a baseline does without

__all__ = ["candidate_list", "constrained_planner", "default_mode"]


def default_mode(predictor: Model, *, known_size: bool = False) -> str:
    """Return the ranking mode in which a model is best, where set sizes are unknown or known; see `RANKING_MODES`.

    Of models without a re-ranker that is the product (Retro-Rank-In eq. 5) where the size is known.
    """
    usual = str(predictor.checkpoint.metadata.get("score_mode", "product"))
    return known_size_mode(usual) if known_size else usual


def constrained_planner(
    predictor: Model,
    constraints: SetConstraints | None = None,
    *,
    candidates: Sequence[Composition] | None = None,
    mode: str | None = None,
    max_candidates: int | None = None,
    known_size: bool = False,
) -> Planner:
    """Return a planner whose probabilities stay those of the literature, whatever the constraints.

    With a re-ranker, sets of the default candidates compete for probability without being listed, or those of the
    vocabulary where other candidates are given. So a set is no more probable because better ones are out of stock. A
    known size is knowledge, which all competing sets share.

    Among the default candidates, unseen compounds of a target's own system are discounted (`DiscountedLinks`), unless
    the model has learned what candidates of each class are worth.

    Args:
        predictor: the trained model.
        constraints: which sets are listed.
        candidates: precursors that may be used; None for the default candidates (the model's vocabulary and the library
            of reagents) and what is in stock, even if the model never met it.
        mode: one of `RANKING_MODES`; None for the mode in which the model is best.
        max_candidates: use only this many most probable candidates for each target.
        known_size: whether the sizes are known, and not merely constrained.

    Raises:
        PlanningError: the candidates do not fit the constraints.
    """
    constraints = constraints or SetConstraints()
    mode = mode or default_mode(predictor, known_size=known_size)
    usual = SetConstraints(sizes=constraints.sizes) if known_size else SetConstraints()
    # What does not balance is ranked like the rest and then not listed, so it competes anyway.
    unlimited = constraints.stock is None and candidates is None and max_candidates is None
    free = unlimited and replace(constraints, balanced=False) == usual
    scorer: LinkScorer = predictor
    usual_candidates: Sequence[Composition] = offered(predictor.vocabulary)
    if candidates is None:
        scorer = predictor if predictor.knows_classes else DiscountedLinks(predictor)
        usual_candidates = _library_and(predictor.vocabulary)
        candidates = [*usual_candidates, *_stocked(constraints)]
    competing = None if free or mode != LISTWISE else Planner(scorer, usual_candidates, usual)
    # That somebody has a compound, or thinks of it, does not mean that it was ever used.
    candidates = offered(candidates)
    return link_planner(scorer, candidates, constraints, mode=mode, max_candidates=max_candidates, competing=competing)


def candidate_list(
    predictor: Model, choice: Stock, constraints: SetConstraints, targets: Sequence[Composition]
) -> Sequence[Composition] | None:
    """Return the candidates that a choice means, see `resolve_candidates`; None for all that can be used.

    What is in stock is a candidate even if the model never met it, and so is what is required beside generated ones.
    """
    if isinstance(choice, str) and choice == "all":
        return None
    required = constraints.spelled(constraints.required)
    return resolve_candidates(
        choice,
        [*map(anhydrous, predictor.vocabulary), *_stocked(constraints)],
        predictor.seen,
        every=[*_library_and(predictor.vocabulary), *_stocked(constraints)],
        targets=targets,
        required=required,
    )


@lru_cache(maxsize=2)
def _library_and(vocabulary: tuple[Composition, ...]) -> CandidateList:
    """Return the default candidates: the vocabulary of a model and the library of reagents."""
    return CandidateList.of(dict.fromkeys(map(anhydrous, [*vocabulary, *library_candidates()])))


def _stocked(constraints: SetConstraints) -> list[Composition]:
    return constraints.spelled(constraints.stock or ())
