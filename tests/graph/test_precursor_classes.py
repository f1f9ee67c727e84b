from __future__ import annotations

import pytest

from rrgraph.chem import parse_formula
from rrgraph.graph import PRECURSOR_CLASSES, precursor_class
from rrgraph.graph.precursor_classes import supply_form

KIND = {
    "Al8Cr5": "element",
    "Si": "element",
    "Co3O4": "oxide",
    "LiCoO2": "oxide",
    "BaCO3": "carbonate",
    "Li2CO3": "carbonate",
    "Bi(NO3)3": "nitrate",
    "La(OH)3": "hydroxide",
    "FeC2O4(H2O)2": "organic",
    "C4H6MnO4": "organic",
    "NH4H2PO4": "ammonium",
    "(NH4)2CO3": "ammonium",
    "FePO4": "oxyanion",
    "Na2SO4": "oxyanion",
    "SeO2": "oxyanion",
    "LaF3": "halide",
    "ZnS": "chalcogenide",
    "Se": "chalcogenide",
    "TiN": "other",
    "P": "other",
}


@pytest.mark.parametrize(("formula", "kind"), KIND.items())
def test_kinds(formula, kind):
    assert precursor_class(parse_formula(formula)) == kind


def test_every_kind_is_tested_above():
    assert set(KIND.values()) == set(PRECURSOR_CLASSES)


@pytest.mark.parametrize(
    ("formula", "symbol", "form"),
    [
        ("Li2CO3", "Li", "metal C-O"),
        ("Co3O4", "Co", "metal O"),
        ("Al", "Al", "metal"),
        ("LiCoO2", "Li", "metal O mixed"),
        ("Al8Cr5", "Cr", "metal mixed"),
        ("NH4H2PO4", "P", "non-metal H-N-O"),
        ("Li3PO4", "P", "non-metal O mixed"),
        ("Li3PO4", "Li", "metal O-P"),
        ("S", "S", "non-metal"),
    ],
)
def test_forms(formula, symbol, form):
    assert supply_form(parse_formula(formula), symbol) == form


def test_a_form_does_not_know_its_element():
    assert supply_form(parse_formula("Na2CO3"), "Na") == supply_form(parse_formula("BaCO3"), "Ba")
    assert supply_form(parse_formula("Na2CO3"), "Na") != supply_form(parse_formula("NaHCO3"), "Na")
