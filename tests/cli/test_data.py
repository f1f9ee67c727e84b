from __future__ import annotations

import json
import re

import pytest

from rrgraph.data import CATALOGUE, ReactionTable


def material(formula, elements):
    """One material of a raw recipe."""
    return {
        "material_string": formula,
        "material_formula": formula,
        "composition": [{"formula": formula, "amount": "1", "elements": elements}],
        "amounts_vars": {},
        "elements_vars": {},
        "additives": [],
        "oxygen_deficiency": None,
    }


RECIPE = {
    "doi": "10.0/invented",
    "paragraph_string": "Powders were mixed.",
    "target": material("BaTiO3", {"Ba": "1", "Ti": "1", "O": "3"}),
    "precursors": [
        material("BaCO3", {"Ba": "1", "C": "1", "O": "3"}),
        material("TiO2", {"Ti": "1", "O": "2"}),
    ],
    "reaction": {"element_substitution": {}},
    "operations": [],
}


@pytest.fixture
def no_network(monkeypatch):
    """Make every connection an error."""

    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)


def test_fetch_lists_the_catalogue_without_network(rrgraph, no_network):
    result = rrgraph("data", "fetch")
    assert result.code == 0
    for entry in CATALOGUE.values():
        assert f"{entry.name}\n" in result.out
        assert entry.licence in result.out


def test_fetch_refuses_unknown_names_and_tables_without_address(rrgraph, no_network):
    unknown = rrgraph("data", "fetch", "uspto_50")
    assert unknown.code == 2
    assert "Did you mean 'uspto_50k'?" in unknown.err
    assert "no public address" in rrgraph("data", "fetch", "precursor_pool").err
    assert "64 hexadecimal digits" in rrgraph("data", "fetch", "uspto_50k", "--sha256", "abc").err


def test_clean_a_table(rrgraph, tmp_path):
    raw, clean, report = (tmp_path / name for name in ("raw.csv", "clean.parquet", "report.json"))
    raw.write_text(
        "target,precursors,year\nBaTiO3,BaCO3;TiO2,2001\nBaTiO3,BaTiO3;TiO2,2002\nLiCoO2,Co3O4,2003\n"
        "SrTiO3,SrCO3;TiO2,2004\n"
    )
    result = rrgraph("data", "clean", raw, "--output", clean, "--report", report)
    assert result.code == 0
    assert "4 rows, 2 kept, 2 dropped" in result.out
    assert [str(reaction.target) for reaction in ReactionTable.read(clean)] == ["BaTiO3", "SrTiO3"]
    counts = json.loads(report.read_text())
    assert sum(counts["dropped"].values()) == 2


@pytest.mark.parametrize("rules", [[], ["--paper-rules"]])
def test_clean_raw_recipes(rrgraph, tmp_path, rules):
    raw = tmp_path / "recipes.json"
    without = RECIPE | {"precursors": RECIPE["precursors"][:1]}
    raw.write_text(json.dumps({"release_date": "2019", "reactions": [RECIPE, without]}))
    result = rrgraph("data", "clean", raw, "--output", tmp_path / "clean.csv", *rules)
    assert result.code == 0, result.err
    assert "1 kept, 1 dropped" in result.out
    (reaction,) = ReactionTable.read(tmp_path / "clean.csv")
    assert reaction.precursors.keys == {"BaCO3", "O2Ti"}
    assert reaction.doi == "10.0/invented"


def test_clean_refuses_bad_files(rrgraph, table, tmp_path):
    (tmp_path / "recipes.json").write_text("{")
    assert rrgraph("data", "clean", tmp_path / "recipes.json", "--output", tmp_path / "c.csv").code == 2
    assert rrgraph("data", "clean", tmp_path / "missing.json", "--output", tmp_path / "c.csv").code == 2
    assert ".parquet" in rrgraph("data", "clean", table, "--output", tmp_path / "c.xls").err
    assert not (tmp_path / "c.csv").exists()


@pytest.mark.parametrize("split", ["cra", "dr", "nms", "random", "column", "all"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_split_writes_three_tables_and_the_leakage(rrgraph, tmp_path, split, suffix):
    names = ["Ba", "Sr", "Ca", "Mg", "Zn", "Pb", "Cd", "Mn"]
    rows = [
        f"{name}TiO3,{name}O;TiO2,{2010 + place},{'train' if place % 2 else 'test'}" for place, name in enumerate(names)
    ]
    (tmp_path / "table.csv").write_text("\n".join(["target,precursors,year,split", *rows]))
    folder = tmp_path / "parts"
    result = rrgraph(
        "data",
        "split",
        tmp_path / "table.csv",
        split,
        "--output",
        folder,
        "--format",
        suffix,
        "--validation-fraction",
        0.5,
    )
    assert result.code == 0, result.err
    assert f"split {split}" in result.out
    if suffix == "jsonl" and split not in ("random", "nms"):
        assert (folder / "train.jsonl").read_text().count("\n") >= 3
        return
    parts = {part: ReactionTable.read(folder / f"{part}.{suffix}") for part in ("train", "validation", "test")}
    assert sum(map(len, parts.values())) == len(names)
    leakage = json.loads((folder / "leakage.json").read_text())
    assert leakage
    if split in ("cra", "dr", "nms"):
        assert {reaction.year for reaction in parts["test"]} == {2015, 2016, 2017}
    if split == "column":
        assert len(parts["train"]) == len(parts["test"]) == 4
    if split == "all":
        assert len(parts["train"]) == 8


def test_split_keeps_a_holdout_out(rrgraph, tmp_path, table):
    held = ReactionTable.read(table).select(range(5))
    held.write(tmp_path / "held.csv")
    result = rrgraph("data", "split", table, "all", "--output", tmp_path, "--holdout", tmp_path / "held.csv")
    assert result.code == 0
    left = ReactionTable.read(tmp_path / "train.csv")
    assert not set(left.target_keys) & set(held.target_keys)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["textbook", "rnadom"], ["Did you mean 'random'?"]),
        (["textbok", "random"], ["Did you mean 'textbook'?"]),
        (["textbook", "nms"], ["years"]),
        (["textbook", "random", "--validation-fraction", "2"], ["validation_fraction"]),
        (["textbook", "random", "--format", "xlsx"], ["'xlsx'"]),
        (["textbook", "random", "--holdout", "missing.csv"], ["'missing.csv'"]),
    ],
)
def test_bad_splits_are_refused(rrgraph, tmp_path, argv, words):
    result = rrgraph("data", "split", *argv, "--output", tmp_path / "parts")
    assert result.code == 2
    for word in words:
        assert word in result.err
    assert not (tmp_path / "parts").exists()


def test_stats(rrgraph, table):
    rows = len(ReactionTable.read(table))
    counted = json.loads(rrgraph("data", "stats", table, "--json").out)
    assert counted["rows"] == rows
    shown = rrgraph("data", "stats", table).out
    assert re.search(rf"^rows +{rows}$", shown, re.MULTILINE)
    assert "Did you mean 'textbook'?" in rrgraph("data", "stats", "textbok").err


ROWS = (
    "Material;Precursors;Year;code\n"
    "BaTiO3;BaCO3,TiO2;1999;1.10\n"
    "\n"
    "SrTiO3;SrCO3 + TiO2;2001;1E5\n"
    '"CaTiO3";"CaCO3;TiO2";in press;007\n'
    ";TiO2;2003;x\n"
    '"MgTiO3;never closed\n'
    '"ZnTiO3";"ZnO;TiO2";2004;1234567890123456789\n'
)


def test_bad_rows_do_not_stop_cleaning_and_are_counted(rrgraph, tmp_path):
    path, clean, report = (tmp_path / name for name in ("rows.csv", "clean.csv", "report.json"))
    path.write_text(ROWS)
    result = rrgraph("data", "clean", path, "--output", clean, "--report", report)
    assert result.code == 0
    counted = json.loads(report.read_text())
    assert (counted["rows_in"], counted["rows_out"]) == (6, 2)
    assert counted["dropped"] == {
        "precursors not joined by a semicolon": 2,
        "no target or no precursors": 1,
        "malformed row": 1,
    }
    assert counted["changed"] == {"year that is not a whole number left empty": 1}
    assert clean.read_text().splitlines() == [
        "target,precursors,year,code",
        "CaTiO3,CaCO3;TiO2,,007",
        "ZnTiO3,ZnO;TiO2,2004,1234567890123456789",
    ]


def test_the_column_of_the_targets_can_be_named(rrgraph, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("target,oxide,precursors\n1,BaTiO3,BaCO3;TiO2\n2,SrTiO3,SrCO3;TiO2\n")
    counted = json.loads(rrgraph("data", "stats", path, "--column", "Oxide", "--json").out)
    assert counted["targets"] == 2
    assert "Did you mean 'oxide'?" in rrgraph("data", "stats", path, "--column", "oxid").err
    result = rrgraph("cooccur", path, "--column", "oxide")
    assert result.code == 0, result.err
