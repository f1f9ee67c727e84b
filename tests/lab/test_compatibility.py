"""Tests of rrgraph.planning.compatibility."""

import pytest

from rrgraph.chem import parse_formula
from rrgraph.planning import incompatibility


@pytest.mark.parametrize(
    "members",
    [
        "K H2SiF6",
        "KNH2 H2SiF6",
        "NaH H3PO4",
        "Na NH4HF2",
        "Ba HNO3",
        "Li SiO2 H2C2O4",
        "Na NaNO3",
        "CaH2 KClO4",
        "KH H2SO4",
    ],
)
def test_active_metals_hydrides_and_amides_meet_no_acid_or_oxidiser(members):
    found = [parse_formula(each) for each in members.split()]
    reason = incompatibility(found)
    assert reason is not None
    assert reason == incompatibility(reversed(found))
    assert reason.startswith(next(each for each in members.split() if each[0] in "KNBLC"))


@pytest.mark.parametrize(
    "members",
    [
        "K2CO3 H2SiF6",
        "Li Co3O4",
        "Mg B",
        "NaH Al",
        "Ba Si",
        "Na S",
        "Li2CO3 NH4H2PO4 Fe2O3",
        "LiH Li3N",
        "Ca CaCl2",
        "KNH2 KNO3",
    ],
)
def test_other_sets_may_be_mixed(members):
    assert incompatibility(map(parse_formula, members.split())) is None


@pytest.mark.parametrize("members", ["NaN3 HCl", "KN3 H2SO4", "KCN HNO3", "CuCN HBr"])
def test_azides_and_cyanides_are_kept_from_acids(members):
    assert "with the acid" in incompatibility(map(parse_formula, members.split()))
    assert incompatibility(map(parse_formula, [members.split()[0], "NH4Cl"])) is None
    assert incompatibility(map(parse_formula, ["K4Fe(CN)6", members.split()[1]])) is None
