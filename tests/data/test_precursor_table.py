from __future__ import annotations

import pandas as pd
import pytest

from rrgraph.data import PrecursorTable
from rrgraph.errors import DataError
from rrgraph.util.tabular import write_frame

FRAME = pd.DataFrame(
    {"price": [1.5, 20.0, 3.0], "precursor": ["BaCO3", "Ba(OH)2·8H2O", "TiO2"], "supplier": ["A", None, "B"]}
)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".csv.gz"])
def test_any_file_of_rows_with_a_column_of_formulas(tmp_path, suffix):
    write_frame(FRAME, tmp_path / f"precursors{suffix}")
    table = PrecursorTable.read(tmp_path / f"precursors{suffix}")
    assert table.keys == ("BaCO3", "BaH2O2", "O2Ti")
    assert list(table.frame) == ["price", "supplier"]
    chosen = table.distinct(["price"])
    assert (chosen.keys, chosen.frame["price"].tolist()) == (table.keys, [1.5, 20, 3])


def read(tmp_path, text):
    path = tmp_path / "precursors.csv"
    path.write_text(text, encoding="utf-8")
    return PrecursorTable.read(path)


def test_a_precursor_may_come_twice_where_the_columns_asked_for_agree(tmp_path):
    table = read(tmp_path, "formula,price,pack\nBaCl2,1,10\nBaCl2·2H2O,1,20\nNaCl,,5\nNaCl,,6\n")
    assert table.distinct(["price"]).frame["price"].isna().tolist() == [False, True]
    with pytest.raises(DataError, match=r"Lines 2 and 3 of .* with different values of 'pack': '10' and '20'"):
        table.distinct(["price", "pack"])


@pytest.mark.filterwarnings("ignore:.*formulas are read from")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("formula,price\nBaCO3,1\nXx2O3,2\n", "Line 3 of .* 'Xx2O3' is not a valid formula"),
        ("formula,price\nBaCO3,1\n,2\n", "Line 3 of"),
        ("price,uses\n1,2\n", "has no column of formulas"),
        ("BaCO3,1\nTiO2,2\n", "has no header line"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)
