from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.data.cleaning.variables import evaluate, variable_names
from rrgraph.errors import FormulaError

leaves = st.integers(0, 99).map(str) | st.sampled_from(["x", "y", "del_O", "0.25"])
expressions = st.recursive(
    leaves,
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*"), inner).map("({0[0]}{0[1]}{0[2]})".format) | inner.map("(-{})".format)
    ),
    max_leaves=6,
)


@given(expressions)
def test_arithmetic_agrees_with_python(text):
    values = {"x": Fraction(1, 3), "y": Fraction(7), "del_O": Fraction(0)}
    if len(text) <= 100:
        exact = eval(text.replace("0.25", "Fraction(1, 4)"), {"Fraction": Fraction, **values})
        assert evaluate(text, values) == exact


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 - del_O", 3),
        ("1-x", Fraction(9, 10)),
        ("+3.5 - del_O", Fraction(7, 2)),
        ("(100-x)/100", Fraction(999, 1000)),
    ],
)
def test_amounts_as_they_occur(text, value):
    assert evaluate(text, {"x": Fraction(1, 10), "del_O": Fraction(0)}) == value


def test_names_are_found():
    assert variable_names("1.5*z+26-x") == {"x", "z"}
    assert variable_names("12") == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1-",
        "x**9",
        "9**9**9",
        "abs(x)",
        "x.real",
        "[1]",
        "True",
        "'a'",
        "x if x else 1",
        "1/0",
        "q",
        "1" * 101,
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(FormulaError):
        evaluate(text, {"x": Fraction(1)})
