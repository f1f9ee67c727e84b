"""The page on equations is that of the code: its table of gases, its values of atmospheres, its examples."""

from __future__ import annotations

import doctest
from pathlib import Path

from rrgraph.chem import Atmosphere
from rrgraph.chem.gases import TABLE

PAGE = Path(__file__).parents[2] / "docs" / "equations.md"


def test_the_table_of_gases_is_that_of_the_code():
    cells = [
        line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")
    ]
    rows = [[cell.split() for cell in row] for row in cells if len(row) == 4]
    expected = [
        [[row.atmosphere.value], row.taken_up.split(), row.released.split(), row.rarely.split()] for row in TABLE
    ]
    assert [row for row in rows if row in expected] == expected


def test_every_atmosphere_is_explained():
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{atmosphere.value}`" in text for atmosphere in Atmosphere)


def test_the_examples_are_what_they_give():
    result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert result.attempted and not result.failed
