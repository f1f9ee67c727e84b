"""Doped targets on the command line, and doped materials where only plain ones are taken."""

import csv
import json

import pytest


@pytest.fixture
def plan(rrgraph, trained):
    """Return a function that plans with the trained model."""
    return lambda *argv: rrgraph("plan", *argv, "--model", trained, "--top-k", 1)


def test_a_table_names_the_source_and_weighs_it_out(plan):
    result = plan("BaTiO3:0.02La", "--grams", 10)
    assert result.code == 0
    assert "dopant: La from La2O3, 0.01 per BaTiO3" in result.out
    assert "g La2O3" in result.out
    assert "'BaTiO3:0.02La' is parsed as the host 'BaTiO3' with the dopant 0.02 La." in result.err


def test_json_and_csv_show_dopants_only_where_there_are_any(plan, tmp_path):
    doped, plain = (json.loads(line) for line in plan("BaTiO3:La", "BaTiO3", "--json").out.splitlines())
    assert [each["source"] for each in doped["dopants"]] == ["La2O3"] and "dopants" not in plain
    assert doped["sets"] == plain["sets"] and doped["target"] == "BaTiO3:La"
    columns = {}
    for name, targets in (("doped", ["BaTiO3:La", "BaTiO3"]), ("plain", ["BaTiO3"])):
        path = tmp_path / f"{name}.csv"
        assert plan(*targets, "--output", path).code == 0
        with path.open() as handle:
            columns[name] = list(csv.DictReader(handle))
    assert [row["dopants"] for row in columns["doped"]] == ["La from La2O3, amount not stated", ""]
    assert "dopants" not in columns["plain"][0]


@pytest.mark.parametrize("option", ["--stock", "--exclude", "--require", "--candidates"])
def test_precursors_name_no_dopants(plan, option):
    result = plan("BaTiO3", option, "BaCO3:Eu,TiO2")
    assert result.code == 2 and result.err.count("\n") == 1
    assert "'BaCO3:Eu' names a dopant" in result.err


def test_a_table_of_reactions_names_none(rrgraph, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("target,precursors\nY2O3:Eu,Y2(CO3)3\n")
    result = rrgraph("data", "stats", path)
    assert result.code == 2 and "'Y2O3:Eu' names a dopant" in result.err


def test_properties_of_a_doped_material_are_a_bad_row(rrgraph, pretrained, tmp_path):
    path = tmp_path / "formulas.csv"
    path.write_text("formula\nY2O3:Eu\nY2O3\n")
    result = rrgraph("embed", "--input", path, "--output", tmp_path / "out.parquet", "--model", pretrained)
    assert result.code == 2 and "'Y2O3:Eu' names a dopant" in result.err
