"""Traits of precursors, told from their elements and amounts alone."""

import pytest

from rrgraph.chem import parse_formula
from rrgraph.chem.redox import Redox, redox

NITRATES = "Ba(NO3)2 La(NO3)3·6H2O Al(NO3)3·9H2O Mn(NO3)2·4H2O Ce(NO3)3 NaNO2 BiONO3 (NH4)2Ce(NO3)6 NH4NO3 UO2(NO3)2"
AMMONIUM = "NH4H2PO4 NH4VO3 (NH4)6Mo7O24·4H2O (NH4)6H2W12O40 (NH4)2Mo4O13 NH4Fe(SO4)2·12H2O NH4Cl CO(NH2)2 CH3COONH4"
NITRIDES = "Si3N4 Li3N TaON Si2N2O AlN"


def traits(formula: str) -> Redox:
    return redox(parse_formula(formula))


@pytest.mark.parametrize("formula", NITRATES.split())
def test_nitrates(formula: str) -> None:
    found = traits(formula)
    assert found.nitrate and found.gives_oxygen
    assert not found.ammonium and not found.reduced_nitrogen


@pytest.mark.parametrize("formula", [*AMMONIUM.split(), *NITRIDES.split()])
def test_reduced_nitrogen(formula: str) -> None:
    found = traits(formula)
    assert found.reduced_nitrogen and not found.nitrate
    assert found.ammonium == (formula in AMMONIUM.split())


@pytest.mark.parametrize("formula", ["La(NO3)3·6H2O", "NH4H2PO4", "BaO2"])
def test_the_spelling_does_not_matter(formula: str) -> None:
    composition = parse_formula(formula)
    assert redox(composition) == redox(parse_formula(composition.key))


@pytest.mark.parametrize(
    ("trait", "yes", "no"),
    [
        ("carbide", "C B4C SiC CaC2", "Li2CO3 FeC2O4 CO(NH2)2 KCN CS2"),
        ("sulfide", "S Na2S CS2 CH4N2S", "CuSO4 Na2S2O3 La2O2S"),
        ("gives_oxygen", "BaO2 KO2 Na2O2 MnO2 Co3O4 CuSO4 LiNO3", "BaO V2O5 Fe2O3 La2O3 Li2CO3 NH4H2PO4 Mn Cu"),
        ("reducible", "V2O5 Fe2O3 MoO3 Eu2O3", "La2O3 Al2O3 MnO2 Li2CO3"),
    ],
)
def test_other_traits(trait: str, yes: str, no: str) -> None:
    found = {formula: getattr(traits(formula), trait) for formula in f"{yes} {no}".split()}
    assert found == {formula: formula in yes.split() for formula in found}
