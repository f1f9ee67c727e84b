from __future__ import annotations

from collections import Counter

import pytest

from rrgraph.chem import parse_formula
from rrgraph.data import CleaningOptions
from rrgraph.data.cleaning.rules import Dropped, clean_precursors, clean_spelling, is_composite

PAPER = CleaningOptions(correct_formulas=False, remove_media=False, remove_water=False)


def clean(target: str, precursors: str, options: CleaningOptions | None = None) -> str:
    found = clean_precursors(
        parse_formula(target), map(parse_formula, precursors.split(";")), options or CleaningOptions(), Counter()
    )
    return ";".join(precursor.formula for precursor in found)


@pytest.mark.parametrize(
    ("target", "precursors", "expected"),
    [
        ("LiCoO2", "Li2CO3;Co3O4;O2", "Li2CO3;Co3O4"),  # a gas of the furnace
        ("BaTiO3", "BaCO3;TiO2;C2H5OH", "BaCO3;TiO2"),  # a grinding liquid
        ("BaTiO3", "BaCO3;TiO2;C6H8O7", "BaCO3;TiO2"),  # citric acid
        ("BaTiO3", "BaCO3;TiO2;NaCl;KCl", "BaCO3;TiO2"),  # a molten salt
        ("BaTiO3", "BaCO3;TiO2;HCl;H2O", "BaCO3;TiO2"),
        ("LiFePO4", "Li2CO3;FeC2O4;NH4H2PO4;C", "Li2CO3;FeC2O4;NH4H2PO4;C"),  # a reducing agent
        ("NaCl", "Na;NH4Cl", "Na;NH4Cl"),
        ("SiC", "SiO2;C", "SiO2;C"),
        ("WC", "WO3;C6H12O6", "WO3;C6H12O6"),  # sugar as carbon source
        ("WC", "WO3;C;C2H5OH", "WO3;C"),  # but a liquid is none
        ("Si3N4", "SiO2;C;N2", "SiO2;C"),  # carbothermal nitridation
        ("LaB6", "La2O3;B2O3;C", "La2O3;B2O3;C"),  # carbothermal reduction
        ("TiN", "TiO2;CH4N2O", "TiO2;CH4N2O"),  # urea as nitrogen source
        ("TiN", "Ti;NH3;HNO3", "Ti"),
        ("C3N4", "C3H6N6", "C3H6N6"),  # melamine, for a target without any source element
        ("BaTiO3", "BaCl2;TiO2", "BaCl2;TiO2"),  # a foreign anion with a needed cation stays
        ("Fe2O3", "FeO;Fe3O4;Fe6O8", "FeO;Fe3O4"),
    ],
)
def test_media_are_told_from_precursors(target, precursors, expected):
    assert clean(target, precursors) == expected


@pytest.mark.parametrize(
    ("target", "precursors", "reason"),
    [
        ("BaTiO3", "BaCO3;SrCO3", "target element missing"),
        ("BaTiO3", "BaCO3;TiO2;Ba2Ti2O6", "target among its own"),
        ("BaTiO3", "C2H5OH;H2O", "no precursor is left"),
    ],
)
def test_rows_that_break_a_rule_are_dropped(target, precursors, reason):
    with pytest.raises(Dropped, match=reason):
        clean(target, precursors)


def test_the_rules_of_the_paper_alone_change_nothing():
    assert clean("BaTiO3", "BaCO3;TiO2;C2H5OH;NaCl", PAPER) == "BaCO3;TiO2;C2H5OH;NaCl"
    with pytest.raises(Dropped, match="target element missing"):
        clean("BaTiO3", "BaCO3;C2H5OH", PAPER)
    assert clean("Ba(NO3)2", "BaO", PAPER) == "BaO"  # nitrogen may come from elsewhere


def test_changes_are_counted_only_for_kept_rows():
    counts: Counter[str] = Counter()
    with pytest.raises(Dropped):
        clean_precursors(parse_formula("BaTiO3"), map(parse_formula, ["BaCO3", "O2"]), CleaningOptions(), counts)
    assert not counts


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("La2O3(4N)", "La2O3"),
        ("Fe2O3 (99.9%)", "Fe2O3"),
        ("Fe2O3(A.R.)", "Fe2O3"),
        ("Y2O399.999", "Y2O3"),
        ("LiOH·H2O", "LiOH"),
        ("Cu(NO3)2·2.5H2O", "Cu(NO3)2"),
        ("Co(CH3COO)2.4H2O", "Co(CH3COO)2"),
        ("La2(CO3)3·xH2O", "La2(CO3)3"),
        ("La(NO3)3·(n)H2O", "La(NO3)3"),
        ("(MgCO3)4.Mg(OH)2.5H2O", "(MgCO3)4·Mg(OH)2"),
        ("CaSO4·½H2O", "CaSO4"),
        ("CaSO4·.5 H2O", "CaSO4"),
        ("CaSO4.0.5H2O", "CaSO4"),
        ("2.5H2O·CuSO4", "CuSO4"),
        ("Al2(SO4)3.xH2O", "Al2(SO4)3"),
        ("H2O", "H2O"),
        ("CuSO4 5H2O", "CuSO4 5H2O"),  # cannot be read
        ("Mn0.5H2O", "Mn0.5H2O"),  # a decimal amount of Mn, no hydrate
        ("Ba(NO3)2", "Ba(NO3)2"),
        ("Al2(SO4)3", "Al2(SO4)3"),
        ("TiO2", "TiO2"),
    ],
)
def test_grade_and_water_are_taken_off_a_spelling(typed, plain):
    assert clean_spelling(typed) == plain


def test_water_can_be_left():
    assert clean_spelling("LiOH·H2O", remove_water=False) == "LiOH·H2O"


@pytest.mark.parametrize(("text", "composite"), [("Al2O3·SiO2", True), ("CaO.SiO2", True), ("Li1.5Mn2O4", False)])
def test_composites_are_recognised(text, composite):
    assert is_composite(text) is composite
