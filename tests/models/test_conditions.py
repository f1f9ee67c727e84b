from __future__ import annotations

import pytest

import rrgraph as rr
from rrgraph.chem import Atmosphere
from rrgraph.models import PredictedConditions, bundled_conditions


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


def test_the_sets_of_a_plan_are_predicted_together_and_once(monkeypatch):
    asked = []
    predict = PredictedConditions.conditions

    def counted(self, targets, sets):
        asked.append(len(targets))
        return predict(self, targets, sets)

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
        assert alone.temperatures["highest"].value == pytest.approx(conditions.temperatures["highest"].value)
        assert bundled_conditions().conditions([each.target], [each.precursors]) == [conditions]
    assert bundled_conditions().conditions([], []) == []
