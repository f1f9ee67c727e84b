from __future__ import annotations

import pytest

from rrgraph.app import Question

BATIO3 = Question(targets=("BaTiO3",))


def test_the_best_set_is_best_for_a_reason(service):
    why = service.explain(BATIO3, "BaCO3 + TiO2")
    assert (why.rank, why.competing) == (1, 64)
    assert why.uses["TiO2"] > 1000 and why.together[0] > 100
    first = why.influences[0]
    assert first.group in ("counts", "links") and first.logit > 1 and first.without < 0.9
    assert [abs(each.logit) for each in why.influences] == sorted(
        (abs(each.logit) for each in why.influences), reverse=True
    )
    assert len({each.group for each in why.influences}) == len(why.influences)


def test_members_may_come_in_any_order_and_spelling(service):
    assert service.explain(BATIO3, "TiO2; BaCO3").influences == service.explain(BATIO3, "BaCO3 + TiO2").influences
    assert service.explain(BATIO3, "SrCO3 + TiO2") is None


def test_explaining_leaves_the_others_alone(service):
    from rrgraph.models import constrained_planner

    (before,) = constrained_planner(service.model).rankings([service.read("BaTiO3").composition])
    service.explain(BATIO3, "BaO + TiO2")
    (after,) = constrained_planner(service.model).rankings([service.read("BaTiO3").composition])
    assert before.plan(20).sets == after.plan(20).sets


def test_the_atmosphere_of_the_question_counts(service):
    asked = Question(targets=("VO2",), atmosphere="inert")
    in_air = asked.model_copy(update={"atmosphere": None})
    route = "V2O3 + V2O5"
    assert service.explain(asked, route).influences != service.explain(in_air, route).influences
    planned, _ = service.planned_set(asked.model_copy(update={"energies": False}), "V + V2O5")
    substitutes = service.substitutes(asked, route)["V2O3"]
    assert {str(each.by): each.probability for each in substitutes}["V"] == pytest.approx(planned.probability)


@pytest.mark.parametrize("group", ["links", "counts", "pairs"])
def test_what_differs_from_the_mean_has_an_influence(service, group):
    why = service.explain(BATIO3, "BaCO3 + TiO2")
    assert next(each for each in why.influences if each.group == group).logit != 0
