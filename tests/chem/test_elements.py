"""Element tables and the element questions planning asks."""

import pytest

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, VOLATILE, element_system, parse_formula, source_elements


def test_elements_are_in_order_of_atomic_number():
    assert len(ELEMENTS) == len(set(ELEMENTS)) == 103
    for symbol, number in {"H": 1, "O": 8, "Fe": 26, "La": 57, "Lu": 71, "Pb": 82, "U": 92, "Lr": 103}.items():
        assert ELEMENTS[number - 1] == symbol
        assert ATOMIC_NUMBERS[symbol] == number


def test_elements_agree_with_pymatgen():
    from pymatgen.core import Element

    assert [Element(symbol).Z for symbol in ELEMENTS] == list(range(1, 104))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("LiFePO4", {"Li", "Fe", "P"}),
        ("(NH4)2HPO4", {"P"}),
        ("SiC", {"Si"}),
        ("CO2", {"C", "O"}),
        ("NH4NO3", set("NHO")),
    ],
)
def test_source_elements(formula, expected):
    assert source_elements(parse_formula(formula)) == expected


def test_volatile_elements_come_with_the_air():
    assert {"C", "H", "O", "N"} == VOLATILE


def test_element_system_is_alphabetical_and_holds_all_elements():
    assert element_system(parse_formula("Fe2O3")) == "Fe-O"
    assert element_system(parse_formula("LiNi0.8Co0.2O2")) == "Co-Li-Ni-O"
