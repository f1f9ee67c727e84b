from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rrgraph.errors import DataError
from rrgraph.properties.tables.files import number_columns, stream_frames, table_columns

FRAME = pd.DataFrame({"formula": ["MgO", "NaN", "ZnS", "InN"], "gap": [4.5, None, 2.0, 0.6], "who": list("abcd")})


def write(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "csv.xz", "parquet"])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_pieces_make_the_whole(tmp_path: Path, suffix, batch_size):
    path = write(FRAME, tmp_path / f"t.{suffix}")
    frames = list(stream_frames(path, ["gap", "formula"], batch_size=batch_size))
    assert max(map(len, frames)) <= batch_size
    whole = pd.concat(frames)
    assert set(whole.columns) == {"formula", "gap"}
    assert whole["formula"].tolist() == ["MgO", "NaN", "ZnS", "InN"]
    np.testing.assert_array_equal(whole["gap"], FRAME["gap"])
    assert table_columns(path) == ["formula", "gap", "who"]
    assert number_columns(path) == ["gap"]


def test_text_columns_stay_text(tmp_path: Path):
    path = write(pd.DataFrame({"formula": ["NaN", "NaN"], "part": ["1", "2"]}), tmp_path / "t.csv")
    frame = next(stream_frames(path, ["formula", "part"], texts=["formula", "part"]))
    assert frame["formula"].tolist() == ["NaN", "NaN"]
    assert frame["part"].tolist() == ["1", "2"]


def test_columns_of_numbers(tmp_path: Path):
    frame = pd.DataFrame(
        {"formula": ["MgO", "ZnO"], "whole": [1, 2], "flag": [True, False], "mixed": ["1", "x"], "none": [None, None]}
    )
    assert number_columns(write(frame, tmp_path / "t.csv")) == ["whole"]
    assert number_columns(write(frame, tmp_path / "t.parquet")) == ["whole"]


def test_a_byte_order_mark_does_not_hide_the_first_column(tmp_path: Path):
    (tmp_path / "t.csv").write_text("formula,gap\nMgO,4\n", encoding="utf-8-sig")
    assert table_columns(tmp_path / "t.csv") == ["formula", "gap"]


def spoil(path: Path, name: str) -> Path:
    target = path / name
    if name == "wide.csv":
        target.write_text("formula,gap\nMgO,1\nZnO,2,3\n")
    elif name == "wider.csv":
        target.write_text("formula,gap\nMgO,1,5\nZnO,2,3\n")
    elif name == "cut.csv.xz":
        target.write_bytes(lzma.compress(b"formula,gap\n" + b"MgO,1.25\n" * 5000)[:-40])
    elif name == "latin.csv":
        target.write_bytes("formula,gap\nMgO,1\nCuSO4·5H2O,2\n".encode("latin-1"))
    elif name != "absent.csv":
        target.write_bytes(b"")
    return target


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wide.csv", "cannot be read as csv"),
        ("wider.csv", "cannot be read as csv"),
        ("cut.csv.xz", "cannot be read as csv.xz"),
        ("latin.csv", "cannot be read as csv"),
        ("empty.csv", "cannot be read as csv"),
        ("empty.parquet", "cannot be read as parquet"),
        ("absent.csv", "There is no file"),
        ("table.xlsx", "must end with one of .csv, .csv.gz, .csv.xz, .csv.bz2, .parquet"),
    ],
)
def test_spoilt_files_are_named(tmp_path: Path, name, message):
    with pytest.raises(DataError, match=message) as caught:
        list(stream_frames(spoil(tmp_path, name), ["formula", "gap"]))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_column_is_named_with_the_nearest(tmp_path: Path):
    path = write(FRAME, tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"has no column 'gapp', found formula, gap, who. Did you mean 'gap'"):
        next(stream_frames(path, ["formula", "gapp"]))


def test_a_misspelt_table_name_is_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="Did you mean 'OQMD_Bandgap'"):
        table_columns("OQMD_Bandgaps")
