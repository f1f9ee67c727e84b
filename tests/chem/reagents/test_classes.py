from __future__ import annotations

import pytest

from rrgraph.chem import REAGENT_CLASSES, find_class, parse_formula, reagent_classes, reagent_library
from rrgraph.chem.reagents.groups import read_groups
from rrgraph.graph import precursor_class

CASES = {
    "Sr(NO3)2": "nitrates oxidisers",
    "Pb(NO3)2": "nitrates oxidisers toxic",
    "NaNO2": "nitrites oxidisers toxic",
    "BaCO3": "carbonates toxic",
    "NaHCO3": "bicarbonates",
    "FeC2O4": "organics oxalates",
    "FeC2O4·2H2O": "hydrates organics oxalates",
    "Mn(CH3COO)2": "acetates organics",
    "Ti(OC3H7)4": "air-sensitive alkoxides organics",
    "Fe(C5H7O2)3": "acetylacetonates organics",
    "CO(NH2)2": "organics",
    "TiO2": "oxides",
    "BaTiO3": "oxides",
    "Na2O2": "oxidisers peroxides",
    "KO2": "air-sensitive oxidisers superoxides",
    "LiOH": "hydroxides",
    "FeOOH": "hydroxides",
    "H3BO3": "acids borates",
    "HCl": "acids chlorides halides",
    "NH4H2PO4": "ammonium phosphates",
    "Li3P": "air-sensitive phosphides pyrophoric",
    "NaN3": "azides toxic",
    "Si3N4": "nitrides",
    "CaAlSiN3": "air-sensitive nitrides",
    "LiNH2": "air-sensitive amides",
    "LiH": "air-sensitive hydrides",
    "NaBH4": "air-sensitive hydrides",
    "KCN": "cyanides toxic",
    "K4Fe(CN)6": "cyanides",
    "NiF2": "fluorides halides",
    "BiOCl": "chlorides halides",
    "MoS2": "chalcogenides sulfides",
    "La2O2S": "chalcogenides oxides sulfides",
    "Na2SO4": "sulfates",
    "KClO4": "oxidisers perchlorates",
    "Ca2MnO4": "oxides",
    "KMnO4": "oxidisers permanganates",
    "TiC": "carbides",
    "LaB6": "borides",
    "MoSi2": "silicides",
    "CdTe": "chalcogenides tellurides toxic",
    "CH3NH3I": "halides iodides organics",
    "Fe": "elements metals",
    "S": "elements",
    "LaNi5": "metals",
    "CoSb3": "antimonides",
    "TeO3": "oxides",
    "UO2": "air-sensitive oxides radioactive",
}


@pytest.mark.parametrize(("formula", "expected"), CASES.items())
def test_classes_of(formula, expected):
    assert sorted(reagent_classes(parse_formula(formula))) == expected.split()


def test_classes_do_not_depend_on_the_spelling():
    for formula in ("Ba(NO3)2", "FeC2O4", "NH4HF2", "Pb(CH3COO)2"):
        typed = parse_formula(formula)
        assert reagent_classes(parse_formula(typed.key)) == reagent_classes(typed)


def test_every_reagent_has_a_known_class_and_every_class_a_reagent():
    found = [reagent_classes(each.composition) for each in reagent_library().values()]
    assert all(found)
    assert set().union(*found) == set(REAGENT_CLASSES)


@pytest.mark.parametrize("name", ["nitrates", "nitrate", "Nitrates", " NITRATE ", "nitrates "])
def test_names_in_any_form(name):
    assert find_class(name) == "nitrates"


def test_further_names():
    assert find_class("air sensitive") == find_class("Air_Sensitive") == "air-sensitive"
    assert find_class("oxidizers") == "oxidisers"
    assert find_class("ammonium salts") == "ammonium"
    assert [find_class(name) for name in ("", "nitrats", "BaCO3", "N")] == [None] * 4


def test_no_class_is_also_a_formula():
    for name in REAGENT_CLASSES:
        for typed in (name, name.capitalize(), name.upper()):
            with pytest.raises(ValueError, match="not a valid formula"):
                parse_formula(typed)


def test_the_classes_of_the_features_are_others():
    oxalate = parse_formula("FeC2O4")
    assert precursor_class(oxalate) == "carbonate"
    assert "carbonates" not in reagent_classes(oxalate)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("(NH4)2Ce(NO3)6", {"NH4": 2, "Ce": 1, "NO3": 6}),
        ("CuSO4·5H2O", {"Cu": 1, "SO4": 1, "H2O": 5}),
        ("Ni0.8Co0.2(OH)2", {"Ni": 0.8, "Co": 0.2, "OH": 2}),
        ("Ta3N5", {"Ta": 3, "N": 5}),
        ("NaN3", {"Na": 1, "N3": 1}),
        ("Ba(N3)2", {"Ba": 1, "N3": 2}),
        ("TeO3", {"Te": 1, "O": 3}),
        ("Fe4[Fe(CN)6]3", {"Fe": 7, "CN": 18}),
        ("(CH3)2NH2I", {"(CH3)2NH2": 1, "I": 1}),
        ("2Ni(OH)2", {"Ni": 2, "OH": 4}),
        ("Ba(NO3", None),
        ("BaNO3)2", None),
        ("baryta", None),
    ],
)
def test_groups(formula, expected):
    assert read_groups(formula) == expected


@pytest.mark.parametrize(
    "name", ["Ni(NO3)2·6H2O", "CoCl2·6H2O", "Ba(OH)2·8H2O", "NiSO4·7H2O", "Na2SeO3·5H2O", "Cl2", "PH3"]
)
def test_hydrates_of_toxic_salts_and_toxic_gases_are_toxic(name):
    assert "toxic" in reagent_classes(parse_formula(name))
