from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from rrgraph.cli.main import main
from rrgraph.conditions import split_conditions
from rrgraph.data import ReactionTable, load_table

pytest.importorskip("lightgbm")

TREES = ("trees", "time_trees", "error_trees", "class_trees")

SMALL = [
    *("model.groups=[fractions, classes]", "model.members=1", "model.networks.epochs=1", "model.networks.width=8"),
    *(f"model.{name}.n_trees=2" for name in TREES),
]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    rows = load_table("textbook").select(range(120))
    drawn = np.random.default_rng(0).integers(8, 15, len(rows))
    path = tmp_path_factory.mktemp("conditions") / "mine.csv"
    rows.with_columns(temperature_c=100.0 * drawn, time_h=drawn, atmosphere=["air"] * len(rows)).write(path)
    return path


def test_a_run_is_trained_measured_and_refused_twice(table, tmp_path, capsys):
    run = ["train", "conditions", f"data.table={table}", "data.split=random", f"output={tmp_path}/run", *SMALL]
    assert main(run) == 0
    shown = capsys.readouterr().out
    assert "highest temperature, °C" in shown and "The model is in" in shown
    metrics = json.loads((tmp_path / "run/metrics.json").read_text(encoding="utf-8"))
    assert set(metrics) == {"validation", "test"}
    assert main(["evaluate", f"{tmp_path}/run", "--split", "test", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == metrics["test"]
    assert main(["evaluate", f"{tmp_path}/run", "--test", str(table)]) == 0
    assert main(run) == 2
    assert "exists" in capsys.readouterr().err
    plan = ["plan", "BaTiO3", "--top-k", "1", "--no-evidence", "--candidates", "BaCO3,TiO2", "--conditions-model"]
    assert main([*plan, f"{tmp_path}/run", "--json"]) == 0
    (own,) = json.loads(capsys.readouterr().out)["conditions"]
    assert main([*plan, "conditions", "--json"]) == 0
    (bundled,) = json.loads(capsys.readouterr().out)["conditions"]
    assert own["temperatures_c"]["highest"] != bundled["temperatures_c"]["highest"]
    assert main([*plan, f"{tmp_path}/nothing"]) == 2
    assert "nothing" in capsys.readouterr().err
    shown = [*plan[:-1], "--json"]
    assert main(shown) == 0
    assert json.loads(capsys.readouterr().out)["conditions"] == [bundled]
    assert main([*shown, "--no-conditions"]) == 0
    assert "conditions" not in json.loads(capsys.readouterr().out)
    for asked in ([], ["--conditions"]):
        assert main([*plan[:-1], "--output", f"{tmp_path}/plans.csv", *asked]) == 0
        assert ("conditions" in pd.read_csv(tmp_path / "plans.csv").columns) == bool(asked)
    (tmp_path / "targets.txt").write_text("BaTiO3\n")
    screening = ["screen", f"{tmp_path}/targets.txt", "--output", f"{tmp_path}/screened", "--engine", "serial"]
    assert main([*screening, "--no-energies", "--candidates", "BaCO3,TiO2", *plan[-1:], f"{tmp_path}/run"]) == 0
    found = pd.read_parquet(tmp_path / "screened/shards")["temperature_c"].item()
    assert found == round(own["temperatures_c"]["highest"]["value"])


def test_validation_rows_are_learned_from_once_they_have_told_how_wide_intervals_are(table, tmp_path, capsys):
    run = ["train", "conditions", f"data.table={table}", "data.split=random", "evaluation.subsets=[test]", *SMALL]
    assert main([*run, f"output={tmp_path}/part"]) == 0
    assert main([*run, f"output={tmp_path}/all", "data.learn_validation=true"]) == 0
    part, everything = (
        json.loads((tmp_path / name / "model.json").read_text(encoding="utf-8")) for name in ("part", "all")
    )
    counts = json.loads((tmp_path / "all/data.json").read_text(encoding="utf-8"))["conditions"]["rows"]
    assert part["metadata"]["rows"] == counts["train"]
    assert everything["metadata"]["rows"] == counts["train"] + counts["validation"] > counts["train"]
    assert everything["quantiles"] == part["quantiles"]
    trees = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("part", "all")]
    assert trees[0] != trees[1]
    capsys.readouterr()
    assert main([*run[:-1], "data.learn_validation=true", "evaluation.subsets=[validation]"]) == 2
    assert "leaves no validation rows to measure" in capsys.readouterr().err


def test_a_study_searches_the_settings(table, tmp_path, capsys):
    space = tmp_path / "space.yaml"
    space.write_text("parameters: {model.trees.n_trees: {choices: [2, 4]}}\n")
    rows = [f"data.table={table}", "data.split=random", *SMALL]
    tune = ["tune", "conditions", *rows, f"output={tmp_path}/study", "--space", str(space), "--no-figures", "--trials"]
    assert main([*tune, "2"]) == 0
    shown = capsys.readouterr().out
    assert "lowest conditions.temperature_mae on validation rows, pruner none" in shown and "best: trial" in shown
    trials = pd.read_csv(tmp_path / "study/trials.csv")
    assert sorted(trials["model.trees.n_trees"]) == [2, 4]
    folders = sorted((tmp_path / "study/trials").iterdir())
    for folder, value in zip(folders, trials["conditions.temperature_mae"], strict=True):
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        assert metrics["validation"]["model"]["temperature"]["all"]["mae"] == pytest.approx(value)
    assert main(["train", f"{tmp_path}/study/best.yaml", f"output={tmp_path}/best"]) == 0
    for objective, expected in (("open.top_1", "Unknown objective"), ("conditions.temprature_mae", "Did you mean")):
        assert main([*tune, "3", "--objective", objective]) == 2
        assert expected in capsys.readouterr().err
    assert main(["tune", "quickstart", "--objective", "conditions.temperature_mae", "--trials", "1"]) == 2
    assert "Unknown objective" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("data.split=nmss", "nms"),
        ("model.groups=[fraction]", "fractions"),
        ("data.table=nothing.csv", "nothing.csv"),
        ("data.split=curated", "RRGRAPH_DATA"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(override, expected, table, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("RRGRAPH_DATA", raising=False)
    assert main(["train", "conditions", f"data.table={table}", f"output={tmp_path}/run", *SMALL, override]) == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("columns", "split", "expected"),
    [
        ({"temperature_c": None}, "random", "No training row states a temperature"),
        ({}, "nms", "has a year, which data.split=nms needs; random needs none"),
        ({"firings": "two"}, "random", "firings is 'two', expected a whole number"),
    ],
)
def test_tables_of_ones_own_that_cannot_be_learned_are_refused(table, columns, split, expected, tmp_path, capsys):
    rows = load_table(str(table))
    path = tmp_path / "own.csv"
    rows.with_columns(**{name: [value] * len(rows) for name, value in columns.items()}).write(path)
    run = ["train", "conditions", f"data.table={path}", f"data.split={split}", f"output={tmp_path}/run", *SMALL]
    assert main(run) == 2
    said = capsys.readouterr().err
    assert expected in said and "Traceback" not in said


def test_the_bundled_model_is_measured_on_curated_rows(tmp_path, capsys):
    path = tmp_path / "curated.csv"
    path.write_text("target,precursors,temperature_C,atmosphere,steps\nBaTiO3,BaCO3;TiO2,1200,air,2\nMgO2,MgO,,,\n")
    assert main(["evaluate", "conditions", "--test", str(path), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)["metrics"]["model"]
    assert measured["temperature"]["highest"]["rows"] == 1 and measured["firings"]["rows"] == 1
    path.write_text(
        "target,precursors,temperature_c,time_h\nBaTiO3,BaCO3;TiO2,1200,4\nBa7Tm3O11,BaCO3;Tm2O3,1300,900\n"
    )
    assert main(["evaluate", "conditions", "--test", str(path)]) == 0
    shown, said = capsys.readouterr()
    assert "curated.csv, 4 rows: new targets" in shown and "left out: 1: time above 500" in shown
    assert "2 of 4 rows are about targets that were learned from" in said and "judge by the 2 rows" in said
    path.write_text("target,precursors,temperature_C\nBaTiO3,BaCO3;TiO2,\n")
    assert main(["evaluate", "conditions", "--test", str(path)]) == 2
    assert "No row of" in capsys.readouterr().err
    assert main(["evaluate", "conditions", "--test", str(path), "--predictions", f"{tmp_path}/p.jsonl"]) == 2
    assert "--predictions means nothing for a model of conditions" in capsys.readouterr().err


def test_further_tables_are_learned_from_without_the_systems_that_are_measured(table, tmp_path):
    plain = split_conditions(str(table), "random")
    systems = np.concatenate([rows.table.element_systems for rows in (plain.validation, plain.test)])
    own = plain.train.table.select(~np.isin(plain.train.table.element_systems, systems))
    known, measured = own.select(range(1)), plain.test.table.select(range(1))
    path = tmp_path / "further.csv"
    both = ReactionTable.concat([known, measured]).frame[["target", "precursors"]]
    both.assign(temperature_C=[777, 888], atmosphere="vacuum").to_csv(path, index=False)
    split = split_conditions(str(table), "random", further_tables=[str(path)], own_weight=2.0)
    assert len(split.train) == len(plain.train) + 1
    assert (split.train.temperature[-1], split.train.atmosphere[-1], split.train.weight[-1]) == (777.0, "vacuum", 2.0)
    held = split_conditions(str(table), "all", further_tables=[str(path)], holdout=str(path))
    assert not {777.0, 888.0} & {*held.train.temperature.tolist(), *held.later.temperature.tolist()}


def test_intervals_of_a_final_model_are_made_on_held_out_systems_that_it_then_learns_from(
    table, tmp_path, capsys, monkeypatch
):
    assert not len(split_conditions(str(table), "all").later)  # too few rows to tell
    monkeypatch.setattr("rrgraph.conditions.splits._LEAST_HELD", 10)
    split = split_conditions(str(table), "all")
    held = set(split.validation.table.element_systems)
    assert held and not held & set(split.train.table.element_systems) and not len(split.test)
    assert len(split.later) == len(split.validation)
    divided = split_conditions(str(table), "random")
    everything = sum(len(divided[name]) for name in ("train", "validation", "test"))
    assert len(split.train) + len(split.later) == everything
    run = ["train", "conditions", f"data.table={table}", "data.split=all", f"output={tmp_path}/run", *SMALL]
    assert main(run) == 2
    assert "data.split=all leaves no rows to measure: set evaluation.subsets to []" in capsys.readouterr().err


@pytest.mark.data
def test_half_of_the_curated_systems_are_measured_and_the_others_learned_from(data_folder, table):
    whole, half = (split_conditions(str(table), name) for name in ("curated", "curated_half"))
    assert 0.3 < len(half.test) / len(whole.test) < 0.7
    assert len(half.train) > len(whole.train)
    assert not set(half.train.table.target_keys) & set(half.test.table.target_keys)
    assert not len(half.later)


@pytest.mark.data
def test_intervals_of_later_years_are_made_on_the_rows_that_they_are_about(data_folder, tmp_path):
    own = tmp_path / "own.csv"
    rows = load_table("textbook").select(range(4))
    rows.with_columns(temperature_c=[900.0] * 4, year=[2000, 2015, 2016, 2018]).write(own)
    plain, learned = (split_conditions(str(own), "syntmte_year", learn_validation=each) for each in (False, True))
    assert len(plain.validation) == len(learned.validation) and not len(plain.later)
    assert len(learned.later) == len(learned.validation) + 2 * 2  # two rows for each recipe of 2015 and 2016


@pytest.mark.data
def test_rows_that_are_held_out_are_in_no_part_to_learn_from(data_folder, tmp_path, monkeypatch):
    own = tmp_path / "own.csv"
    load_table("textbook").select(range(3)).with_columns(temperature_c=[900.0] * 3, year=[2000] * 3).write(own)
    whole = split_conditions(str(own), "syntmte_year")
    held = whole.train.table.select(range(1))
    held.write(tmp_path / "held.csv")
    split = split_conditions(str(own), "syntmte_year", holdout=str(tmp_path / "held.csv"))
    key = held.target_keys[0]
    assert key in whole.train.table.target_keys
    for part in (split.train, split.validation):
        assert key not in part.table.target_keys
    assert len(split.test) == len(whole.test)
    assert split.report["dropped"]["recipe: held out"] > 0


def test_held_out_targets_are_left_out(table, tmp_path):
    run = ["train", "conditions", f"data.table={table}", "data.split=random", f"output={tmp_path}/run", *SMALL]
    load_table(str(table)).select(range(60)).write(tmp_path / "holdout.csv")
    assert main([*run, f"data.holdout={tmp_path}/holdout.csv"]) == 0
    rows = json.loads((tmp_path / "run/data.json").read_text(encoding="utf-8"))["conditions"]["rows"]
    held = set(load_table(str(tmp_path / "holdout.csv")).target_keys)
    left = [key for key in load_table(str(table)).target_keys if key not in held]
    assert sum(rows.values()) == 2 * len(left)  # the highest temperature, and the firing


def test_systems_are_compared(table, tmp_path, capsys):
    config = tmp_path / "compared.yaml"
    config.write_text(
        "systems:\n  median: {config: conditions, overrides: [model.system=median]}\n"
        "  nearest: {config: conditions, overrides: [model.system=nearest]}\n"
        "splits: [random]\nseeds: [0]\nprotocols: [conditions]\nmetrics: [highest_mae, top_1, coverage_80]\n",
        encoding="utf-8",
    )
    assert main(["experiment", str(config), f"overrides=[data.table={table}]", f"output={tmp_path}/out"]) == 0
    table_text = (tmp_path / "out/table.md").read_text(encoding="utf-8")
    assert "highest_mae ↓" in table_text and "nearest" in table_text
