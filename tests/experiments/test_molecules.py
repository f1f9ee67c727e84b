"""Experiments about molecules: the same grid, with runs on products and templates."""

from __future__ import annotations

import csv
import json

import pytest

pytest.importorskip("rdchiral", reason="needs the extra 'organic'")

from rrgraph.cli.main import main
from rrgraph.errors import ConfigError
from rrgraph.experiments import expand, load_experiment, run_experiment
from rrgraph.experiments.grid import check_grid
from rrgraph.organic import FREQUENCY_BINS

SMALL = """\
domain: organic
data: {table: TABLE}
model:
  width: 16
  product: {hidden: 32, bits: 512}
  template: {hidden: 32, bits: 512}
contrastive: {epochs: 10, batch_size: 16, learning_rate: 0.01}
ranking: {epochs: 2, batch_size: 16, candidates: 4, hard: 2, learning_rate: 0.005}
search: {templates: 4, applicable: true}
"""

EXPERIMENT = """\
title: A trial
systems:
  contrast: {config: small.yaml, overrides: [ranking.enabled=false, reranker.enabled=false]}
  ours: {config: small.yaml}
splits: [column]
seeds: [0, 1]
protocols: [reactants, by_template, template]
compare_with: contrast
"""


@pytest.fixture(scope="module")
def folder(organic_table, tmp_path_factory):
    """A folder with the file of a small experiment, and what it left behind."""
    folder = tmp_path_factory.mktemp("molecules")
    (folder / "small.yaml").write_text(SMALL.replace("TABLE", str(organic_table)))
    (folder / "trial.yaml").write_text(EXPERIMENT + f"output: {folder / 'out'}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        assert main(["experiment", str(folder / "trial.yaml")]) == 0
    return folder


def table(folder, name):
    with (folder / "out" / name).open() as handle:
        return list(csv.DictReader(handle))


def test_accuracies_are_those_of_the_runs(folder):
    rows = table(folder, "results.csv")
    assert [(row["system"], row["seed"]) for row in rows] == [
        *(("contrast", "0"), ("ours", "0")),
        *(("contrast", "1"), ("ours", "1")),
    ]
    for row in rows:
        run = folder / "out" / "runs" / f"{row['system']}-column-{row['seed']}"
        systems = json.loads((run / "metrics.json").read_text())["test"]
        assert set(systems) == ({"model", "by_template"} if row["system"] == "ours" else {"model"})
        assert float(row["reactants_top1"]) == systems["model"]["reactants"]["top1"]["value"]
        assert float(row["template_top3"]) == systems["model"]["templates"]["top3"]["value"]
        plain = systems.get("by_template", systems["model"])
        assert float(row["by_template_top1"]) == plain["reactants"]["top1"]["value"]
        ranks = json.loads((run / "ranks.json").read_text())["test"]
        for name in ("reactants", "by_template", "template"):
            hits = [rank is not None and rank <= 3 for rank in ranks[name]["rank"]]
            assert float(row[f"{name}_top3"]) == pytest.approx(sum(hits) / len(hits))


def test_rows_are_told_apart_by_how_often_training_has_their_template(folder):
    rows = table(folder, "table.csv")
    panels = list(dict.fromkeys(row["split"] for row in rows))
    assert panels[0] == "column"
    names = [panel.removeprefix("column (templates with ").removesuffix(" training rows)") for panel in panels[1:]]
    assert set(names) <= {"at most 5", *FREQUENCY_BINS}
    metrics = json.loads((folder / "out" / "runs" / "ours-column-0" / "metrics.json").read_text())["test"]["model"]
    ranks = json.loads((folder / "out" / "runs" / "ours-column-0" / "ranks.json").read_text())["test"]
    for name, found in metrics["frequency"].items():
        if name in FREQUENCY_BINS:
            assert name in names
            assert found["rows"] == sum(1 for count in ranks["training_rows"] if _falls(count, name))


def _falls(count, name):
    low, _, high = name.replace("> ", "").partition("-")
    return count > int(low) if name.startswith(">") else int(low) <= count <= int(high or low)


def test_without_a_second_look_at_sets_templates_alone_decide(folder):
    cells = {
        (row["protocol"], row["k"]): row["mean"]
        for row in table(folder, "table.csv")
        if row["system"] == "contrast" and row["split"] == "column"
    }
    assert all(cells["reactants", k] == cells["by_template", k] for k in ("1", "3", "5", "10"))


def test_the_lead_over_the_system_compared_with_is_told(folder):
    rows = [row for row in table(folder, "table.csv") if row["split"] == "column"]
    means = {(row["system"], row["protocol"], row["k"]): float(row["mean"]) for row in rows}
    for row in rows:
        if row["system"] == "contrast":
            assert row["difference"] == ""
        else:
            lead = means["ours", row["protocol"], row["k"]] - means["contrast", row["protocol"], row["k"]]
            assert float(row["difference"]) == pytest.approx(lead, abs=0.002)


def test_finished_runs_are_only_compared(folder, monkeypatch):
    monkeypatch.setattr("rrgraph.runs.molecules.organic_run", None)
    result = run_experiment(load_experiment(folder / "trial.yaml", ["compare_with=ours"]))
    assert not result.failures
    assert set(result.panels[0].columns[0].differences) == {"contrast"}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("splits=[nms]", r"splits is 'nms', expected one of column"),
        ("protocols=[templat]", r"protocols is 'templat'.*Did you mean 'template'"),
        ("search.candidates=[10]", "search.candidates is about precursor sets"),
        ("systems.contrast.config=../../nowhere.yaml", "nowhere.yaml"),
    ],
)
def test_what_runs_on_molecules_do_not_know_is_refused(folder, override, message):
    with pytest.raises(ConfigError, match=message):
        expand(load_experiment(folder / "trial.yaml", [override]))


def test_runs_get_their_share_of_the_cores(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("rrgraph.experiments.experiment.processors", lambda: 6)
    asked = []

    def spy(config, *, resume, jobs, on_data):
        asked.append(jobs)
        raise ConfigError("enough")

    monkeypatch.setattr("rrgraph.runs.molecules.organic_run", spy)
    run_experiment(load_experiment(folder / "trial.yaml", [f"output={tmp_path / 'out'}", "seeds=[0]"]))
    assert asked == [6, 6]


def test_the_table_is_recorded(folder, organic_table):
    recorded = json.loads((folder / "out" / "data.json").read_text())["tables"]
    assert recorded[str(organic_table)]["rows"] == len(organic_table.read_text().splitlines()) - 1


def test_molecules_and_materials_are_not_compared(folder, tmp_path):
    (tmp_path / "popular.yaml").write_text("baseline: popularity\n")
    override = f"systems.contrast={{config: {tmp_path / 'popular.yaml'}, overrides: []}}"
    with pytest.raises(ConfigError, match="'contrast' and 'ours' cannot be compared: one is about materials"):
        expand(load_experiment(folder / "trial.yaml", [override]))


def test_two_tables_are_not_compared(folder):
    runs = expand(load_experiment(folder / "trial.yaml", ["systems.ours.overrides=[data.rows=5]", "output=elsewhere"]))
    with pytest.raises(ConfigError, match="would not be measured on the same rows"):
        check_grid(runs)
