from __future__ import annotations

from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem import ELEMENTS, NOBLE_GASES, parse_formula
from rrgraph.chem.charges import ANIONS, BASIC, CHARGES, HIGHEST_CHARGES, NONMETALS, compound, neutral, salt_charges


def test_charges_are_ascending_and_of_elements():
    assert CHARGES.keys() | ANIONS.keys() <= set(ELEMENTS)
    assert not NOBLE_GASES & CHARGES.keys()
    assert all(charges == tuple(sorted(set(charges))) and charges[0] > 0 for charges in CHARGES.values())


def test_every_element_up_to_curium_has_charges_or_is_named():
    without = set(ELEMENTS[:96]) - CHARGES.keys()
    assert without == NOBLE_GASES | {"H", "O", "F", "Po", "At", "Fr"}


def test_pymatgen_knows_nearly_all_charges():
    from pymatgen.core import Element

    unknown = {
        (symbol, charge)
        for symbol, charges in CHARGES.items()
        for charge in charges
        if charge not in Element(symbol).oxidation_states + Element(symbol).icsd_oxidation_states
    }
    assert unknown <= {("Ag", 2), ("Cu", 3), ("Pm", 3)}


def test_the_highest_charges_differ_where_it_is_said():
    differ = {symbol for symbol, charge in HIGHEST_CHARGES.items() if charge != max(CHARGES.get(symbol, (0,)))}
    assert differ == {"F", "H", "Fr", "Xe", "Ag", "Co", "Cu", "Ni", "Cm", "Am", "Ir", "Pu", "Ru"}
    assert HIGHEST_CHARGES.keys() >= CHARGES.keys()


@given(st.integers(1, 8), st.integers(1, 4))
def test_neutral_numbers_are_the_smallest(positive, negative):
    cations, anions = neutral(positive, negative)
    assert cations * positive == anions * negative
    assert gcd(cations, anions) == 1


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([("La", 2), ("CO3", 3)], "La2(CO3)3"),
        ([("Ba", 1), ("CO3", 1)], "BaCO3"),
        ([("H", 0), ("NH4", 2), ("S", 1), ("O", 4)], "(NH4)2SO4"),
        ([("Mg", 5), ("CO3", 4), ("OH", 2)], "Mg5(CO3)4(OH)2"),
        ([("Fe", 2), ("O", 3)], "Fe2O3"),
    ],
)
def test_groups_stand_in_brackets(parts, expected):
    assert compound(*parts) == expected
    parse_formula(expected)


def test_acids_form_no_cations_of_salts():
    assert all(salt_charges(symbol) == () for symbol in NONMETALS | {"W", "Nb"})
    assert all(salt_charges(symbol) for symbol in BASIC)
    assert salt_charges("Mn") == (2, 3)
    assert salt_charges("Zr") == (4,)
    assert salt_charges("Og") == ()
