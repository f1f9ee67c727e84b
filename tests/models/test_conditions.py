from __future__ import annotations

from dataclasses import replace

import pytest

import rrgraph as rr
from rrgraph.chem import Atmosphere, parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.models import PredictedConditions, bundled_conditions, load_conditions


@pytest.fixture(scope="module")
def plans():
    return rr.plan(["LiCoO2", "BaTiO3", "MgB2", "Li6PS5Cl", "Si3N4"], top_k=2, literature=False)


def test_furnaces_are_sensible(plans):
    fired = {plan.target: plan.best.conditions for plan in plans}
    assert fired["BaTiO3"].atmosphere is Atmosphere.AIR
    for target in ("MgB2", "Li6PS5Cl", "Si3N4"):
        assert all(
            found.conditions.atmosphere is Atmosphere.INERT for plan in plans if plan.target == target for found in plan
        )
    for target, low, high in (
        ("LiCoO2", 650, 1000),
        ("BaTiO3", 1000, 1500),
        ("Li6PS5Cl", 300, 700),
        ("Si3N4", 1100, 2000),
    ):
        highest = fired[target].temperatures["highest"]
        assert low <= highest.value <= high
        assert highest.low < highest.value < highest.high
    assert str(fired["BaTiO3"]).endswith("papers")


def test_the_nearest_recipes_stand_behind_a_prediction(plans):
    for plan in plans:
        for found in plan:
            recipes = found.conditions.recipes
            assert len(recipes) <= 3 and sum(each.reports for each in recipes) <= found.conditions.papers
            assert all(each.temperature_c > 200 for each in recipes)
            used = [
                {parse_formula(each).key for each in recipe.precursors} == found.precursors.keys for recipe in recipes
            ]
            assert used == sorted(used, reverse=True)  # those of the very set come first
            values = found.conditions.to_dict()["recipes"]
            assert [each["temperature_c"] for each in values] == [each.temperature_c for each in recipes]
    best = next(plan.best for plan in plans if plan.target == "BaTiO3")
    assert {*best.conditions.recipes[0].precursors} == {each.formula for each in best.precursors}


def test_an_atmosphere_that_was_asked_for_is_that_of_the_furnace():
    plan = rr.plan("LiFePO4", atmosphere="5% H2/Ar", top_k=2, literature=False)
    assert plan.atmosphere is Atmosphere.REDUCING and plan.to_dict()["asked_atmosphere"] == "reducing"
    assert set(plan.to_frame()["asked_atmosphere"]) == {"reducing"}
    assert "ranked for synthesis in this atmosphere: reducing" in str(plan)
    assert [each.conditions.atmospheres for each in plan] == [{Atmosphere.REDUCING: 1.0}] * 2
    (found,) = rr.plan("YBa2Cu3O7", atmosphere="inert", top_k=1, literature=False)
    assert found.conditions.note.endswith("inert was asked for")
    for target, atmosphere, note in (
        ("BaTiO3", "ammonia", "an oxide does not stay one in ammonia, which was asked for"),
        ("MgB2", "air", "the target would be oxidised in air, which was asked for"),
    ):
        (found,) = rr.plan(target, atmosphere=atmosphere, top_k=1, literature=False)
        assert found.conditions.note == note
    unasked = rr.plan("LiFePO4", top_k=2, literature=False)
    assert unasked.atmosphere is None and "asked_atmosphere" not in unasked.to_frame()
    assert unasked.best.conditions.temperatures != plan.best.conditions.temperatures


def test_nitrogen_that_is_taken_up_is_no_noble_gas():
    (found,) = rr.plan("Si3N4", candidates="Si", top_k=1, literature=False)
    assert found.conditions.atmosphere is Atmosphere.INERT
    assert found.conditions.with_note.endswith("the equation takes up N2, so that inert means nitrogen here")


def test_a_note_is_about_the_equation_with_its_byproducts():
    target, members = parse_formula("BiFeO3"), PrecursorSet(map(parse_formula, ("BiCl3", "FeCl2", "Na2CO3")))
    fired = bundled_conditions()
    said = [
        fired.conditions([target], [members], atmosphere=Atmosphere.INERT, byproducts=solids)[0].note
        for solids in ((), (parse_formula("NaCl"),))
    ]
    assert said == ["", "the equation implies air, inert was asked for"]


def test_the_sets_of_a_plan_are_predicted_together_and_once(monkeypatch):
    asked = []
    predict = PredictedConditions.conditions

    def counted(self, targets, sets, **options):
        asked.append(len(targets))
        return predict(self, targets, sets, **options)

    monkeypatch.setattr(PredictedConditions, "conditions", counted)
    plans = rr.plan(["BaTiO3", "SrTiO3"], top_k=3, literature=False)
    found = [each for plan in plans for each in plan]
    assert not asked
    together = [each.conditions for each in found]
    assert asked == [len(found)]
    monkeypatch.undo()
    for each, conditions in zip(found, together, strict=True):
        (alone,) = PredictedConditions().conditions([each.target], [each.precursors])
        assert str(alone) == str(conditions)
        for name in ("temperatures", "times"):
            single, joint = (getattr(found, name)["highest"] for found in (alone, conditions))
            assert [single.value, single.low, single.high] == pytest.approx([joint.value, joint.low, joint.high])
        assert bundled_conditions().conditions([each.target], [each.precursors]) == [conditions]
    assert bundled_conditions().conditions([], []) == []


def test_what_oxygen_would_oxidise_is_fired_in_inert_gas_even_if_the_model_knows_air_alone():
    bundled = load_conditions("conditions")
    keep = [name for name in bundled.trees if not name.startswith("atmosphere.")] + ["atmosphere.0"]
    model = replace(bundled, atmospheres=(Atmosphere.AIR,), trees={name: bundled.trees[name] for name in keep})
    asked = {target: PrecursorSet(map(parse_formula, members)) for target, members in _SETS.items()}
    found = model.conditions([*map(parse_formula, asked)], [*asked.values()])
    assert [each.atmospheres for each in found] == [{Atmosphere.INERT: 1.0}, {Atmosphere.AIR: 1.0}]


_SETS = {"MgB2": ("Mg", "B"), "BaTiO3": ("BaCO3", "TiO2")}
