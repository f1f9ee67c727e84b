"""How equations are written."""

from fractions import Fraction

import pytest

from rrgraph.chem import BalancedEquation, balance, parse_formula
from rrgraph.chem.equation import format_coefficient


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1", "1"), ("2", "2"), ("14", "14"), ("3/2", "1.5"), ("1/12", "1/12"), ("11/60", "11/60"), ("1/80", "0.0125"),
        ("1/3", "1/3"), ("10007/30000", "0.3336"), ("2469/10000", "0.2469"), ("12345/10000", "1.234"),
        ("12345", "12345"), ("7/400000", "0.0000175"), ("1/300007", "3.333e-06"),
    ],
)  # fmt: skip
def test_coefficients(value, text):
    assert format_coefficient(Fraction(value)) == text


def test_equation_in_decimals_and_in_whole_numbers():
    equation = balance(parse_formula("LiCoO2"), [parse_formula("Li2CO3"), parse_formula("Co3O4")])
    assert str(equation) == "0.5 Li2CO3 + 1/3 Co3O4 + 1/12 O2 → LiCoO2 + 0.5 CO2"
    assert equation.integer() == "6 Li2CO3 + 4 Co3O4 + O2 → 12 LiCoO2 + 6 CO2"


def test_typed_spelling_is_shown():
    equation = BalancedEquation(parse_formula("CaSO4"), ((parse_formula("CaSO4·2H2O"), Fraction(1)),))
    assert str(equation) == "CaSO4·2H2O → CaSO4"
