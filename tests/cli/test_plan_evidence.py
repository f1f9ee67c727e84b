from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from rrgraph.data import CATALOGUE

POOL = ("--candidates", "BaCO3,BaO,SrCO3,SrO,TiO2", "--top-k", 2)
HEADER = ["similarity", "target", "precursors", "conditions", "papers", "year", "doi"]


@pytest.fixture
def plan(rrgraph, trained):
    """Return a function that plans with the trained model."""
    return lambda *argv: rrgraph("plan", *argv, *POOL, "--model", trained)


@pytest.fixture
def recorded(make_table):
    """Four invented reactions of three targets, from five papers."""
    return make_table(
        [("BaTiO3", "BaCO3;TiO2")] * 2
        + [("BaTiO3", "BaO;TiO2"), ("Ba0.9Sr0.1TiO3", "BaCO3;SrCO3;TiO2"), ("NiO", "Ni")],
        doi=[f"10.1000/{paper}" for paper in "abcd"] + [None],
        year=[2001, 1998, 2010, 2015, None],
        temperature_c=[1300.0, 1100.0, None, 1250.0, None],
        time_h=[4.0, None, None, 12.0, None],
        atmosphere=["air", None, None, "air;oxygen", None],
    )


@pytest.fixture
def mine(recorded, tmp_path):
    path = tmp_path / "mine.csv"
    recorded.write(path)
    return path


@pytest.fixture
def at_hand(recorded, tmp_path, monkeypatch):
    """The same reactions as the text-mined table."""
    monkeypatch.setenv("RRGRAPH_DATA", str(tmp_path / "data"))
    recorded.write(tmp_path / "data" / CATALOGUE["text_mined"].path)


def known_table(out):
    """The lines of the table of known reactions, split into cells."""
    lines = out.split("known reactions nearest to ")[1].splitlines()
    return lines[0], [re.split("  +", line.strip()) for line in lines[1:] if line]


def test_the_nearest_reactions_stand_below_the_sets(plan, mine):
    result = plan("BaTiO3", "--table", mine)
    assert result.code == 0
    title, (header, *rows) = known_table(result.out)
    assert title == "BaTiO3 in mine.csv"
    assert header == HEADER
    conditions = "1200 °C (1100-1300), 4 h, air"
    assert rows[0] == ["recorded", "BaTiO3", "BaCO3 + TiO2", conditions, "2", "1998-2001", "10.1000/a"]
    assert rows[1] == ["recorded", "BaTiO3", "BaO + TiO2", "-", "1", "2010", "10.1000/c"]
    nearby = ["Ba0.9Sr0.1TiO3", "BaCO3 + SrCO3 + TiO2", "1250 °C, 12 h, air, oxygen", "1", "2015", "10.1000/d"]
    assert 0.95 < float(rows[2][0]) < 1
    assert rows[2][1:] == nearby
    assert rows[3:] == [["recorded: for this very composition"]]


def test_only_the_very_composition_is_called_recorded(plan, mine):
    result = plan("SrTiO3", "--table", mine, "--evidence", 1)
    assert "recorded" not in result.out
    assert len(known_table(result.out)[1]) == 2


def test_json_carries_every_field(plan, mine):
    (line, other) = plan("BaTiO3", "SrTiO3", "--table", mine, "--json").lines
    assert line["evidence_table"] == "mine.csv"
    assert line["evidence"][0] == {
        "target": "BaTiO3",
        "precursors": ["BaCO3", "TiO2"],
        "same_composition": True,
        "similarity": 1.0,
        "reports": 2,
        "year": 2001,
        "doi": "10.1000/a",
        "first_year": 1998,
        "first_doi": "10.1000/b",
        "temperature_c": 1200.0,
        "temperature_low_c": 1100.0,
        "temperature_high_c": 1300.0,
        "time_h": 4.0,
        "atmosphere": "air",
    }
    assert [entry["same_composition"] for entry in other["evidence"]] == [False] * 3
    assert other["evidence"][0]["target"] == "Ba0.9Sr0.1TiO3" or other["evidence"][0]["similarity"] < 1


def test_the_literature_of_the_package_is_used_unless_plans_go_to_a_file(plan, at_hand, tmp_path):
    assert "known reactions nearest to BaTiO3 in literature" in plan("BaTiO3").out
    assert plan("BaTiO3", "--json").lines[0]["evidence_table"] == "literature"
    assert plan("BaTiO3", "--json", "--table", "text_mined").lines[0]["evidence_table"] == "text_mined"
    path = tmp_path / "plans.jsonl"
    plan("BaTiO3", "--output", path)
    assert "evidence" not in json.loads(path.read_text())
    plan("BaTiO3", "--output", path, "--evidence", 2)
    assert len(json.loads(path.read_text())["evidence"]) == 2
    assert "known reactions" not in plan("BaTiO3", "--no-evidence").out
    assert "evidence" not in plan("BaTiO3", "--no-evidence", "--json").lines[0]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_carry_evidence_in_the_first_row_of_a_target(plan, mine, tmp_path, suffix):
    path = tmp_path / f"plans.{suffix}"
    argv = ("BaTiO3", "Hello", "UO2", "--table", mine)
    plan(*argv, "--output", path)
    frame = pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path)
    lines = plan(*argv, "--json").lines
    assert frame["row"].tolist() == [1, 1, 2, 3]
    assert frame["evidence"].isna().tolist() == [False, True, False, False]
    cells = [json.loads(cell) for cell in frame["evidence"].dropna()]
    assert cells == [line["evidence"] for line in lines]
    assert cells[1] == []
    assert len(cells[2]) == 3
    plan("BaTiO3", "--output", path)
    assert "evidence" not in (pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path))


def test_bad_rows_keep_their_place_and_targets_without_sets_show_evidence(plan, mine):
    result = plan("Hello", "SrTiO3", "UO2", "BaTiO3", "--table", mine, "--json")
    assert result.code == 2
    bad, strontium, uranium, barium = result.lines
    assert bad["evidence"] == []
    assert strontium["sets"]
    assert uranium["sets"] == []
    assert len(uranium["evidence"]) == 3
    assert barium["evidence"][0]["same_composition"]
    assert "known reactions nearest to UO2 in mine.csv" in plan("UO2", "--table", mine).out


@pytest.mark.parametrize("width", [60, 90])
def test_a_narrow_terminal_stacks_what_is_known(plan, mine, monkeypatch, width):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    shown = re.sub("\x1b\\[[0-9;]*m", "", plan("BaTiO3", "--table", mine).out)
    assert all(len(line) <= width for line in shown.splitlines())
    below = [line.strip() for line in shown.split("known reaction ")[1].splitlines()[1:4]]
    assert below[0] == "recorded    BaCO3 + TiO2 → BaTiO3"
    assert below[1:] == ["1200 °C (1100-1300), 4 h, air", "2 papers, 1998-2001, 10.1000/a"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--evidence", "0"], ["--evidence", "at least 1"]),
        (["--evidence", "3", "--no-evidence"], ["--evidence", "--no-evidence"]),
        (["--table", "textbook", "--no-evidence"], ["--table", "--no-evidence"]),
        (["--table", "textbok"], ["Did you mean 'textbook'?"]),
        (["--table", "missing.csv"], ["no file 'missing.csv'"]),
        (["--table", "text_mined"], ["not on this computer"]),
    ],
)
def test_bad_options_are_refused_in_a_sentence(rrgraph, argv, words):
    result = rrgraph("plan", "BaTiO3", "--model", "missing", *argv)
    assert result.code == 2
    assert result.out == ""
    for word in words:
        assert word in result.err


def test_a_table_with_a_bad_formula_is_named_with_its_line(rrgraph, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("target,precursors\nBaTiO3,BaO;TiO2\nBaTiO3,BaO;Hello\n")
    result = rrgraph("plan", "BaTiO3", "--table", path)
    assert result.code == 2
    assert f"Line 3 of '{path}'" in result.err
