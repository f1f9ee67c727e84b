from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.util.rows import open_rows
from rrgraph.util.sheets import csv_text, neutral, restored
from rrgraph.util.tabular import read_frame, write_frame

FORMULAS = ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", "-2+3", "\uff1d1+1"]
PLAIN = ["", "-", "=", "BaTiO3", "-1.5", "+2", "-1,5", "-3e-5", "-.5 %", "'", "'quoted'", "10.1/x=y", "a\n=1"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_a_spreadsheet_would_run_is_text(cell):
    assert neutral(cell) == f"'{cell}"
    assert neutral(f"'{cell}") == f"''{cell}"


@pytest.mark.parametrize("cell", PLAIN)
def test_other_text_stays(cell):
    assert neutral(cell) == cell
    assert restored(cell) == cell


@pytest.mark.parametrize("value", [-1.5, -3, None, True, float("-inf")])
def test_values_stay(value):
    assert neutral(value) is value


@given(st.one_of(st.text(), st.text(alphabet="'=+-@\t\r\n1.,e%a")))
def test_every_text_comes_back(text):
    assert restored(neutral(text)) == text


def test_csv_is_read_back_with_its_header_and_cells():
    rows = [{"=name": cell, "number": -1.5} for cell in [*FORMULAS, *PLAIN]]
    found = list(csv.reader(io.StringIO(csv_text(rows), newline="")))
    assert found[0] == ["'=name", "number"]
    assert [restored(cell) for cell, _ in found[1:]] == [*FORMULAS, *PLAIN]
    assert all(number == "-1.5" for _, number in found[1:])


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "parquet"])
def test_frames_come_back(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    cells = ["=1+1", "'=1+1", "two\rlines", "-1.5x", "\n@x", None]
    frame = pd.DataFrame({"@note": pd.Series(cells, dtype=object), "x": [-1.5, 2, 3, 4, 5, -6]})
    write_frame(frame, path)
    back = read_frame(path)
    assert [*back] == ["@note", "x"]
    assert back["@note"].astype(object).where(back["@note"].notna(), None).tolist() == cells
    assert back["x"].tolist() == frame["x"].tolist()
    assert [*frame] == ["@note", "x"]
    if suffix == "csv":
        assert path.read_text().startswith("'@note,x\n'=1+1,-1.5\n''=1+1,2.0\n")


def test_only_csv_is_restored(tmp_path):
    (tmp_path / "list.txt").write_text("'=1+1\n")
    (tmp_path / "rows.jsonl").write_text('{"a": "\'=1+1"}\n')
    for path in ("list.txt", "rows.jsonl"):
        with open_rows(tmp_path / path) as rows:
            assert [[*row.cells.values()] for row in rows] == [["'=1+1"]]


def test_workbooks_hold_text(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'")
    from rrgraph.cli.common.writers import Layout, Writer, open_output

    path = tmp_path / "a.xlsx"
    layout = Layout[str](
        columns={"=n": int, "=a": str}, number="=n", rows=lambda cell: [{"=a": cell}], line=lambda cell: {"=a": cell}
    )

    class Nothing(Writer[str]):
        def write(self, record, cells=None):
            raise AssertionError

    with open_output(str(path), layout, as_json=False, table=Nothing()) as output:
        for cell in ("=1+1", "'=1+1", "BaTiO3"):
            output.write(output.prepare(cell))
    cells = [cell for (_, cell) in openpyxl.load_workbook(path).active.iter_rows()]
    assert [(cell.value, cell.data_type, bool(cell.quotePrefix)) for cell in cells] == [
        ("=a", "s", True),
        ("=1+1", "s", True),
        ("'=1+1", "s", True),
        ("BaTiO3", "s", False),
    ]
    with open_rows(path) as rows:
        assert [row.cells["=a"] for row in rows] == ["=1+1", "'=1+1", "BaTiO3"]
