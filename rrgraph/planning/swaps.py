"""What to use in place of a precursor: the best set that differs from a listed one in exactly one member.

Swaps are found further down the lazy ranking whose first sets are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from rrgraph.chem import Composition, source_elements
from rrgraph.planning.planner import Planner
from rrgraph.planning.ranking import Plan, RankedSet

__all__ = ["SEARCHED", "Swap", "find_swaps", "plan_with_swaps"]

SEARCHED: Final = 100
"""Sets beyond the listed ones that are searched for swaps; enough for 997 in 1000 of ten listed ones."""


@dataclass(frozen=True, slots=True)
class Swap:
    """One precursor of a set exchanged for another that supplies an element of it.

    Attributes:
        replaced: the member that is taken out.
        by: the precursor that takes its place.
        alternative: the set that results, with its score and probability.
        rank: place of that set in the ranking, from 1.
    """

    replaced: Composition
    by: Composition
    alternative: RankedSet
    rank: int


def plan_with_swaps(
    planner: Planner, targets: Sequence[Composition], *, top_k: int = 10, sizes: Sequence[int | None] | None = None
) -> Iterator[tuple[Plan, list[Swap | None]]]:
    """Yield the plan of each target and the swap of each of its sets, None where there is none.

    Args and errors are those of `Planner.plan`.
    """
    for ranking in planner.rankings(targets, sizes=sizes):
        plan = ranking.plan(top_k)
        yield plan, find_swaps(plan.sets, ranking.all_sets(), is_valid=ranking.is_valid)


def find_swaps(
    sets: Sequence[RankedSet],
    ranking: Iterable[RankedSet],
    *,
    searched: int = SEARCHED,
    is_valid: Callable[[RankedSet], bool] = lambda _: True,
) -> list[Swap | None]:
    """Return for each set the first of the ranking that differs from it in one exchanged member.

    The new member has to share an element other than C, H, O and N with the old one, so that it can replace it:
    LiOH for Li2CO3, not La(OH)3 for Li2CO3. Sets with a member more or less are other recipes and do not count.

    Args:
        sets: the listed sets.
        ranking: all sets, best first; no more of it is asked for than needed.
        searched: at most ``len(sets) + searched`` of them are looked at.
        is_valid: whether a set may be a swap.
    """
    swaps: list[Swap | None] = [None] * len(sets)
    waiting = set(range(len(sets)))
    lacking: dict[tuple[int, ...], list[int]] = {}
    for position, ranked in enumerate(sets):
        for remainder in _without_one(ranked):
            lacking.setdefault(remainder, []).append(position)
    for rank, ranked in enumerate(islice(ranking, len(sets) + searched if sets else 0), start=1):
        for remainder in _without_one(ranked):
            for position in lacking.get(remainder, ()):
                if position in waiting and (swap := _swap(sets[position], ranked, rank)) and is_valid(ranked):
                    swaps[position] = swap
                    waiting.discard(position)
        if not waiting:
            break
    return swaps


def _without_one(ranked: RankedSet) -> list[tuple[int, ...]]:
    indices = ranked.indices
    return [indices[:place] + indices[place + 1 :] for place in range(len(indices))]


def _swap(listed: RankedSet, other: RankedSet, rank: int) -> Swap | None:
    """Return the swap between two sets that share all but one member each, or None when it is none."""
    if listed.indices == other.indices:
        return None
    replaced, by = (
        next(member for member, index in zip(one.precursors, one.indices, strict=True) if index not in two.indices)
        for one, two in ((listed, other), (other, listed))
    )
    if not source_elements(replaced) & source_elements(by):
        return None
    return Swap(replaced=replaced, by=by, alternative=other, rank=rank)
