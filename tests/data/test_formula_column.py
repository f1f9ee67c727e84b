from __future__ import annotations

import warnings

import pytest

from rrgraph.data import find_formula_column
from rrgraph.errors import DataError, DataWarning
from rrgraph.util.rows import open_rows


def column_of(tmp_path, text, name="t.csv", **options):
    path = tmp_path / name
    path.write_text(text)
    with open_rows(path) as rows:
        column = find_formula_column(rows, **options)
        return column, [row.cells[column] for row in rows]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("id,formula\n1,BaTiO3\n", "formula"),
        (" FORMULA ;id\nBaTiO3;1\n", "FORMULA"),
        ("target,formula\n1.5,BaTiO3\n2.5,SrTiO3\n", "formula"),
        ("target,formula\nsolar cell,BaTiO3\n", "formula"),
        ("formula,target\nBaTiO3,SrTiO3\n", "target"),
        ("sample,Chemical_Formula\nS1,BaTiO3\nS2,SrTiO3\n", "Chemical_Formula"),
        ("material,composition\nbarium titanate,BaTiO3\n", "composition"),
        ("compound\nFe\nCu\n", "compound"),
        ("target\nLixCoO2\nABO3\n", "target"),
        ("target,precursors\nLixCoO2,Li2CO3\nABO3,Al2O3\n", "target"),
        ("target\n", "target"),
    ],
)
def test_a_column_is_found_by_name_and_content(tmp_path, text, column):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert column_of(tmp_path, text)[0] == column


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("n,oxide\n1,BaTiO3\n2,SrTiO3\n3,zirconia\n", "oxide", "read from the column 'oxide'. Say so"),
        ("target,oxide\n1,BaTiO3\n", "oxide", "the column 'target' holds other things"),
        ("sure,oxide\nNo,BaTiO3\nNo,SrTiO3\n", "oxide", "'oxide'"),
    ],
)
def test_a_guess_is_said(tmp_path, text, column, words):
    with pytest.warns(DataWarning, match=words):
        assert column_of(tmp_path, text, hint=" Say so.")[0] == column


def test_a_table_without_header_loses_no_row(tmp_path):
    with pytest.warns(DataWarning, match="'column 2'"):
        assert column_of(tmp_path, "1,BaTiO3\n2,SrTiO3\n") == ("column 2", ["BaTiO3", "SrTiO3"])
    with pytest.warns(DataWarning, match="its only column"):
        assert column_of(tmp_path, "BaTiO3\nSrTiO3\n")[1] == ["BaTiO3", "SrTiO3"]


@pytest.mark.parametrize("text", ["target,size\n1,2\n", "name,size\nbarium titanate,2\n", "stable\nNo\nNo\n"])
def test_a_table_without_formulas_is_refused(tmp_path, text):
    with pytest.raises(DataError, match="has no column of formulas, such as one named 'target', found"):
        column_of(tmp_path, text)


def test_a_column_that_was_given_is_taken(tmp_path):
    assert column_of(tmp_path, "target,Oxide\nBaTiO3,5\n", given="oxide")[0] == "Oxide"
    with pytest.raises(DataError, match=r"no column 'oxyde'.*Did you mean 'Oxide'"):
        column_of(tmp_path, "target,Oxide\nBaTiO3,5\n", given="oxyde")
