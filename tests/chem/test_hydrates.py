"""Tests of rrgraph.chem.hydrates."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem import anhydrous, parse_formula

HYDRATES = {
    "FeC2O4·2H2O": "FeC2O4",
    "Ni(NO3)2·6H2O": "Ni(NO3)2",
    "H12LaN3O15": "La(NO3)3",
    "LiOH·H2O": "LiOH",
    "Ba(OH)2·8H2O": "Ba(OH)2",
    "Zn(CH3COO)2·2H2O": "Zn(CH3COO)2",
    "La2(CO3)3·8H2O": "La2(CO3)3",
    "NaH2PO4·2H2O": "NaH2PO4",
    "Ca(H2PO4)2·H2O": "Ca(H2PO4)2",
    "FePO4·2H2O": "FePO4",
    "(NH4)6Mo7O24·4H2O": "(NH4)6Mo7O24",
    "(NH4)10W12O41·5H2O": "(NH4)10W12O41",
    "ZrOCl2·8H2O": "ZrOCl2",
    "UO2(NO3)2·6H2O": "UO2(NO3)2",
    "KAl(SO4)2·12H2O": "KAl(SO4)2",
    "Na2B4O7·10H2O": "Na2B4O7",
    "Na2SiO3·9H2O": "Na2SiO3",
    "CaSO4·0.5H2O": "CaSO4",
    "SnCl4·5H2O": "SnCl4",
    "CrCl3·6H2O": "CrCl3",
    "Na2S·9H2O": "Na2S",
    "Li3C6H5O7·4H2O": "Li3C6H5O7",
    "HAuCl4·3H2O": "HAuCl4",
    "H2C2O4·2H2O": "H2C2O4",
}
OTHERS = [
    "NaH2PO4",
    "NH4H2PO4",
    "(NH4)2HPO4",
    "NH4NO3",
    "NaHCO3",
    "KHSO4",
    "CaHPO4",
    "Al(OH)3",
    "AlOOH",
    "Ni(OH)2",
    "La(OH)3",
    "Te(OH)6",
    "H3BO3",
    "H2WO4",
    "H3PO4",
    "H2SO4",
    "HNO3",
    "Al2Si2O5(OH)4",
    "Ca5(PO4)3OH",
    "Cu2(OH)2CO3",
    "Mg5(CO3)4(OH)2",
    "Co(CH3COO)2",
    "CO(NH2)2",
    "C6H12O6",
    "H2O",
    "CH3NH3I",
    "BaTiO3",
    "NH4VO3",
    "Nb2O5·3H2O",
    "MnO2·H2O",
]


@pytest.mark.parametrize(("hydrate", "salt"), HYDRATES.items())
def test_a_hydrate_of_a_salt_loses_its_water_and_keeps_its_spelling(hydrate, salt):
    found = anhydrous(parse_formula(hydrate))
    assert found == parse_formula(salt)
    assert "·" not in found.formula
    assert anhydrous(found) is found


@pytest.mark.parametrize("formula", OTHERS)
def test_what_is_no_hydrate_of_a_salt_keeps_its_hydrogen(formula):
    composition = parse_formula(formula)
    assert anhydrous(composition) is composition


@given(salt=st.sampled_from(sorted(HYDRATES.values())), water=st.fractions(Fraction(1, 4), 20, max_denominator=4))
def test_any_amount_of_water_gives_the_same_salt(salt, water):
    assert anhydrous(parse_formula(f"{salt}·{water}H2O")) == parse_formula(salt)


def test_amounts_stay_those_of_the_formula_unit():
    assert dict(anhydrous(parse_formula("2FePO4·4H2O")).amounts) == {"Fe": 2, "O": 8, "P": 2}


@pytest.mark.parametrize(("hydrate", "salt"), [("Zr(SO4)2·4H2O", "Zr(SO4)2"), ("Zr(HPO4)2·H2O", "Zr(HPO4)2")])
def test_a_salt_is_not_taken_for_an_acid_salt_of_its_oxycation(hydrate, salt):
    assert anhydrous(parse_formula(hydrate)) == parse_formula(salt)
