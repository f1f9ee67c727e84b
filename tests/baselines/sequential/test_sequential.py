from __future__ import annotations

from math import exp

import pytest

from rrgraph.baselines import Sequential
from rrgraph.chem import parse_formula
from rrgraph.planning import SetConstraints

QUICK = {"epochs": 30, "hidden": 32, "learning_rate": 3e-3, "beam": 50, "dropout": 0.0}
NAMES = ("BaCO3", "BaO", "TiO2", "Ti", "SrCO3", "La2O3")
POOL = [parse_formula(name) for name in NAMES]
TARGET = parse_formula("BaTiO3")


@pytest.fixture(scope="module")
def fitted(small_table):
    return Sequential(**QUICK).fit(small_table)


def test_it_learns_what_it_is_shown(fitted, small_table):
    pool = list(small_table.precursors().values())
    first = [plan.sets[0].precursors.keys for plan in fitted.plan(list(small_table.targets), pool)]
    right = sum(keys == own for keys, own in zip(first, small_table.set_keys, strict=True))
    assert right >= len(small_table) - 3


def test_probabilities_of_all_sets_add_up_to_at_most_one(fitted):
    (plan,) = fitted.plan([TARGET], POOL, top_k=100)
    assert plan.exhausted
    assert [ranked.probability for ranked in plan] == pytest.approx([exp(ranked.score) for ranked in plan])
    assert 0.5 < sum(ranked.probability for ranked in plan) <= 1 + 1e-6


def test_a_told_size_only_drops_sets(fitted):
    (every,) = fitted.plan([TARGET], POOL, top_k=100)
    (told,) = fitted.plan([TARGET], POOL, top_k=100, sizes=[2])
    expected = {ranked.precursors.keys: ranked.score for ranked in every if len(ranked.precursors) == 2}
    assert {ranked.precursors.keys: ranked.score for ranked in told} == pytest.approx(expected)


def test_candidates_that_training_never_saw_are_scored(fitted):
    (plan,) = fitted.plan([TARGET], [parse_formula("BaO2"), parse_formula("Ti2O3")])
    assert [{precursor.formula for precursor in ranked.precursors} for ranked in plan] == [{"BaO2", "Ti2O3"}]


def test_a_required_precursor_begins_the_set(fitted):
    (plan,) = fitted.plan([TARGET], POOL, constraints=SetConstraints(required=frozenset({"BaO"})))
    assert plan.sets
    assert all(parse_formula("BaO") in ranked.precursors for ranked in plan)


def test_what_is_foreign_is_never_proposed(fitted):
    (plan,) = fitted.plan([TARGET], POOL, constraints=SetConstraints(foreign=True), top_k=100)
    used = {precursor.formula for ranked in plan for precursor in ranked.precursors}
    assert used == {"BaCO3", "BaO", "TiO2", "Ti"}


def test_the_seed_matters(fitted, small_table):
    other = Sequential(**QUICK, seed=1).fit(small_table)
    scores = [[ranked.score for ranked in each.plan([TARGET], POOL)[0]] for each in (fitted, other)]
    assert scores[0] != scores[1]
