from __future__ import annotations

from itertools import islice
from zlib import crc32

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import VOLATILE, parse_formula
from rrgraph.planning import AGGREGATES, LinkScorer, Planner, SetConstraints, find_swaps, plan_with_swaps

POOL = [
    parse_formula(text)
    for text in ("Li2CO3", "LiOH", "LiNO3", "La2O3", "La(OH)3", "ZrO2", "TiO2", "BaCO3", "BaTiO3", "LaTiO3", "BaZrO3")
]
TARGETS = [parse_formula(text) for text in ("Li7La3Zr2O12", "BaTiO3", "LiLaTi2O6", "BaZr0.5Ti0.5O3", "La2O3")]
BATIO3 = parse_formula("BaTiO3")


class Scorer(LinkScorer):
    """Log-odds from a checksum of the two keys."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def logits(self, targets, candidates):
        return np.array(
            [[crc32(f"{self.seed}{t.key}|{c.key}".encode()) % 997 / 200 - 2.5 for c in candidates] for t in targets]
        )


def naive(sets, ranking, searched):
    """The first (rank, replaced, by) of the ranking for each set, straight from the definition."""
    found = []
    for ranked in sets:
        own = set(ranked.precursors)
        swap = None
        for rank, other in enumerate(ranking[: len(sets) + searched], start=1):
            lost, gained = own - set(other.precursors), set(other.precursors) - own
            if len(lost) != 1 or len(gained) != 1:
                continue
            (old,), (new,) = lost, gained
            if (old.elements & new.elements) - VOLATILE:
                swap = (rank, old, new)
                break
        found.append(swap)
    return found


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 50),
    st.sampled_from(TARGETS),
    st.sampled_from(AGGREGATES),
    st.integers(1, 15),
    st.integers(0, 60),
)
def test_swaps_are_the_first_of_the_ranking_that_exchange_one_member(seed, target, aggregate, top_k, searched):
    (ranking,) = Planner(Scorer(seed), POOL, aggregate=aggregate).rankings([target])
    sets = ranking.plan(top_k).sets
    everything = list(ranking)
    swaps = find_swaps(sets, ranking, searched=searched)
    assert [swap and (swap.rank, swap.replaced, swap.by) for swap in swaps] == naive(sets, everything, searched)
    for swap in filter(None, swaps):
        assert swap.alternative == everything[swap.rank - 1]


def test_a_swap_may_rank_above_its_set_and_shows_its_probability():
    scores = {"BaCO3": 3.0, "LiOH": -9.0, "TiO2": 2.0, "BaO": 1.0}

    class Fixed(LinkScorer):
        def logits(self, targets, candidates):
            return np.array([[scores[c.formula] for c in candidates] for _ in targets])

    pool = [parse_formula(text) for text in ("BaCO3", "BaO", "TiO2")]
    ((plan, swaps),) = plan_with_swaps(Planner(Fixed(), pool, SetConstraints(sizes=(2,))), [BATIO3])
    assert [str(ranked.precursors) for ranked in plan] == ["BaCO3 + TiO2", "BaO + TiO2"]
    assert [(swap.replaced.formula, swap.by.formula, swap.rank) for swap in swaps] == [
        ("BaCO3", "BaO", 2),
        ("BaO", "BaCO3", 1),
    ]
    assert [swap.alternative.probability for swap in swaps] == [plan.sets[1].probability, plan.sets[0].probability]


def test_more_or_fewer_members_and_other_elements_are_no_swap():
    pool = [parse_formula(text) for text in ("BaCO3", "TiO2", "BaTiO3")]
    ((plan, swaps),) = plan_with_swaps(
        Planner(Scorer(), pool, SetConstraints(sizes=(2, 3))), [parse_formula("BaTi2O5")]
    )
    found = {str(ranked.precursors): swap for ranked, swap in zip(plan, swaps, strict=True)}
    assert len(found) == 4
    assert found["BaCO3 + TiO2 + BaTiO3"] is None
    exchanged = {frozenset((swap.replaced.formula, swap.by.formula)) for swap in found.values() if swap}
    assert exchanged <= {frozenset(("BaCO3", "BaTiO3")), frozenset(("TiO2", "BaTiO3"))}  # never BaCO3 and TiO2


def test_no_more_of_the_ranking_is_asked_for_than_needed():
    (ranking,) = Planner(Scorer(), POOL).rankings([TARGETS[0]])
    everything = list(ranking)
    asked = []

    def counted():
        for place, ranked in enumerate(everything):
            asked.append(place)
            yield ranked

    swaps = find_swaps(everything[:3], counted())
    assert len(asked) == max(swap.rank for swap in swaps)
    asked.clear()
    assert find_swaps([], counted()) == []
    assert asked == []
    lonely = [ranked for ranked in everything if len(ranked.precursors) == 6][:1]
    others = [ranked for ranked in everything if len(ranked.precursors) != 6]
    assert find_swaps(lonely, islice(others, 20), searched=5) == [None]


def test_plans_are_those_of_the_planner():
    planner = Planner(Scorer(), POOL)
    answers = list(plan_with_swaps(planner, TARGETS, top_k=4, sizes=[3, None, 2, 2, 1]))
    assert [plan for plan, _ in answers] == planner.plan(TARGETS, top_k=4, sizes=[3, None, 2, 2, 1])
    assert all(len(swaps) == len(plan) for plan, swaps in answers)


def test_balanced_sets_have_balanced_swaps():
    planner = Planner(Scorer(), [*POOL, parse_formula("Ba")], SetConstraints(balanced=True))
    ((plan, swaps),) = plan_with_swaps(planner, [BATIO3])
    balanced = {ranked.precursors for ranked in next(iter(planner.rankings([BATIO3])))}
    assert len(plan)
    assert all(swap is None or swap.alternative.precursors in balanced for swap in swaps)
