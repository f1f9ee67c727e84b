"""Sources of dopants, and plans of doped targets."""

import json
from fractions import Fraction

import numpy as np
import pytest

import rrgraph as rr
from rrgraph.chem import batch_masses, molar_mass, parse_formula
from rrgraph.planning import LinkScorer, PlannedDopant, Planner, SetConstraints, plan_syntheses
from rrgraph.planning.dopants import plan_dopants
from rrgraph.planning.presentation import plan_html, plan_text

pytestmark = pytest.mark.filterwarnings("ignore::rrgraph.chem.FormulaWarning")

USAGE = [
    (parse_formula(text), count)
    for text, count in [
        ("Eu2O3", 1300),
        ("Eu", 70),
        ("EuN", 5),
        ("EuCl3", 1),
        ("MnO2", 1400),
        ("MnCO3", 600),
        ("Mn", 400),
        ("Sb", 1000),
        ("Sb2O3", 200),
        ("NH4F", 27),
        ("CuS", 3),
        ("CuO", 1500),
        ("P", 100),
        ("NH4H2PO4", 500),
        ("Y2O3", 900),
    ]
]


class Constant(LinkScorer):
    def logits(self, targets, candidates):
        return np.zeros((len(targets), len(candidates)))


def sources(target, **constraints):
    found = plan_dopants(parse_formula(target), USAGE, SetConstraints(**constraints))
    return [None if each.source is None else each.source.formula for each in found]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("Y2O3:Eu", ["Eu2O3"]),
        ("ZnO:Mn", ["MnO2"]),
        ("SnO2:Sb", ["Sb2O3"]),  # the metal is used more, but not in oxides
        ("SnO2:F", ["NH4F"]),
        ("CaAlSiN3:Eu", ["EuN"]),
        ("ZnS:Cu", ["CuS"]),
        ("Si:P", ["P"]),
        ("KMgF3:Eu", ["EuF3"]),
        ("KMgF3:Eu2+", ["EuF2"]),
        ("CsPbCl3:Mn2+", ["MnCl2"]),
        ("K2SiF6:Mn4+", ["K2MnF6"]),
        ("Na2SiF6:Mn4+", ["MnF2"]),
        ("Sr2MgSi2O7:Eu,Dy", ["Eu2O3", "Dy2O3"]),  # the second from the textbook table
        ("Y2O3:Y", [None]),
        ("TiO2:N", ["CO(NH2)2"]),
        ("TiO2:He", [None]),
    ],
)
def test_the_usual_source_suits_the_host(target, expected):
    assert sources(target) == expected


def test_sources_obey_the_constraints():
    assert sources("Y2O3:Eu", excluded={"Eu2O3"}) == ["Eu"]
    assert sources("Y2O3:Eu", excluded_elements={"Eu"}) == [None]
    assert sources("K2SiF6:Mn4+", excluded={"K2MnF6"})[0] in {"MnF2", "MnO2"}
    assert sources("Y2O3:Eu", stock={"Y2O3", "Eu(NO3)3·6H2O"}) == ["Eu(NO3)3·6H2O"]
    assert sources("Y2O3:Eu", stock={"Y2O3"}) == [None]


def test_amounts_follow_from_the_formula_of_the_source():
    target = parse_formula("Y2O3:0.05Eu3+")
    (planned,) = plan_dopants(target, USAGE, SetConstraints())
    assert planned.source_amount == Fraction(1, 40)
    moles = 10 / molar_mass(target)
    assert planned.grams(10) == pytest.approx(0.025 * moles * molar_mass(parse_formula("Eu2O3")))
    assert str(planned) == "Eu3+ from Eu2O3, 0.025 per Y2O3"
    (unstated,) = plan_dopants(parse_formula("Y2O3:Eu"), USAGE, SetConstraints())
    assert unstated.source_amount is None and unstated.grams(10) is None
    assert "amount not stated" in str(unstated)
    assert "holds already" in str(plan_dopants(parse_formula("Y2O3:Y"), USAGE, SetConstraints())[0])


@pytest.fixture
def plans():
    """Plans of a doped host and of the host alone."""
    planner = Planner(Constant(), [parse_formula("Y2(CO3)3"), parse_formula("Y(NO3)3")])
    targets = [parse_formula("Y2O3:0.05Eu"), parse_formula("Y2O3")]
    return plan_syntheses(planner, targets, is_seen=lambda _: True, top_k=2, usage=USAGE)


def test_the_host_is_planned_and_the_source_is_added_to_every_set(plans):
    doped, plain = plans
    assert [str(found) for found in doped] == [str(found) for found in plain]
    assert [found.probability for found in doped] == [found.probability for found in plain]
    assert [isinstance(each, PlannedDopant) for each in doped.dopants] == [True] and plain.dopants == ()
    for found in doped:
        expected = {each.formula: grams for each, grams in batch_masses(found.equation, 10).items()}
        assert found.grams(10) == pytest.approx(expected | {"Eu2O3": doped.dopants[0].grams(10)}, rel=1e-5)


def test_text_html_rows_and_json_show_the_dopant(plans):
    doped, plain = plans
    line = "dopant: Eu from Eu2O3, 0.025 per Y2O3"
    assert line in plan_text(doped) and line in plan_html(doped)
    assert "dopant" not in plan_text(plain) + plan_html(plain)
    assert set(doped.to_frame()["dopants"]) == {"Eu from Eu2O3, 0.025 per Y2O3"}
    assert "dopants" not in plain.to_frame() and "dopants" not in plain.to_dict()
    (found,) = json.loads(json.dumps(doped.to_dict(grams=10)))["dopants"]
    assert found == {
        "element": "Eu",
        "charge": None,
        "amount": 0.05,
        "source": "Eu2O3",
        "source_amount": 0.025,
        "grams": pytest.approx(0.389627),
    }


def test_a_host_that_is_itself_a_precursor_is_named():
    plan = rr.plan("Y2O3:0.05Eu", top_k=1, literature=False)
    assert plan.message == "Y2O3 is itself a usual precursor, which can be mixed with Eu2O3."
    assert rr.plan("CaAlSiN3:Eu", top_k=1, literature=False).message is None
