"""Second stages that need no training: what sets and rivals share out, against sums over all of them."""

from __future__ import annotations

from math import exp, fsum, inf, log
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.errors import PlanningError
from rrgraph.planning import Planner, SetConstraints

POOL = [parse_formula(text) for text in ("Li2CO3", "LiOH", "Li2O", "La2O3", "La(OH)3", "LaCl3", "TiO2", "Ti", "LiTiO2")]
TARGETS = [parse_formula(text) for text in ("LiLaTi2O6", "Li4Ti5O12", "UO2", "La2Ti2O7")]
NONE = 0.5


def draw(text: str) -> float:
    return crc32(text.encode()) % 1000 / 500 - 1


class Scorer:
    """Links and sets with weights from checksums; "none of these" weighs `NONE`."""

    ranks_sets = True

    def __init__(self, candidates: int = 1000) -> None:
        self.set_candidates = candidates
        self.calls = []

    def logits(self, targets, candidates):
        return np.array([[draw(f"{t.key}|{c.key}") for c in candidates] for t in targets], dtype=float)

    def weight(self, target, keys, *, told: bool) -> float:
        return exp(3 * draw(f"{target.key}:{sorted(keys)}") + told)

    def set_log_probabilities(self, targets, candidates, links, sets, told):
        logs, none = [], []
        for row, target in enumerate(targets):
            own = links.rows == row
            columns = links.columns[own]
            assert (np.diff(columns) > 0).all()
            expected = [draw(f"{target.key}|{candidates[column].key}") for column in columns]
            assert links.log_odds[own].tolist() == expected
            assert all(set(members) <= set(columns.tolist()) for members in sets[row])
            assert len({frozenset(members) for members in sets[row]}) == len(sets[row])
            weights = [self.weight(target, {candidates[m].key for m in s}, told=told[row]) for s in sets[row]]
            total = fsum([*weights, NONE])
            logs.append(np.log(np.array(weights) / total))
            none.append(log(NONE / total))
        self.calls.append(sets)
        return logs, np.array(none)


def probabilities(plan):
    return {ranked.precursors.keys: ranked.probability for ranked in plan}


def test_sets_and_none_of_them_share_all_probability():
    for plan in Planner(Scorer(), POOL, mode="listwise").plan(TARGETS, top_k=10_000):
        assert fsum([*probabilities(plan).values(), plan.none]) == pytest.approx(1)
        assert plan.none_of_these == pytest.approx(plan.none)
        found = [ranked.probability for ranked in plan]
        assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("top_k", [1, 3, 8])
def test_none_of_these_is_what_the_listed_sets_leave(top_k):
    planner = Planner(Scorer(), POOL, mode="listwise")
    for every, plan in zip(planner.plan(TARGETS, top_k=10_000), planner.plan(TARGETS, top_k=top_k), strict=True):
        others = [ranked.probability for ranked in every.sets[top_k:]]
        assert plan.none_of_these == pytest.approx(fsum([every.none, *others]))


def test_sets_that_nobody_judged_do_not_count_against_none_of_these():
    (plan,) = Planner(Scorer(4), POOL, mode="listwise").plan(TARGETS[:1], top_k=30)
    assert len(plan) == 30
    assert plan.none_of_these == plan.none == pytest.approx(1 - fsum(r.probability for r in plan.sets[:4]))


@pytest.mark.parametrize("mode", ["product", "log_odds", "geometric"])
def test_other_modes_have_no_such_probability(mode):
    (plan,) = Planner(Scorer(), POOL, mode=mode).plan(TARGETS[:1])
    assert plan.none is None
    assert plan.none_of_these is None


WISHES = [
    {"excluded": {"Li2CO3"}},
    {"excluded_elements": {"H"}},
    {"stock": {"Li2O", "LaCl3", "TiO2", "Ti"}},
    {"required": {"LiOH"}},
    {"one_per_element": True},
    {"foreign": True},
    {"sizes": (2, 3)},
    {"balanced": True},
]


@pytest.mark.parametrize("wishes", WISHES)
def test_wishes_leave_the_probabilities_of_sets_alone(wishes):
    free = Planner(Scorer(), POOL, mode="listwise")
    bound = Planner(Scorer(), POOL, SetConstraints(**wishes), mode="listwise", rivals=Planner(Scorer(), POOL))
    for every, plan in zip(free.plan(TARGETS, top_k=10_000), bound.plan(TARGETS, top_k=10_000), strict=True):
        usual, found = probabilities(every), probabilities(plan)
        known = {keys: value for keys, value in found.items() if keys in usual}
        # Foreign elements bring sets that do not compete otherwise, so that the others shrink in proportion.
        scale = 1 - fsum(value for keys, value in found.items() if keys not in usual)
        assert known == {keys: pytest.approx(usual[keys] * scale) for keys in known}
        assert plan.none == pytest.approx(1 - fsum(found.values()))
    alone = Planner(Scorer(), POOL, SetConstraints(excluded={"Li2CO3"}), mode="listwise").plan(TARGETS[:1])
    assert alone[0].sets[0].probability > usual.get(alone[0].sets[0].precursors.keys, 0)


@settings(max_examples=30, deadline=None)
@given(
    st.sets(st.sampled_from(range(len(POOL))), min_size=1),
    st.sets(st.sampled_from(range(len(POOL))), min_size=1),
    st.integers(1, 12),
)
def test_rivals_with_other_candidates(own, others, number):
    """Each part brings its first sets; all of them compete, those of the planner alone are listed."""
    scorer, apart = Scorer(number), Scorer(number)
    mine, theirs = ([POOL[index] for index in sorted(part)] for part in (own, others))
    rivals = Planner(apart, theirs)
    plans = Planner(scorer, mine, mode="listwise", rivals=rivals).plan(TARGETS, top_k=number)
    firsts = [Planner(apart, part).plan(TARGETS, top_k=number) for part in (mine, theirs)]
    for row, (target, plan) in enumerate(zip(TARGETS, plans, strict=True)):
        listed, competing = (
            {ranked.precursors.keys for first in part for ranked in first[row]} for part in (firsts[:1], firsts)
        )
        total = NONE + fsum(scorer.weight(target, keys, told=False) for keys in competing)
        expected = {keys: pytest.approx(scorer.weight(target, keys, told=False) / total) for keys in listed}
        assert probabilities(plan) == expected
        assert plan.none == pytest.approx(1 - fsum(probabilities(plan).values()))


def test_a_told_size_is_told_to_the_second_stage_and_to_rivals():
    scorer = Scorer()
    planner = Planner(scorer, POOL[:8], mode="listwise", rivals=Planner(scorer, POOL))
    (told, free) = planner.plan([TARGETS[1]] * 2, sizes=[2, None], top_k=10_000)
    assert {len(keys) for keys in probabilities(told)} == {2}
    assert all(len(members) == 2 for members in scorer.calls[0][0])
    competing = [r.precursors.keys for r in Planner(scorer, POOL).plan([TARGETS[1]], sizes=[2], top_k=10_000)[0]]
    total = NONE + fsum(scorer.weight(TARGETS[1], keys, told=True) for keys in competing)
    for keys, probability in probabilities(told).items():
        assert probability == pytest.approx(scorer.weight(TARGETS[1], keys, told=True) / total)
    assert len(free) > len(told)


def test_a_target_that_nothing_supplies_leaves_all_to_none():
    planner = Planner(Scorer(), POOL, mode="listwise")
    (plan,) = planner.plan(TARGETS[2:3])
    assert (plan.sets, plan.none, plan.none_of_these) == ((), pytest.approx(1), pytest.approx(1))
    assert planner.plan([]) == []


def test_a_scorer_without_second_stage_is_refused():
    class Links:
        logits = Scorer.logits

    with pytest.raises(PlanningError, match="'listwise' needs a model with a set scorer"):
        Planner(Links(), POOL, mode="listwise")
    assert Planner(Links(), POOL).plan(TARGETS[:1])[0].sets[0].score > -inf
