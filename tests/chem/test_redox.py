"""Traits of precursors, told from their elements and amounts alone."""

from dataclasses import asdict

import pytest

from rrgraph.chem import parse_formula
from rrgraph.chem.redox import DOPING, Redox, redox

NITRATES = "Ba(NO3)2 La(NO3)3·6H2O Al(NO3)3·9H2O Mn(NO3)2·4H2O Ce(NO3)3 NaNO2 BiONO3 (NH4)2Ce(NO3)6 NH4NO3 UO2(NO3)2"
AMMONIUM = "NH4H2PO4 NH4VO3 (NH4)6Mo7O24·4H2O (NH4)6H2W12O40 (NH4)2Mo4O13 NH4Fe(SO4)2·12H2O NH4Cl CO(NH2)2 CH3COONH4"
AIR_SENSITIVE = (
    "LiFePO4 FeO Fe3O4 V2O3 VO2 Ti2O3 NbO2 MoO2 WO2 EuO SnO UO2 MnO LiMnPO4 CuAlO2 CuCl SmCl2 FeS TiC TiN TiB2 SrVO3 "
    "Pr2O3 MgH2 Fe Sr2FeMoO6 Sr0.99Eu0.01Al2O4 Na2SO3 FeCl2 La0.2Ba0.8SnO2"
)
AIR_STABLE = (
    "Fe2O3 Mn3O4 Co3O4 CoO Cu2O CuO PrO2 Pr6O11 Tb4O7 LiCoO2 LiCoPO4 PbO Bi2O3 Ag2O La0.667TiO3 In1.8Sn0.2O3 CaCO3 "
    "LaCl3 CsPbI3 Ce0.8Gd0.2O1.9 Y1.95Eu0.05O3 Na2SO4 KNO3 Ca10(PO4)6(OH)2 U3O8 Zn0.98Al0.02O"
)
NITRIDES = "Si3N4 Li3N TaON Si2N2O AlN"


def traits(formula: str) -> Redox:
    return redox(parse_formula(formula))


@pytest.mark.parametrize("formula", NITRATES.split())
def test_nitrates(formula: str) -> None:
    found = traits(formula)
    assert found.nitrate
    assert not found.ammonium and not found.reduced_nitrogen


@pytest.mark.parametrize("formula", [*AMMONIUM.split(), *NITRIDES.split()])
def test_reduced_nitrogen(formula: str) -> None:
    found = traits(formula)
    assert found.reduced_nitrogen and not found.nitrate
    assert found.ammonium == (formula in AMMONIUM.split())


@pytest.mark.parametrize("formula", ["La(NO3)3·6H2O", "NH4H2PO4", "BaO2"])
def test_the_spelling_does_not_matter(formula: str) -> None:
    composition = parse_formula(formula)
    first, second = asdict(redox(composition)), asdict(redox(parse_formula(composition.key)))
    assert first == pytest.approx(second)


@pytest.mark.parametrize(
    ("trait", "yes", "no"),
    [
        ("carbide", "C B4C SiC CaC2", "Li2CO3 FeC2O4 CO(NH2)2 KCN CS2"),
        ("boride", "B B4C ZrB2", "B2O3 H3BO3 LaBO3"),
        ("burns", "Fe TiC LiH Li3N FeS NH3 NH4Cl", "FeO FeCl2 AlCl3 I2 CsPbI3 Pt Y2O2S"),
        ("organic", "Fe(CH3COO)2 Ti(OC4H9)4 C6H8O7", "LiOH NH4H2PO4 FeC2O4 NaHCO3 Mg5(CO3)4(OH)2·4H2O"),
        ("moist", "K2O Na2O2 CsO2", "KNbO3 BaO K2CO3 KCl"),
        ("air", AIR_SENSITIVE, AIR_STABLE),
        ("heat", "FeO VO2 SrVO3 LiFePO4 Fe Y2O2S MgCl MnO CePO3", "Fe3O4 Cu2O CuCl Ag CoO CuAlO2 Tl2O Pr2O3 BaTiO3"),
        ("peroxidised", "LiNiO2 Na2O2 AgO SrFeO3 LaNiO3", "LiCoO2 LiNi0.3333Co0.3333Mn0.3333O2 KMnO4 La2NiO4"),
    ],
)
def test_other_traits(trait: str, yes: str, no: str) -> None:
    found = {formula: getattr(traits(formula), trait) for formula in f"{yes} {no}".split()}
    assert found == {formula: formula in yes.split() for formula in found}


BEYOND_HYDROGEN = "LaNi5 TiO VO NbO Ti Cr Al TiAl MgH2 EuO Mg2Si TaC"
BY_HYDROGEN = "Fe FeNi3 WO2 V2O3 Ti2O3 EuTiO3 CaS Y2O2S Ni2P MnO UO2 NbO2 SrVO3 Na2Se"
BEYOND_AMMONIA = "Mg3N2 Ca3N2 Li3N AlN Si3N4 ZrN LaN CaAlSiN3 MgSiN2"
BY_AMMONIA = "GaN InN TiN VN NbN CrN Ta3N5 TaON LaTaON2 LaTiO2N BN Mo2N ZnGeN2"


@pytest.mark.parametrize("formula", BEYOND_HYDROGEN.split())
def test_hydrogen_does_not_reduce_so_far(formula: str) -> None:
    assert traits(formula).hydrogen > DOPING


@pytest.mark.parametrize("formula", BY_HYDROGEN.split())
def test_hydrogen_reduces_so_far(formula: str) -> None:
    assert traits(formula).hydrogen <= 1e-9


def test_ammonia_frees_only_some_oxides() -> None:
    for formula in BEYOND_AMMONIA.split():
        assert traits(formula).ammonia > DOPING
    for formula in BY_AMMONIA.split():
        assert traits(formula).ammonia <= DOPING
