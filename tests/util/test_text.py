from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.util.text import cell_fault, percent, unicode_text


@pytest.mark.parametrize(
    ("probability", "shown"),
    [
        (0, "< 0.01 %"),
        (9.9e-5, "< 0.01 %"),
        (1e-4, "0.01 %"),
        (0.00996, "1 %"),
        (0.0426, "4.3 %"),
        (0.0996, "10 %"),
        (0.415, "42 %"),
        (0.99, "99 %"),
        (0.9949, "99 %"),
        (0.995, "> 99 %"),
        (1, "> 99 %"),
    ],
)
def test_percent(probability, shown):
    assert percent(probability) == shown


@given(st.floats(1e-4, 0.995, exclude_max=True))
def test_percent_has_two_digits_that_count(probability):
    assert float(percent(probability).removesuffix(" %")) / 100 == pytest.approx(probability, rel=0.051)


def test_cells_that_cannot_be_shown():
    assert cell_fault("BaTiO3") is cell_fault(5) is cell_fault(None) is cell_fault(["é", {"a": "\U0001f600"}]) is None
    assert "NUL" in cell_fault(["a", {"b": "\0"}])
    assert "Unicode" in cell_fault({"\ud800": 1})
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]
    assert "64 levels" in cell_fault(deep)
    assert unicode_text("a\0\udcffé") == "a\\0\\udcffé"
