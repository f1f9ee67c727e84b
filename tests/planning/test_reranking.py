"""Re-rankers that need no training: how sets and competing sets share probability, against sums over all of them."""

from __future__ import annotations

from math import exp, fsum, log
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.planning import AGGREGATES, LinkScorer, Planner, SetConstraints

POOL = [parse_formula(text) for text in ("Li2CO3", "LiOH", "Li2O", "La2O3", "La(OH)3", "LaCl3", "TiO2", "Ti", "LiTiO2")]
TARGETS = [parse_formula(text) for text in ("LiLaTi2O6", "Li4Ti5O12", "UO2", "La2Ti2O7")]
NONE = 0.5


def draw(text: str) -> float:
    return crc32(text.encode()) % 1000 / 500 - 1


class Scorer(LinkScorer):
    """Links with logits from checksums."""

    def logits(self, targets, candidates):
        return np.array([[draw(f"{t.key}|{c.key}") for c in candidates] for t in targets], dtype=float)


class SetScorer:
    """Sets with weights from checksums; another set weighs `NONE`."""

    def __init__(self, candidates: int = 1000) -> None:
        self.candidates = candidates
        self.calls = []

    def weight(self, target, keys, *, known_size: bool) -> float:
        return exp(3 * draw(f"{target.key}:{sorted(keys)}") + known_size)

    def log_probabilities(self, lists):
        logs, none = [], []
        links, candidates = lists.links, lists.links.candidates
        for row, (target, sets) in enumerate(zip(links.targets, lists.sets, strict=True)):
            own = links.target_index == row
            columns = links.candidate_index[own]
            assert (np.diff(columns) > 0).all()
            assert lists.logits[own].tolist() == [draw(f"{target.key}|{candidates[c].key}") for c in columns]
            assert all(set(members) <= set(columns.tolist()) for members in sets)
            assert len({frozenset(members) for members in sets}) == len(sets)
            known_size = lists.known_size[row]
            weights = [self.weight(target, {candidates[m].key for m in s}, known_size=known_size) for s in sets]
            total = fsum([*weights, NONE])
            logs.append(np.log(np.array(weights) / total))
            none.append(log(NONE / total))
        self.calls.append(lists.sets)
        return logs, np.array(none)


def reranking_planner(*arguments, candidates=1000, **options):
    """Return a planner of these links whose sets are re-ranked."""
    return Planner(Scorer(), *arguments, reranker=SetScorer(candidates), **options)


def probabilities(plan):
    return {ranked.precursors.keys: ranked.probability for ranked in plan}


def test_sets_and_none_of_them_share_all_probability():
    for plan in reranking_planner(POOL).plan(TARGETS, top_k=10_000):
        assert fsum([*probabilities(plan).values(), plan.none]) == pytest.approx(1)
        assert plan.no_match == pytest.approx(plan.none)
        found = [ranked.probability for ranked in plan]
        assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("top_k", [1, 3, 8])
def test_another_set_has_what_the_listed_sets_leave(top_k):
    planner = reranking_planner(POOL)
    for every, plan in zip(planner.plan(TARGETS, top_k=10_000), planner.plan(TARGETS, top_k=top_k), strict=True):
        others = [ranked.probability for ranked in every.sets[top_k:]]
        assert plan.no_match == pytest.approx(fsum([every.none, *others]))


def test_sets_that_were_not_ranked_do_not_count_against_another_set():
    (plan,) = reranking_planner(POOL, candidates=4).plan(TARGETS[:1], top_k=30)
    assert len(plan) == 30
    assert plan.no_match == plan.none == pytest.approx(1 - fsum(r.probability for r in plan.sets[:4]))


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_links_alone_give_no_such_probability(aggregate):
    (plan,) = Planner(Scorer(), POOL, aggregate=aggregate).plan(TARGETS[:1])
    assert plan.none is None
    assert plan.no_match is None


CONSTRAINTS = [
    {"excluded": {"Li2CO3"}},
    {"excluded_elements": {"H"}},
    {"stock": {"Li2O", "LaCl3", "TiO2", "Ti"}},
    {"required": {"LiOH"}},
    {"one_per_element": True},
    {"foreign": True},
    {"sizes": (2, 3)},
    {"balanced": True},
]


@pytest.mark.parametrize("given", CONSTRAINTS)
def test_constraints_leave_the_probabilities_of_sets_alone(given):
    free = reranking_planner(POOL)
    bound = reranking_planner(POOL, SetConstraints(**given), competing=Planner(Scorer(), POOL))
    for every, plan in zip(free.plan(TARGETS, top_k=10_000), bound.plan(TARGETS, top_k=10_000), strict=True):
        usual, found = probabilities(every), probabilities(plan)
        known = {keys: value for keys, value in found.items() if keys in usual}
        # Foreign elements bring sets that do not compete otherwise, so that the others shrink in proportion.
        scale = 1 - fsum(value for keys, value in found.items() if keys not in usual)
        assert known == {keys: pytest.approx(usual[keys] * scale) for keys in known}
        assert plan.no_match == pytest.approx(1 - fsum(found.values()))
    alone = reranking_planner(POOL, SetConstraints(excluded={"Li2CO3"})).plan(TARGETS[:1])
    assert alone[0].sets[0].probability > usual.get(alone[0].sets[0].precursors.keys, 0)


@settings(max_examples=30, deadline=None)
@given(
    st.sets(st.sampled_from(range(len(POOL))), min_size=1),
    st.sets(st.sampled_from(range(len(POOL))), min_size=1),
    st.integers(1, 12),
)
def test_competing_sets_of_other_candidates(own, others, number):
    """The first sets of both planners compete; those of the planner itself alone are listed."""
    mine, theirs = ([POOL[index] for index in sorted(side)] for side in (own, others))
    planner = reranking_planner(mine, candidates=number, competing=Planner(Scorer(), theirs))
    plans, weight = planner.plan(TARGETS, top_k=number), planner.reranker.weight
    firsts = [Planner(Scorer(), side).plan(TARGETS, top_k=number) for side in (mine, theirs)]
    for row, (target, plan) in enumerate(zip(TARGETS, plans, strict=True)):
        listed, competing = (
            {ranked.precursors.keys for first in part for ranked in first[row]} for part in (firsts[:1], firsts)
        )
        total = NONE + fsum(weight(target, keys, known_size=False) for keys in competing)
        expected = {keys: pytest.approx(weight(target, keys, known_size=False) / total) for keys in listed}
        assert probabilities(plan) == expected
        assert plan.none == pytest.approx(1 - fsum(probabilities(plan).values()))


def test_a_known_size_is_known_to_the_reranker_and_to_competing_sets():
    planner = reranking_planner(POOL[:8], competing=Planner(Scorer(), POOL))
    weight = planner.reranker.weight
    (known, free) = planner.plan([TARGETS[1]] * 2, sizes=[2, None], top_k=10_000)
    assert {len(keys) for keys in probabilities(known)} == {2}
    assert all(len(members) == 2 for members in planner.reranker.calls[0][0])
    competing = [r.precursors.keys for r in Planner(Scorer(), POOL).plan([TARGETS[1]], sizes=[2], top_k=10_000)[0]]
    total = NONE + fsum(weight(TARGETS[1], keys, known_size=True) for keys in competing)
    for keys, probability in probabilities(known).items():
        assert probability == pytest.approx(weight(TARGETS[1], keys, known_size=True) / total)
    assert len(free) > len(known)


def test_a_target_that_nothing_supplies_leaves_all_to_none():
    planner = reranking_planner(POOL)
    (plan,) = planner.plan(TARGETS[2:3])
    assert (plan.sets, plan.none, plan.no_match) == ((), pytest.approx(1), pytest.approx(1))
    assert planner.plan([]) == []
