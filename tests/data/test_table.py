from __future__ import annotations

import gzip
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rrgraph.chem import FormulaWarning, parse_formula
from rrgraph.data import ReactionTable
from rrgraph.errors import DataError
from rrgraph.util.rows import Row

SUFFIXES = ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"]
TARGETS = ["LiCoO2", "Li2Co2O4", "BaTiO3", "NaN", "CuSO4·5H2O", "YBa2Cu3O7"]
PRECURSORS = ["Li2CO3", "Co3O4", "BaCO3", "TiO2", "Na", "NaN", "(NH4)2HPO4"]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


cells = st.none() | st.text(alphabet="abc/.:#-é", min_size=1, max_size=8)
row = st.fixed_dictionaries(
    {
        "target": st.sampled_from(TARGETS),
        "precursors": st.lists(st.sampled_from(PRECURSORS), min_size=1, max_size=4).map(";".join),
        "year": st.none() | st.integers(1950, 2030),
        "doi": cells,
        "split": st.sampled_from([None, "train", "test"]),
        "note": st.text(alphabet="abc ,;\"'é", min_size=1, max_size=8).map(lambda text: f"<{text}>"),
        "code": st.sampled_from(["007", "1e", "A1"]),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, min_size=1, max_size=6), suffix=st.sampled_from(SUFFIXES))
def test_every_format_gives_back_what_was_written(tmp_path: Path, rows, suffix):
    table = ReactionTable(pd.DataFrame(rows))
    path = tmp_path / f"table.{suffix}"
    table.write(path)
    back = ReactionTable.read(path)
    pd.testing.assert_frame_equal(back.frame, table.frame, check_dtype=False)
    assert list(back) == list(table)
    assert [(r.year, r.doi, r.split) for r in back] == [(r["year"], r["doi"], r["split"]) for r in rows]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_extra_number_columns_keep_their_values(tmp_path: Path, make_table, suffix):
    table = make_table(
        [("BaTiO3", "BaCO3;TiO2")] * 3, temperature=[900.5, None, 1100.0], count=[1, 2, 3], empty=[None] * 3
    )
    table.write(tmp_path / f"t.{suffix}")
    back = ReactionTable.read(tmp_path / f"t.{suffix}").frame
    assert back["count"].tolist() == [1, 2, 3]
    assert back["temperature"].dropna().tolist() == [900.5, 1100.0]
    assert back["temperature"].isna().tolist() == [False, True, False]
    assert back["empty"].isna().all()


def test_equal_tables_make_equal_files(tmp_path: Path, small_table):
    for name in ("a.csv.gz", "b.csv.gz"):
        small_table.write(tmp_path / name)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "parquet"])
def test_precursors_may_be_a_list(tmp_path: Path, suffix):
    path = tmp_path / f"t.{suffix}"
    rows = [
        {"target": "BaTiO3", "precursors": ["BaCO3", "TiO2"]},
        {"target": "SrTiO3", "precursors": ["SrCO3", "TiO2"]},
    ]
    if suffix == "parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        opener = gzip.open if suffix.endswith("gz") else open
        with opener(path, "wt") as file:
            file.writelines(json.dumps(r) + "\n" for r in rows)
    assert ReactionTable.read(path).frame["precursors"].tolist() == ["BaCO3;TiO2", "SrCO3;TiO2"]


def test_a_byte_order_mark_does_not_hide_the_first_column(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbftarget,precursors\nBaTiO3,BaCO3;TiO2\n")
    assert len(ReactionTable.read(path)) == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "targets,precursors\nBaTiO3,BaCO3\n", r"'.*t\.csv' has no column 'target'.*Did you mean 'targets'"),
        ("t.csv", "", r"'.*t\.csv' is empty"),
        ("t.csv", "target,precursors\nBaTiO3,BaCO3\n,TiO2\n", r"Line 3 of '.*t\.csv' has no target"),
        ("t.csv", "target,precursors\nBaTiO3,  \n", r"Line 2 of '.*t\.csv' has no precursors"),
        ("t.csv", "target,precursors,year\nBaTiO3,BaCO3,soon\n", "Line 2 .* year 'soon', expected a whole number"),
        ("t.csv", "target,precursors,year\nBaTiO3,BaCO3,2001.5\n", "Line 2 .* year '2001.5'"),
        ("t.csv", "target,precursors,year\nBaTiO3,BaCO3,inf\n", "Line 2 .* year 'inf'"),
        ("t.csv", "target,precursors\nBaTiO3,BaCO3,TiO2\n", "Line 2 .* more cells"),
        ("t.csv", "target,precursors\nBaTiO3,BaO;TiO2\nBaTiO3,BaCO3,TiO2\n", "Line 3 .* more cells"),
        ("t.csv", "target,precursors\nBaTiO3,BaCO3\nSrTiO3,SrCO3,TiO2\n", "Line 3"),
        ("t.jsonl", '{"target": "BaTiO3", "precursors": "BaCO3"}\n{oops\n', r"Line 2 of '.*t\.jsonl': not valid JSON"),
        ("t.jsonl", "[1, 2]\n", "Line 1 of .*: not a JSON object"),
        ("t.jsonl", '{"target": "BaTiO3", "precursors": [1]}\n', "Line 1 of .* precursor that is not a valid formula"),
        ("t.jsonl", '{"target": 5, "precursors": "BaCO3"}\n', "Line 1 of .* has target 5"),
        ("t.parquet", "not parquet", "cannot be read as parquet"),
        ("t.csv.gz", "not gzip", "Cannot read .*gzip"),
        ("t.txt", "", r"must end with one of .*\.csv"),
    ],
)
def test_a_malformed_file_is_refused_by_file_and_line(tmp_path: Path, name, text, message):
    with pytest.raises(DataError, match=message):
        ReactionTable.read(write(tmp_path / name, text))


@pytest.mark.parametrize("joint", [" + ", "+", ", ", ",", " ", " and ", "/", " & "])
def test_precursors_joined_otherwise_are_refused_with_the_right_joint(make_table, joint):
    table = make_table([("BaTiO3", "BaCO3;TiO2"), ("BaTiO3", f"BaCO3{joint}TiO2")])
    with pytest.raises(DataError, match="is 2 formulas; the precursors of a set are joined by ';', as in 'BaCO3;TiO2'"):
        _ = table.precursor_sets


def test_lines_after_blank_lines_and_quoted_line_breaks_are_right(tmp_path: Path):
    text = 'note,Target,PRECURSORS\n"two\nlines",BaTiO3,BaCO3;TiO2\n\nx,SrTiO3,Hello\n'
    table = ReactionTable.read(write(tmp_path / "t.csv", text))
    assert table.lines.tolist() == [2, 5]
    with pytest.raises(DataError, match=r"Line 5 of '.*t\.csv': 'Hello'"):
        _ = table.precursor_sets


@pytest.mark.parametrize("name", ["t.tsv", "t.xlsx", "t.csv"])
def test_further_formats(tmp_path: Path, name):
    rows = [["formula", "precursors", "year"], ["BaTiO3", "BaCO3;TiO2", 1999]]
    path = tmp_path / name
    if name == "t.xlsx":
        book = pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'").Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    else:
        joint = "\t" if name == "t.tsv" else ";"
        lines = [joint.join(f'"{cell}"' for cell in row) for row in rows]
        path.write_bytes("\n".join(lines).encode("utf-16"))
    (reaction,) = ReactionTable.read(path)
    assert (reaction.target.formula, len(reaction.precursors), reaction.year) == ("BaTiO3", 2, 1999)


def test_rows_that_are_not_usable_can_be_collected(tmp_path: Path):
    text = "target,precursors,year\nBaTiO3,BaCO3;TiO2,soon\n,TiO2,\nSrTiO3,SrCO3,TiO2,\nCaTiO3,CaO;Hello,\n"
    text += "MgTiO3,MgO;TiO2,2000\n"
    refused: list[Row] = []
    table = ReactionTable.read(write(tmp_path / "t.csv", text.replace("TiO2,\nCa", "TiO2,x\nCa")), refused=refused)
    assert (table.lines.tolist(), table.empty_years, np.isnan(table.years).tolist()) == (
        [2, 5, 6],
        1,
        [True, True, False],
    )
    readable = table.readable(refused)
    assert readable.lines.tolist() == [2, 6]
    assert [row.line for row in refused] == [4, 3, 5]
    assert [row.cells.get("target") for row in refused] == ["SrTiO3", None, "CaTiO3"]
    assert "'Hello' is not a valid formula" in (refused[-1].error or "")


def test_text_that_numbers_would_change_stays_text(tmp_path: Path):
    text = "target,precursors,a,b,c,d,e\nNiO,Ni,1.10,1E5,007,1234567890123456789,1\nNiO,Ni,2.5,7,8,9,2\n"
    table = ReactionTable.read(write(tmp_path / "t.csv", text))
    table.write(tmp_path / "u.csv")
    assert (tmp_path / "u.csv").read_text() == text
    assert table.frame["e"].tolist() == [1, 2]


def test_a_cut_gzip_file_is_refused(tmp_path: Path, small_table):
    small_table.write(tmp_path / "t.csv.gz")
    whole = (tmp_path / "t.csv.gz").read_bytes()
    (tmp_path / "t.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="Cannot read"):
        ReactionTable.read(tmp_path / "t.csv.gz")


def test_a_missing_file_names_its_neighbour(tmp_path: Path):
    write(tmp_path / "reactions.csv", "target,precursors\n")
    with pytest.raises(DataError, match=r"There is no file .*Did you mean '.*reactions\.csv'"):
        ReactionTable.read(tmp_path / "reaction.csv")


def test_a_bad_formula_names_its_line_even_after_selection(tmp_path: Path):
    text = "target,precursors\nBaTiO3,BaCO3;TiO2\nSrTiO3,SrCO3;TiO2\nHello,TiO2\nBaTiO3,BaCO3;Hx\n"
    table = ReactionTable.read(write(tmp_path / "t.csv", text))
    with pytest.raises(DataError, match=r"Line 4 of '.*t\.csv': 'Hello'"):
        _ = table.targets
    with pytest.raises(DataError, match=r"Line 5 of '.*t\.csv': 'Hx'"):
        _ = table.select([0, 3]).precursor_sets
    assert len(table.select([0, 1]).targets) == 2


def test_unknown_offsets_make_one_warning(make_table):
    table = make_table([("LaMnO3-δ", "La2O3;MnO2"), ("LaCoO3-δ", "La2O3;Co3O4"), ("LaMnO3-δ", "La2O3;MnO2")])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert table.target_keys.tolist() == ["LaMnO3", "CoLaO3", "LaMnO3"]
    assert [warning.category for warning in caught] == [FormulaWarning]
    assert "1 other" in str(caught[0].message)


def test_columns_of_parsed_rows(small_table):
    assert small_table.target_keys[0] == small_table.target_keys[2] == "CoLiO2"
    assert small_table.element_systems[0] == "Co-Li-O"
    assert small_table.set_keys[1] == {"HLiO", "Co3O4"}
    assert np.isnan(small_table.years).all()
    known = small_table.precursors()
    assert list(known)[:2] == ["CLi2O3", "Co3O4"]
    assert len(known) == len({key for keys in small_table.set_keys for key in keys})


def test_duplicate_precursors_of_a_row_collapse(make_table):
    assert len(make_table([("Fe3O4", "Fe2O3;Fe4O6;Fe")])[0].precursors) == 2


@given(st.lists(st.integers(0, 13), max_size=20))
def test_selection_equals_a_table_of_the_chosen_rows(small_table, index):
    _ = small_table.targets, small_table.precursor_sets, small_table.element_systems
    chosen = small_table.select(index)
    fresh = ReactionTable(small_table.frame.iloc[index])
    assert list(chosen) == list(fresh) == [small_table[i] for i in index]
    assert chosen.target_keys.tolist() == fresh.target_keys.tolist()
    assert chosen.element_systems.tolist() == fresh.element_systems.tolist()


def test_selection_by_mask_and_negative_index(small_table):
    mask = small_table.target_keys == "CoLiO2"
    assert len(small_table.select(mask)) == 3
    assert small_table[-1] == list(small_table)[-1]
    with pytest.raises(IndexError):
        small_table[len(small_table)]


def test_tables_are_joined(small_table, make_table):
    twice = ReactionTable.concat([small_table, make_table([("BaTiO3", "BaO;TiO2")], year=[1990], batch=["b"])])
    assert len(twice) == len(small_table) + 1
    assert twice.frame["batch"].notna().sum() == 1
    assert list(twice)[:-1] == list(small_table)
    assert twice[-1].year == 1990
    with pytest.raises(DataError, match="empty list"):
        ReactionTable.concat([])


def test_added_columns_do_not_change_the_reactions(small_table):
    marked = small_table.with_columns(split=["train"] * len(small_table), weight=range(len(small_table)))
    assert list(marked) == list(small_table)
    assert marked[3].split == "train"
    assert "weight" not in small_table.frame
    with pytest.raises(DataError, match="contains formulas"):
        small_table.with_columns(target=["BaTiO3"] * len(small_table))


def test_an_empty_table_can_be_written_and_read(tmp_path: Path, make_table):
    for suffix in ("csv", "parquet"):
        make_table([]).write(tmp_path / f"t.{suffix}")
        table = ReactionTable.read(tmp_path / f"t.{suffix}")
        assert len(table) == 0
        assert table.targets == []


def test_each_spelling_of_a_long_table_is_parsed_once(tmp_path: Path, monkeypatch):
    rows = 5000
    frame = pd.DataFrame(
        {
            "target": [f"Li{1 + i % 50}Co{1 + i % 7}O{2 + i % 11}" for i in range(rows)],
            "precursors": "Li2CO3;Co3O4",
            "year": 2000 + np.arange(rows) % 20,
        }
    )
    parsed: list[str] = []
    monkeypatch.setattr(
        "rrgraph.data.table.parse_formula", lambda text, **_: parsed.append(text) or parse_formula(text)
    )
    ReactionTable(frame).write(tmp_path / "t.csv")
    table = ReactionTable.read(tmp_path / "t.csv")
    assert len(table.targets) == len(table.set_keys) == rows
    assert table.targets[7].key == parse_formula(frame["target"][7]).key
    assert sorted(parsed) == sorted({*frame["target"], "Li2CO3", "Co3O4"})


def test_nested_cells_and_doubled_columns_are_bad_rows_or_texts(tmp_path):
    frame = pd.DataFrame(
        {
            "target": [["Ba", "O"], "BaTiO3"],
            "precursors": ["BaO", "BaO;TiO2"],
            "doi": [[], "10.1/a"],
            "note": [7, "odd"],
        }
    )
    refused = []
    table = ReactionTable(frame, refused=refused)
    assert [row.line for row in refused] == [1] and len(table) == 1
    doubled = frame.iloc[1:].set_axis(["target", "precursors", "target", float("nan")], axis=1)
    assert ReactionTable(doubled).frame.columns.tolist()[-2:] == ["target.1", "nan"]
    mixed = ReactionTable(pd.concat([frame.iloc[1:], frame.iloc[1:].assign(note=2**70)], ignore_index=True))
    mixed.write(tmp_path / "mixed.parquet")
    assert ReactionTable.read(tmp_path / "mixed.parquet").frame["note"].tolist() == ["odd", str(2**70)]
