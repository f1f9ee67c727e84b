"""Files of targets in every format, with columns that go along, and rows that are rejected."""

from __future__ import annotations

import csv
import json

import pandas as pd
import pytest

from rrgraph.planning import PLAN_KEYS
from rrgraph.util.sheets import restored_row

TABLE = (
    "sep=;\n"
    ' Formula ;id;price;note;rank;"long\nname"\n'
    "BaTiO3;1234567890123456789;1.10;1E5;first;\n"
    "\n"
    '"SrTiO3";007;;"two\nlines; and a semicolon";second;x\n'
    "Hello;9;=1+1;x;third;\n"
    '"CaTiO3;1;2;never closed;4;5\n'
    "MgTiO3;0010;NaN;-;fifth;\n"
)
CELLS = {
    "id": ["1234567890123456789", "007", "9", "0010"],
    "price": ["1.10", "", "=1+1", "NaN"],
    "note": ["1E5", "two\nlines; and a semicolon", "x", "-"],
    "rank_input": ["first", "second", "third", "fifth"],
    "long\nname": ["", "x", "", ""],
}


@pytest.fixture
def targets(tmp_path):
    path = tmp_path / "targets.csv"
    path.write_bytes(TABLE.encode("utf-16"))
    return path


@pytest.fixture
def plan(rrgraph, trained):
    """Return a function that plans with the trained model."""
    return lambda *argv: rrgraph("plan", *argv, "--model", trained, "--top-k", 1)


def records(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    readers = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".xlsx": pd.read_excel}
    options = {} if path.suffix == ".parquet" else {"dtype": str, "keep_default_na": False}
    rows = readers[path.suffix](path, **options).to_dict("records")
    return [restored_row(row) for row in rows] if path.suffix == ".csv" else rows


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
def test_columns_of_the_input_go_along_as_they_were_read(plan, targets, tmp_path, suffix):
    if suffix == "xlsx":
        pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'")
    path = tmp_path / f"plans.{suffix}"
    result = plan("--input", targets, "--output", path)
    assert result.code == 2
    found = [record for record in records(path) if record["target"]]
    assert [record["target"] for record in found] == ["BaTiO3", "SrTiO3", "Hello", "MgTiO3"]
    for name, cells in CELLS.items():
        assert [record.get(name) or "" for record in found] == cells
    assert "The column 'rank' of the input is 'rank_input' in the output." in result.err


def test_lines_are_those_of_the_file(plan, targets):
    result = plan("--input", targets, "--json")
    assert [bool(line["sets"]) for line in result.lines] == [True, True, False, False, True]
    assert f"line 8 of '{targets}': 'Hello'" in result.err
    assert f"line 9 of '{targets}': a quote is not closed." in result.err


def test_rejected_rows_are_written_to_a_file(plan, targets, tmp_path):
    rejects = tmp_path / "rejects.csv"
    result = plan("--input", targets, "--output", tmp_path / "plans.csv", "--rejects", rejects)
    assert result.code == 2
    with rejects.open(newline="") as file:
        header, hello, unclosed = csv.reader(file)
    assert header == ["line", "Formula", "id", "price", "note", "rank", "long\nname", "reason"]
    assert hello[:-1] == ["8", "Hello", "9", "'=1+1", "x", "third", ""]
    assert "'Hello' is not a valid formula" in hello[-1]
    assert unclosed[:2] + unclosed[-1:] == ["9", '"CaTiO3;1;2;never closed;4;5', "a quote is not closed."]


def test_the_columns_of_a_rejects_file_stand_even_without_rows(plan, tmp_path):
    path = tmp_path / "targets.jsonl"
    path.write_text('{"material": "BaTiO3", "reason": 5}\n')
    assert plan("--input", path, "--rejects", tmp_path / "r.csv", "--json").lines[0]["reason"] == 5
    assert (tmp_path / "r.csv").read_text() == "line,material,reason_input,reason\n"


def test_a_guessed_column_is_named_and_another_can_be_asked_for(plan, tmp_path):
    path = tmp_path / "targets.tsv"
    path.write_text("target\toxide\tmetal\n1\tBaTiO3\tCaTiO3\n2\tSrTiO3\tMgTiO3\n")
    result = plan("--input", path, "--json")
    assert [line["target"] for line in result.lines] == ["BaTiO3", "SrTiO3"]
    assert f"'{path}': the column 'target' holds other things, so formulas are read from" in result.err
    assert "the column 'oxide'. --column NAME says which." in result.err
    result = plan("--input", path, "--json", "--column", "METAL")
    assert [line["target"] for line in result.lines] == ["CaTiO3", "MgTiO3"]
    assert [line["target_input"] for line in result.lines] == ["1", "2"]


def test_types_of_parquet_columns_are_kept(plan, tmp_path):
    path, output = tmp_path / "targets.parquet", tmp_path / "plans.parquet"
    frame = pd.DataFrame({"formula": ["BaTiO3"], "n": [2**60], "x": [0.5], "tags": [["a", "b"]]})
    frame.to_parquet(path)
    assert plan("--input", path, "--output", output).code == 0
    back = pd.read_parquet(output)
    assert back[["n", "x", "tags"]].to_numpy().tolist() == [[2**60, 0.5, '["a", "b"]']]


def test_other_commands_read_and_pass_the_same(rrgraph, pretrained, targets, tmp_path):
    for command, suffix in (("properties", "csv"), ("properties", "xlsx"), ("embed", "csv"), ("embed", "parquet")):
        output, rejects = tmp_path / f"{command}.{suffix}", tmp_path / "rejects.csv"
        result = rrgraph(command, "--input", targets, "--output", output, "--rejects", rejects, "--model", pretrained)
        assert result.code == 2
        found = [record for record in records(output) if record["formula"]]
        for name, cells in CELLS.items():
            own = name.removesuffix("_input")
            assert [record[own] or "" for record in found] == cells
        assert [row[0] for row in csv.reader(rejects.open(newline=""))] == ["line", "8", "9"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["BaTiO3", "--rejects", "r.csv"], "--rejects is for the rows of --input"),
        (["--input", "t.csv", "--rejects", "t.csv"], "which is the file of --input"),
        (["--input", "t.csv", "--output", "o.csv", "--rejects", "./o.csv"], "which is the file of --output"),
        (["BaTiO3", "--column", "x"], "--column names a column of --input"),
        (["--input", "t.csv", "--column", "fromula"], "no column 'fromula', which --column asks for"),
    ],
)
def test_options_that_do_not_fit_are_refused(plan, tmp_path, monkeypatch, argv, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("formula\nBaTiO3\n")
    result = plan(*argv)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert (tmp_path / "t.csv").read_text() == "formula\nBaTiO3\n"


STOCK = "# cupboard\nformula;purity;amount\nBaCO3;99,8 %;5 g\nTiO2 (Sigma, 99.5 %);;0.5 kg\nHello;;1 g\nBaO;;\n"


def test_amounts_in_stock_limit_what_can_be_weighed(plan, tmp_path):
    path = tmp_path / "stock.csv"
    path.write_text(STOCK)
    options = ["BaTiO3", "--stock", path, "--set-size", 2]
    result = plan(*options, "--grams", 10, "--exclude", "BaO", "--json")
    assert f"Line 5 of the stock file '{path}' is left out: 'Hello' is not a valid formula" in result.err
    (line,) = result.lines
    grams = line["grams"][0]
    assert grams["BaCO3"] == pytest.approx(8.46237 / 0.998, rel=1e-4)
    assert grams["TiO2"] == pytest.approx(3.42489 / 0.995, rel=1e-4)
    assert line["shortages"] == [{"BaCO3": {"needed_g": grams["BaCO3"], "in_stock_g": 5.0}}]
    most = line["most_target_g"][0]
    assert most == pytest.approx(10 * 5 / grams["BaCO3"], rel=1e-3)
    shown = plan(*options, "--grams", 10, "--exclude", "BaO").out
    assert f"needs 8.479 g of 5 g BaCO3; at most {most:.4g} g of target" in " ".join(shown.split())
    assert "grams: divided by the purity (" in shown
    enough = plan(*options, "--grams", most, "--exclude", "BaO", "--json").lines[0]
    assert enough["shortages"] == [{}]
    assert "needs" not in plan(*options, "--grams", most, "--exclude", "BaO").out
    unlimited = plan(*options, "--grams", 10, "--exclude", "BaCO3", "--json").lines[0]
    assert (unlimited["shortages"], unlimited["most_target_g"][0] > 1000) == ([{}], True)


def test_files_of_plans_say_what_the_stock_allows(plan, tmp_path):
    (tmp_path / "stock.csv").write_text(STOCK)
    options = ["BaTiO3", "--stock", tmp_path / "stock.csv", "--grams", 10, "--exclude", "BaO"]
    plan(*options, "--equations", "--output", tmp_path / "plans.csv")
    (row,) = records(tmp_path / "plans.csv")
    assert row["stock_shortage"].startswith("needs 8.479 g of 5 g BaCO3; at most 5.")
    assert 5 < float(row["most_target_g"]) < 6
    plan("BaTiO3", "--stock", "BaCO3,TiO2", "--grams", 10, "--equations", "--output", tmp_path / "plans.csv")
    assert "stock_shortage" not in records(tmp_path / "plans.csv")[0]


def test_rows_that_cannot_be_scored_are_written_to_a_file(rrgraph, tmp_path):
    truth, predictions, rejects = tmp_path / "truth.csv", tmp_path / "p.jsonl", tmp_path / "r.csv"
    truth.write_text("Material,Precursors,year\nBaTiO3,BaCO3;TiO2,\n,TiO2,\nSrTiO3,SrCO3 + TiO2,\nCaTiO3,CaO;TiO2,x\n")
    lines = [{"target": name, "sets": [["BaCO3", "TiO2"]]} for name in ("BaTiO3", "None", "SrTiO3")]
    predictions.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "{oops\n")
    options = ["score", predictions, "--truth", truth, "--json"]
    strict = rrgraph(*options, "--strict")
    assert (strict.code, strict.out) == (2, "")
    result = rrgraph(*options, "--rejects", rejects)
    assert result.code == 2
    overall = json.loads(result.out)["overall"]
    assert (overall["rows"], overall["top1"]["value"]) == (2, 0.5)
    with rejects.open(newline="") as file:
        header, *found = csv.reader(file)
    assert header[:3] == ["line", "target", "precursors"]
    assert [row[0] for row in found] == ["3", "4", "2", "4"]
    assert "has no target" in found[0][-1] or found[0][-1].startswith("has no")
    assert "joined by ';', as in 'SrCO3;TiO2'" in found[1][-1]


def test_every_key_of_a_plan_is_known_to_be_taken(plan, tmp_path):
    (tmp_path / "stock.csv").write_text(STOCK)
    options = [
        "--grams",
        1,
        "--energies",
        "--temperature",
        1000,
        "--table",
        "textbook",
        "--stock",
        tmp_path / "stock.csv",
    ]
    (line,) = plan("BaTiO3", *options, "--json").lines
    assert set(line) <= set(PLAN_KEYS)
    (tmp_path / "targets.jsonl").write_text('{"formula": "BaTiO3", "sets": "mine", "hidden": "x"}\n')
    (line,) = plan("--input", tmp_path / "targets.jsonl", "--json").lines
    assert (line["sets_input"], line["hidden_input"]) == ("mine", "x")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
def test_text_that_no_encoding_has_is_spelled_out(plan, rrgraph, pretrained, tmp_path, suffix):
    if suffix == "xlsx":
        pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'")
    (tmp_path / "targets.jsonl").write_text(
        '{"formula": "BaTiO3", "note": "é\\u0007"}\n{"formula": "Ti\\ud800"}\n{"formula": "TiO2", "note": "\\udfff"}\n'
        '{"formula": "Ti\\u0000O2"}\n{"formula": "SrTiO3"}\n'
    )
    output, rejects = tmp_path / f"plans.{suffix}", tmp_path / "rejects.csv"
    for command in (plan, lambda *argv: rrgraph("properties", *argv, "--model", pretrained)):
        result = command("--input", tmp_path / "targets.jsonl", "--output", output, "--rejects", rejects)
        assert result.code == 2 and "line 2 of" in result.err and "line 4 of" in result.err
        assert len(rejects.read_text().splitlines()) >= 3
        assert command("BaTiO3", "Ti\udcff", "--output", output).code == 2
        found = [record.get("target", record.get("formula")) for record in records(output)]
        assert found[0] == "BaTiO3" and found[-1] == ("Ti\udcff" if suffix == "jsonl" else r"Ti\udcff")
