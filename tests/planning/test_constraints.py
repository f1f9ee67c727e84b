from __future__ import annotations

import re

import pytest

from rrgraph.chem import balance, parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.errors import FormulaError, OptionError, PlanningError, RRGraphError
from rrgraph.planning import SetConstraints, balanced_equation
from rrgraph.planning.candidates import CandidateFilter
from rrgraph.planning.constraints import _balanced, can_be_made


def test_spellings_and_order_do_not_matter():
    rules = SetConstraints(sizes=[3, 2, 2], required=["Li2CO3"], excluded={"Fe4O6"}, stock=["Li2CO3", "TiO2"])
    same = SetConstraints(sizes=(2, 3), required={"CO3Li2"}, excluded=["Fe2O3"], stock=("O2Ti", "CLi2O3"))
    assert rules == same
    assert hash(rules) == hash(same)
    assert rules.sizes == (2, 3)


def test_defaults_are_the_open_protocol():
    rules = SetConstraints()
    assert (rules.sizes, rules.cover, rules.foreign, rules.stock) == ((1, 2, 3, 4, 5, 6), "exempt", False, None)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"sizes": ()}, "The set sizes are empty, expected at least one whole number such as 3."),
        ({"sizes": (0,)}, "Set size is 0, expected a whole number of at least 1."),
        ({"sizes": (2.0,)}, "Set size is 2.0, expected a whole number of at least 1."),
        ({"sizes": (True,)}, "Set size is True, expected a whole number of at least 1."),
        ({"cover": "exemp"}, "Element cover is 'exemp', expected one of strict, exempt. Did you mean 'exempt'?"),
        (
            {"required_elements": ["Lii"]},
            "'Lii' in required_elements is not an element, expected symbols such as 'Li'. Did you mean 'Li'?",
        ),
        ({"stock": []}, "The stock list is empty, expected at least one precursor."),
        ({"required": ["TiO2"], "excluded": ["Ti2O4"]}, "The precursor 'TiO2' is both required and excluded."),
        (
            {"required": ["TiO2"], "stock": ["TiO"]},
            "The required precursor 'TiO2' is not in stock. Did you mean 'TiO'?",
        ),
        (
            {"required": ["BaCO3"], "excluded_elements": ["Ba"]},
            "The required precursor 'BaCO3' contains the excluded element Ba.",
        ),
        (
            {"required_elements": ["Cl"], "excluded_elements": ["Cl", "F"]},
            "The element Cl is both required and excluded.",
        ),
        ({"required": ["TiO2", "BaCO3"], "sizes": (1,)}, "2 required precursors do not fit into sets of at most 1."),
    ],
)
def test_says_what_is_wrong(wishes, message):
    with pytest.raises(PlanningError) as caught:
        SetConstraints(**wishes)
    assert str(caught.value) == message


def test_a_precursor_that_is_no_composition_is_refused():
    with pytest.raises(FormulaError, match="Hello"):
        SetConstraints(excluded=["Hello"])


def test_text_is_divided_at_commas_and_one_material_is_a_list_of_one():
    rules = SetConstraints(excluded_elements="Pb, N", required="TiO2", stock=parse_formula("Ti2O4"), sizes=2)
    assert rules == SetConstraints(excluded_elements={"Pb", "N"}, required=["TiO2"], stock=["TiO2"], sizes=(2,))


def test_narrowing_adds_constraints_and_keeps_what_was_asked_for_before():
    first = SetConstraints(excluded={"BaO"}, stock=["Ba(CH3COO)2", "TiO2", "Al"], foreign=True)
    both = first.narrowed(exclude=["N", "TiO"], require="Al1, Ti", set_size="2-3", balanced=True)
    assert both == SetConstraints(
        excluded={"BaO", "TiO"},
        excluded_elements={"N"},
        required={"Al1"},
        required_elements={"Ti"},
        stock=["Ba(CH3COO)2", "TiO2", "Al"],
        sizes=(2, 3),
        foreign=True,
        balanced=True,
    )
    assert first.narrowed() == first
    assert [str(each) for each in first.narrowed().spelled(first.stock)] == ["Ba(CH3COO)2", "TiO2", "Al"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"set_size": "3-2"}, "set_size is '3-2', expected a number such as 3"),
        ({"exclude": [""]}, "exclude is empty, expected an element, a precursor or a class such as 'nitrates'."),
        ({"stock": ""}, "stock is '', expected a file, formulas joined by commas."),
        ({"stock": []}, "stock is empty, expected a file, formulas joined by commas."),
    ],
)
def test_options_that_cannot_be_used_are_named(options, message):
    with pytest.raises(OptionError, match=re.escape(message)) as caught:
        SetConstraints().narrowed(**options)
    assert caught.value.on_command_line() == f"--{str(caught.value).replace('_', '-', 1)}"


def test_a_set_is_balanced_once_and_in_the_spelling_asked_for(monkeypatch):
    asked = []
    _balanced.cache_clear()
    monkeypatch.setattr(
        "rrgraph.planning.constraints.balance", lambda *of, **options: asked.append(of) or balance(*of, **options)
    )
    oxides = PrecursorSet([parse_formula("BaO"), parse_formula("TiO2")])
    for text in ("BaTiO3", "BaTiO3", "Ba2Ti2O6"):
        equation = balanced_equation(parse_formula(text), oxides)
        assert equation == balance(parse_formula(text), list(oxides))
        assert str(equation).endswith(text)
    assert len(asked) == 2
    assert can_be_made(parse_formula("BaTiO3"), oxides) and len(asked) == 2
    assert balanced_equation(parse_formula("BaTiO3"), PrecursorSet([parse_formula("TiO2")])) is None


def test_classes_in_any_form():
    rules = SetConstraints(excluded_classes="nitrate, Hydrides", required_classes=["CARBONATES"])
    assert rules.excluded_classes == {"nitrates", "hydrides"}
    assert rules.required_classes == {"carbonates"}
    narrower = rules.narrowed(exclude=["Pb", "toxic", "BaO"], require="oxide")
    assert narrower.excluded_classes == {"nitrates", "hydrides", "toxic"}
    assert narrower.required_classes == {"carbonates", "oxides"}
    assert (narrower.excluded_elements, narrower.excluded) == ({"Pb"}, {"BaO"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"excluded_classes": ["nitrats"]}, ["'nitrats'", "excluded_classes", "'nitrates'"]),
        ({"excluded_classes": ["oxides"], "required_classes": ["oxide"]}, ["oxides", "both required and excluded"]),
        ({"excluded_classes": ["oxides"], "required": ["TiO2"]}, ["'TiO2'", "excluded class oxides"]),
    ],
)
def test_classes_that_cannot_be_used(options, words):
    with pytest.raises(PlanningError) as caught:
        SetConstraints(**options)
    assert all(word in str(caught.value) for word in words)


def test_a_name_near_a_class_is_no_formula_error():
    with pytest.raises(OptionError, match="Did you mean 'nitrates'"):
        SetConstraints().narrowed(exclude="nitrats")
    with pytest.raises(FormulaError, match="'Hello'"):
        SetConstraints().narrowed(exclude="Hello")


def test_salts_may_remain_where_they_are_allowed():
    target, members = parse_formula("LiAlH4"), PrecursorSet([parse_formula("LiH"), parse_formula("AlCl3")])
    assert not can_be_made(target, members)
    for allowed in ("LiCl", ["NaCl", "LiCl"], "salts"):
        rules = SetConstraints().narrowed(byproducts=allowed)
        assert can_be_made(target, members, byproducts=rules.byproducts)
        assert rules == SetConstraints(byproducts=allowed) != SetConstraints()
    both = SetConstraints(byproducts="LiCl").narrowed(byproducts="salts, LiCl")
    assert [str(each) for each in both.byproducts] == ["LiCl", "salts"]


def test_precursors_may_contain_the_elements_of_by_products():
    candidates = [parse_formula(text) for text in ("LiH", "AlCl3", "Al", "AlBr3")]
    found = [
        [
            candidates[index].formula
            for index in CandidateFilter(candidates, rules).feasible(parse_formula("LiAlH4")).indices
        ]
        for rules in (SetConstraints(), SetConstraints(byproducts="LiCl"), SetConstraints(byproducts="salts"))
    ]
    assert found == [["LiH", "Al"], ["LiH", "AlCl3", "Al"], ["LiH", "AlCl3", "Al", "AlBr3"]]


def test_by_products_that_are_no_materials_are_named():
    with pytest.raises(RRGraphError, match=r"'salt' is not a valid formula.*Did you mean 'salts'"):
        SetConstraints(byproducts="NaCl,salt")
