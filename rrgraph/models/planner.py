"""A planner for what a person wishes: a trained model and constraints flow in, the planner that answers flows out.

Wishes do not change the literature: what they forbid still competes for probability.
"""

from __future__ import annotations

from collections.abc import Sequence

from rrgraph.chem import Composition, parse_formula
from rrgraph.data import preferred_spelling
from rrgraph.models.model import Model
from rrgraph.planning import LISTWISE, Planner, SetConstraints, known_size_mode

__all__ = ["constrained_planner", "default_mode"]


def default_mode(predictor: Model, *, told: bool = False) -> str:
    """Return what a model ranks sets by best, where their size is open or told; see `Planner`.

    Of models without a set scorer that is the product (Retro-Rank-In eq. 5) where the size is told.
    """
    usual = str(predictor.checkpoint.metadata.get("score_mode", "product"))
    return known_size_mode(usual) if told else usual


def constrained_planner(
    predictor: Model,
    wishes: SetConstraints | None = None,
    *,
    candidates: Sequence[Composition] | None = None,
    mode: str | None = None,
    max_candidates: int | None = None,
    told: bool = False,
) -> Planner:
    """Return a planner whose probabilities stay those of the literature, whatever is wished for.

    Sets of the model's whole vocabulary compete for probability, in mode ``listwise``, without being listed. So a set
    is no more probable because better ones are out of stock. A told size is no wish but knowledge, which they share.

    Args:
        predictor: the trained model.
        wishes: which sets are listed.
        candidates: precursors that may be used; None for the model's vocabulary and what is in stock, even if the
            model never met it. Give a list to keep the spelling of what it never met.
        mode: what sets are ranked by; None for what the model does best with.
        max_candidates: use only this many most probable candidates for each target.
        told: whether the sizes are known, and not merely wished for.

    Raises:
        PlanningError: the candidates do not fit the wishes.
    """
    wishes = wishes or SetConstraints()
    mode = mode or default_mode(predictor, told=told)
    usual = SetConstraints(sizes=wishes.sizes) if told else SetConstraints()
    free = wishes == usual and candidates is None and max_candidates is None
    if candidates is None:
        stock = sorted(wishes.stock or ())
        candidates = [*predictor.vocabulary, *(preferred_spelling(parse_formula(key)) for key in stock)]
    rivals = None if free or mode != LISTWISE else Planner(predictor, predictor.vocabulary, usual)
    return Planner(predictor, candidates, wishes, mode=mode, max_candidates=max_candidates, rivals=rivals)
