"""Tests of rrgraph.chem.carbon."""

import pytest

from rrgraph.chem import carbon_source, parse_formula, supplies_carbon


@pytest.mark.parametrize(
    "formula", ["BaCO3", "La2O2CO3", "NaHCO3", "Na8Al6Si6O24CO3", "Bi2O2CO3", "BaTiO3", "Cu2(OH)2CO3", "Ca5(PO4)3CO3F"]
)
def test_the_air_gives_its_carbon_to_carbonates(formula):
    assert carbon_source(parse_formula(formula)) is None


@pytest.mark.parametrize(
    "formula", ["WC", "Ti3AlC2", "SiC", "CaC2", "KCN", "FeC2O4", "FeC2O4·2H2O", "Al4O4C", "CaCN2", "C"]
)
def test_everything_else_needs_a_precursor_with_carbon(formula):
    assert carbon_source(parse_formula(formula)) == "carbon"


@pytest.mark.parametrize("formula", ["CH3NH3PbI3", "Zn4O(C8H4O4)3", "Zn(CH3COO)2", "HC(NH2)2PbI3"])
def test_carbon_with_hydrogen_is_organic(formula):
    assert carbon_source(parse_formula(formula)) == "organic carbon"


@pytest.mark.parametrize(
    ("target", "sources", "others"),
    [
        ("WC", ["C", "TiC", "Al4C3"], ["BaCO3", "W", "C6H8O7", "Zn(CH3COO)2", "H2CN2", "C3H4N2"]),
        ("FeC2O4", ["H2C2O4", "K2C2O4", "H2C2O4·2H2O"], ["FeCO3", "Fe"]),
        ("CaCN2", ["H2CN2", "C3H6N6", "CaC2"], ["CaCO3"]),
        ("CH3NH3PbI3", ["CH3NH3I", "CH3NH3Cl", "CH3NH2"], ["Pb(CH3COO)2", "C", "HC(NH2)2I", "PbCO3"]),
        ("Fe4[Fe(CN)6]3", ["K4Fe(CN)6", "Fe(CN)2"], ["Fe3C", "C", "Fe(CO)5"]),
        ("TiCN", ["C", "TiC"], ["TiN"]),
        ("Zn(CH3COO)2", ["CH3COOH", "NaCH3COO"], ["C", "ZnCO3", "C8H6O4"]),
        ("Zn4O(C8H4O4)3", ["C8H6O4"], ["Zn(CH3COO)2", "ZnCO3", "ZnC2O4", "H2CN2", "C6H8O7", "Zn(C5H7O2)2"]),
    ],
)
def test_carbon_comes_from_precursors_that_can_keep_it(target, sources, others):
    composition = parse_formula(target)
    assert [each for each in [*sources, *others] if supplies_carbon(parse_formula(each), composition)] == sources
