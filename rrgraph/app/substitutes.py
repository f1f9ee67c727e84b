"""What could replace each member of a precursor set, and at which cost in probability."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final, NamedTuple

from rrgraph.chem import Composition, anhydrous, source_elements
from rrgraph.data import PrecursorSet
from rrgraph.models import Model, constrained_planner
from rrgraph.planning import SetConstraints

__all__ = ["Substitute", "find_substitutes"]

_SEARCHED: Final = 400


class Substitute(NamedTuple):
    """One member exchanged for another.

    Attributes:
        replaced: the member that is taken out.
        by: what takes its place.
        precursors: the set that results.
        probability: of that set.
        uses: training targets that use the new member; 0 means never seen.
    """

    replaced: Composition
    by: Composition
    precursors: PrecursorSet
    probability: float
    uses: int


def find_substitutes(
    model: Model,
    target: Composition,
    members: PrecursorSet,
    constraints: SetConstraints,
    *,
    usage: Callable[[Composition], int],
    most: int = 4,
) -> dict[str, list[Substitute]]:
    """Return for each member the most probable sets that have one other in its place, by formula of the member.

    The new member shares an element other than C, H, O and N with the old one, as in `rrgraph.planning.find_swaps`.
    Only sets that can be balanced and mixed count.

    Args:
        model: ranks the sets.
        target: what is made.
        members: the set.
        constraints: of the sets that result.
        usage: number of training targets that use a precursor.
        most: replacements of each member.
    """
    (ranking,) = constrained_planner(model, constraints).rankings([target])
    own = {anhydrous(each).key: each for each in members}
    found: dict[str, list[Substitute]] = {each.formula: [] for each in members}
    for ranked in islice(ranking.all_sets(), _SEARCHED):
        left_out = own.keys() - ranked.precursors.keys
        added = [each for each in ranked.precursors if each.key not in own]
        if len(left_out) != 1 or len(added) != 1:
            continue
        replaced, by = own[next(iter(left_out))], added[0]
        listed = found[replaced.formula]
        if len(listed) < most and source_elements(replaced) & source_elements(by) and ranking.is_valid(ranked):
            listed.append(Substitute(replaced, by, ranked.precursors, ranked.probability, usage(by)))
        if all(len(each) == most for each in found.values()):
            break
    return found
