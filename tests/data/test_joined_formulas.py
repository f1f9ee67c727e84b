from __future__ import annotations

import pytest

from rrgraph.data import split_precursors


@pytest.mark.parametrize(
    "text", ["CuSO4 5H2O", "Ba CO3", "NH4 H2PO4", "Ni1/3Co2/3O", "Li(Ni0.8 Co0.2)O2", "FeC2O4·2H2O"]
)
def test_one_formula_is_not_divided(text):
    assert split_precursors(f"{text};TiO2") == [text, "TiO2"]
