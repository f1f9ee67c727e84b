from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem import oxygen_values, parse_formula


def of_formula_unit(formula):
    composition = parse_formula(formula)
    atoms = float(sum(amount for _, amount in composition.amounts))
    return tuple(value * atoms for value in oxygen_values(composition))


@pytest.mark.parametrize(
    ("formula", "oxygen"),
    [
        ("Mo", 0),
        ("MoO3", 3),
        ("BaO2", 2),
        ("BaCO3", 1),  # BaO + CO2
        ("LiOH", 1 / 2),  # Li2O/2 + H2O/2
        ("H3BO3", 3 / 2),
        ("FeC2O4", 1),  # FeO + CO + CO2
        ("FeC2O4·2H2O", 1),
        ("(NH4)2C2O4·H2O", 0),
        ("NaHCO3", 1 / 2),
        ("Mg5(CO3)4(OH)2·4H2O", 5),
        ("NH4VO3", 5 / 2),  # V2O5/2 + NH3 + H2O/2
        ("(NH4)2HPO4", 5 / 2),
        ("NH4Cl", -1 / 2),  # NH3 + HCl, of which the hydrogen takes oxygen along
        ("LiC2H3O2", -7 / 2),  # burns
        ("C", -2),
        ("TiC", -2),
        ("Li2C2", -4),
        ("AlN", 0),
        ("LiNH2", 0),
        ("CO(NH2)2", -1),
        ("NaNO2", 2),
        ("NH4NO3", 1),
        ("H2O", 0),
    ],
)
def test_oxygen_that_is_left(formula, oxygen):
    assert of_formula_unit(formula) == pytest.approx((oxygen, oxygen))


@pytest.mark.parametrize(
    ("formula", "usual", "other"),
    [
        ("Ba(NO3)2", 6, 2),  # BaO + N2 + 5/2 O2, or BaO + 2 NO2 + 1/2 O2
        ("Ni(NO3)2·6H2O", 6, 2),
        ("BiONO3", 4, 2),
        ("CaH2", 0, -1),  # Ca + H2, or Ca + H2O
        ("NaBH4", 0, -2),
    ],
)
def test_what_decomposes_in_two_ways(formula, usual, other):
    assert of_formula_unit(formula) == pytest.approx((usual, other))


@given(
    st.sampled_from(["La(NO3)3", "FeC2O4", "LiOH", "Co(CH3COO)2", "MgCO3", "NH4H2PO4", "La2(C2O4)3"]),
    st.integers(1, 12),
)
def test_water_changes_nothing(salt, water):
    assert of_formula_unit(f"{salt}·{water}H2O") == pytest.approx(of_formula_unit(salt))
