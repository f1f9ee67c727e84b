from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import anhydrous, parse_formula, plausible_precursors
from rrgraph.errors import PlanningError
from rrgraph.planning import (
    CandidateFilter,
    LinkScorer,
    Planner,
    SetConstraints,
    TargetCandidates,
    generated_candidates,
)

TARGETS = [parse_formula(text) for text in ("BaTiO3", "Cr2AlB2", "NiAl2O4", "Al2NiTi", "SrTaO2N", "He")]
SHARED = [parse_formula(text) for text in ("TiO2", "NaCl", "Al2NiTi", "Al2BaTi")]


class Scorer(LinkScorer):
    """Log-odds from the keys alone, so that they do not depend on what is asked for together."""

    def logits(self, targets, candidates):
        return np.array([[(hash_of(t.key + c.key) % 997) / 100 - 5 for c in candidates] for t in targets])


def hash_of(text):
    return sum((place + 1) * ord(character) for place, character in enumerate(text))


def keys(candidates):
    return [candidate.key for candidate in candidates]


def usable(candidates, target):
    return {candidates[index].key for index in np.flatnonzero(candidates.usable(target))}


def test_shared_candidates_come_first_and_each_once():
    candidates = generated_candidates(TARGETS, [*SHARED, SHARED[0]])
    assert keys(candidates)[: len(SHARED)] == keys(SHARED)
    assert candidates.shared == len(SHARED)
    assert len(set(keys(candidates))) == len(candidates) == len(keys(candidates))
    assert keys(candidates[1:3]) == keys(SHARED[1:3])


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_a_target_may_use_what_is_shared_and_its_own(target):
    candidates = generated_candidates(TARGETS, SHARED)
    own = set(keys(map(anhydrous, plausible_precursors(target))))
    assert usable(candidates, target) == own | set(keys(SHARED))
    assert dict(zip(keys(TARGETS), candidates.counts(), strict=True))[target.key] == len(own | set(keys(SHARED)))


def test_a_target_that_nothing_was_made_for_may_use_what_is_shared():
    assert usable(generated_candidates(TARGETS[:1], SHARED), TARGETS[1]) == set(keys(SHARED))


def test_generated_alone_is_exactly_the_list():
    candidates = generated_candidates(TARGETS[:1])
    assert keys(candidates) == keys(dict.fromkeys(map(anhydrous, plausible_precursors(TARGETS[0]))))


@pytest.mark.parametrize("foreign", [True, False])
def test_a_plan_does_not_depend_on_the_other_targets(foreign):
    rules = SetConstraints(foreign=foreign, sizes=(1, 2))

    def plans(targets):
        planner = Planner(Scorer(), generated_candidates(targets, SHARED), rules, max_candidates=30)
        return [[found.precursors.keys for found in plan] for plan in planner.plan(targets, top_k=20)]

    assert plans(TARGETS) == [plan for target in TARGETS for plan in plans([target])]
    assert any(plans(TARGETS))


@settings(deadline=None)
@given(st.lists(st.sampled_from(TARGETS), min_size=1, max_size=3), st.booleans())
def test_the_filter_is_that_of_the_single_list(targets, foreign):
    rules = SetConstraints(foreign=foreign, excluded_elements=["N"])
    pool = CandidateFilter(generated_candidates(targets, SHARED), rules)
    for target in targets:
        alone = CandidateFilter([*SHARED, *plausible_precursors(target)], rules)
        found, expected = pool.feasible(target), alone.feasible(target)
        assert found.missing == expected.missing
        assert {pool.candidates[i].key for i in found.indices} == {alone.candidates[i].key for i in expected.indices}


def test_targets_without_candidates_lack_their_elements():
    (plan,) = Planner(Scorer(), generated_candidates([TARGETS[-1]])).plan([TARGETS[-1]])
    assert plan.missing == ("He",)
    with pytest.raises(PlanningError, match="no candidates"):
        Planner(Scorer(), [])


def test_stock_may_hold_nothing_of_a_target():
    rules = SetConstraints(stock=["UO2"])
    (plan,) = Planner(Scorer(), generated_candidates(TARGETS[:1]), rules).plan(TARGETS[:1])
    assert set(plan.missing) == {"Ba", "Ti"}


def test_own_candidates_by_key_may_be_any():
    own = {"BaO3Ti": [parse_formula("Ti2Ba"), parse_formula("TiO2")]}
    candidates = TargetCandidates(SHARED[:2], own)
    assert keys(candidates) == ["O2Ti", "ClNa", "BaTi2"]
    assert usable(candidates, TARGETS[0]) == {"O2Ti", "ClNa", "BaTi2"}
    assert candidates.counts().tolist() == [3]
