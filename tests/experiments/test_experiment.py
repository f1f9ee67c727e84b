from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
from safetensors.torch import load_file

from rrgraph import runs
from rrgraph.data import data_checksum
from rrgraph.errors import ConfigError
from rrgraph.evaluation import Metrics
from rrgraph.experiments import ExperimentConfig, expand, load_experiment, run_experiment
from rrgraph.experiments.record import record_experiment
from rrgraph.figures.tables import experiment_tables
from rrgraph.runs.train import _fit as fit
from rrgraph.util.config import load_config
from rrgraph.util.files import sha256_file
from rrgraph.util.locking import locked_folder

from ..mortal_engine import MortalEngine


def ended(experiment, **options):
    """Run an experiment; return its result and the keys of the runs that were carried out."""
    done = []
    return run_experiment(experiment, on_end=lambda run, outcome: done.append(run.key), **options), done


def rows_of(folder):
    with (folder / "results.csv").open() as handle:
        return list(csv.DictReader(handle))


def test_an_experiment_leaves_its_folder(trial, reactions):
    experiment = load_experiment(trial)
    result, done = ended(experiment)
    assert len(done) == 4
    assert result.failures == {}
    folder = result.folder
    assert {entry.name for entry in folder.iterdir()} == {
        "data.json",
        "environment.json",
        "experiment.yaml",
        "logs",
        "results.csv",
        "runs",
        "table.csv",
        "table.md",
        "table.tex",
    }
    assert load_config(folder / "experiment.yaml", schema=ExperimentConfig) == experiment
    data = json.loads((folder / "data.json").read_text())
    assert data["tables"] == {str(reactions): {"rows": 328, "sha256": sha256_file(reactions)}}
    assert {entry.name for entry in (folder / "runs").iterdir()} == {
        f"{system}-random-{seed}" for system in ("popular", "flat") for seed in (0, 1)
    }


def test_models_and_baselines_record_their_own_tables(trial, reactions):
    """The model is first, and has a table that baselines know nothing of."""
    further = "reranker.further_tables={textbook: 1.0}"
    trial.with_name("linked.yaml").write_text("data: {split: random}\nmodel: {statistics: true, n_decoders: 2}\n")
    systems = f"  linked: {{config: linked.yaml, overrides: [reranker.enabled=true, '{further}']}}\n"
    trial.write_text(trial.read_text().replace("systems:\n", f"systems:\n{systems}"))
    experiment = load_experiment(trial)
    record_experiment(experiment, expand(experiment))
    recorded = json.loads((experiment.folder / "data.json").read_text())
    assert set(recorded["tables"]) == {str(reactions), "textbook"}


def test_results_hold_one_row_a_run_with_what_it_measured(trial):
    result, _ = ended(load_experiment(trial, ["seeds=[0]"]))
    rows = rows_of(result.folder)
    assert [(row["system"], row["split"], row["seed"]) for row in rows] == [
        ("popular", "random", "0"),
        ("flat", "random", "0"),
    ]
    for row in rows:
        metrics = json.loads((result.folder / "runs" / f"{row['system']}-random-0" / "metrics.json").read_text())
        assert float(row["seconds"]) >= 0
        for protocol in ("paper", "open,max_candidates=20"):
            found = Metrics.from_dict(metrics["test"][protocol]["model"])
            assert int(row["rows"]) == found.overall.rows
            assert float(row[f"{protocol}_ece"]) == found.calibration.ece_width
            for k, interval in found.overall.top.items():
                assert float(row[f"{protocol}_top{k}"]) == interval.value
                assert float(row[f"{protocol}_unseen_top{k}"]) == found.unseen.top[k].value
    for column in result.panels[0].columns:
        for row in rows:
            assert column.cells[row["system"]].mean == pytest.approx(float(row[f"{column.protocol}_top{column.k}"]))


def test_finished_runs_are_not_repeated(trial):
    experiment = load_experiment(trial, ["seeds=[0]"])
    first, _ = ended(experiment)
    before = rows_of(first.folder)
    again, done = ended(experiment)
    assert done == []
    assert rows_of(again.folder) == before
    assert again.panels == first.panels
    # More seeds are an extension, not a change.
    more, done = ended(replace(experiment, seeds=[0, 1]))
    assert done == [("popular", "random", 1), ("flat", "random", 1)]
    assert rows_of(more.folder)[:2] == before


def test_a_part_of_the_systems_is_carried_out_and_all_that_is_finished_compared(trial):
    experiment = load_experiment(trial, ["seeds=[0]"])
    first, done = ended(experiment, only=["flat"])
    assert done == [("flat", "random", 0)]
    assert {name for column in first.panels[0].columns for name in column.cells} == {"flat"}
    second, done = ended(experiment, only=["popular"])
    assert done == [("popular", "random", 0)]
    assert [row["system"] for row in rows_of(second.folder)] == ["popular", "flat"]
    assert set(second.panels[0].columns[0].cells) == {"popular", "flat"}
    with pytest.raises(ConfigError, match=r"only is 'flatt', expected one of popular, flat\. Did you mean 'flat'\?"):
        run_experiment(experiment, only=["flatt"])


def test_runs_that_others_finish_meanwhile_are_compared(trial):
    experiment = load_experiment(trial, ["seeds=[0]"])
    result = run_experiment(
        experiment, only=["flat"], on_end=lambda *_: run_experiment(experiment, only=["popular"]) and None
    )
    assert [row["system"] for row in rows_of(result.folder)] == ["popular", "flat"]
    assert set(result.panels[0].columns[0].cells) == {"popular", "flat"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", b"\xff"),
        ("metrics.json", b'{"test": 3}'),
        ("ranks.json", b'{"test": {}}'),
        ("ranks.json", b"{"),
        ("seconds.json", b'"long"'),
    ],
)
def test_a_damaged_run_is_left_out_or_measured_again(trial, name, content):
    experiment = load_experiment(trial, ["seeds=[0]"])
    first, _ = ended(experiment)
    (first.folder / "runs" / "flat-random-0" / name).write_bytes(content)
    left_out, done = ended(experiment, only=["popular"])
    assert done == []
    assert [(run.system, "flat-random-0" in sentence) for run, sentence in left_out.failures.items()] == [
        ("flat", True)
    ]
    assert [row["system"] for row in rows_of(left_out.folder)] == ["popular"]
    again, done = ended(experiment)
    assert done == [("flat", "random", 0)]
    assert again.failures == {}
    assert again.panels == first.panels


def test_a_run_whose_configuration_is_damaged_fails_alone(trial):
    experiment = load_experiment(trial, ["seeds=[0]"])
    first, _ = ended(experiment)
    (first.folder / "runs" / "flat-random-0" / "config.yaml").write_bytes(b"seed: !!set {a}")
    again, _ = ended(experiment)
    assert [run.system for run in again.failures] == ["flat"]
    assert [row["system"] for row in rows_of(again.folder)] == ["popular"]


def test_a_run_that_was_killed_behind_its_last_file_is_tidied(trial):
    experiment = load_experiment(trial, ["seeds=[0]"])
    first, _ = ended(experiment)
    kept = first.folder / "runs" / "flat-random-0" / "measuring.safetensors"
    kept.touch()
    _, done = ended(experiment)
    assert done == []
    assert not kept.exists()


def test_a_run_whose_process_dies_is_tried_once_more(trial):
    experiment = load_experiment(trial, ["seeds=[0]"])
    engine = MortalEngine(lambda run: run.system == "flat" or len(engine.items) == 1)
    result, done = ended(experiment, engine=engine)
    assert [run.system for run in engine.items] == ["popular", "popular", "flat", "flat"]
    assert sorted(name for name, *_ in done) == ["flat", "popular"]
    assert {run.system: said for run, said in result.failures.items()} == {
        "flat": "a worker process died (out of memory?)."
    }
    assert [row["system"] for row in rows_of(result.folder)] == ["popular"]


def test_an_unfinished_run_is_carried_out(trial):
    experiment = load_experiment(trial, ["seeds=[0]"])
    first, _ = ended(experiment)
    for name in ("metrics.json", "card.md"):
        (first.folder / "runs" / "flat-random-0" / name).unlink()
    again, done = ended(experiment)
    assert done == [("flat", "random", 0)]
    assert again.panels == first.panels


def test_other_protocols_are_measured_in_finished_runs(trial):
    experiment = load_experiment(trial, ["seeds=[0]"])
    ended(experiment)
    result, done = ended(replace(experiment, protocols=["open"]))
    assert len(done) == 2
    assert {column.protocol for column in result.panels[0].columns} == {"open"}


def test_candidates_and_metrics_are_measured_and_compared(trial):
    experiment = load_experiment(
        trial, ["seeds=[0]", "protocols=[open]", "candidates=[pool,library]", "metrics=[top_10,mrr,ece]"]
    )
    result, _ = ended(experiment)
    metrics = json.loads((result.folder / "runs" / "popular-random-0" / "metrics.json").read_text())["test"]
    columns = {(column.candidates, column.metric): column for column in result.panels[0].columns}
    for candidates, protocol in (("pool", "open"), ("library", "open,candidates=library")):
        found = Metrics.from_dict(metrics[protocol]["model"])
        assert found.protocol.candidates == candidates
        for name in experiment.metrics:
            assert columns[candidates, name].cells["popular"].mean == pytest.approx(found.values[name])
    # The library holds more to choose from.
    assert columns["library", "top_10"].cells["popular"].mean <= columns["pool", "top_10"].cells["popular"].mean
    shown = experiment_tables(result.folder)
    assert ("open,candidates=library", 10) in shown[0].columns


def test_a_changed_configuration_is_refused_before_anything_runs(trial):
    ended(load_experiment(trial, ["seeds=[0]"]))
    before = (trial.parent / "out" / "experiment.yaml").read_text()
    changed = load_experiment(trial, ["seeds=[5,0]", "systems.flat.overrides=[options.alpha=0.7]"])
    with pytest.raises(ConfigError, match=r"flat-random-0' was started with another configuration.*Remove the folder"):
        run_experiment(changed)
    assert not (trial.parent / "out" / "runs" / "popular-random-5").exists()
    assert (trial.parent / "out" / "experiment.yaml").read_text() == before


def test_tables_that_have_changed_are_refused_before_anything_runs(trial, reactions, tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_text(reactions.read_text())
    experiment = load_experiment(trial, ["seeds=[0]", f"overrides=[data.table={mine}]"])
    ended(experiment, only=["flat"])
    mine.write_text(reactions.read_text() + "BaTiO3,BaO;TiO2\n")
    with pytest.raises(ConfigError, match=r"was started with other contents of '.*mine\.csv'"):
        ended(experiment)
    data = trial.parent / "out" / "data.json"
    data.write_text("[" * 100_000)
    with pytest.raises(ConfigError, match=r"data\.json' is damaged; remove it"):
        ended(experiment)
    mine.write_text(reactions.read_text())
    data.unlink()
    assert ended(experiment)[1] == [("popular", "random", 0)]


def test_a_run_that_another_process_carries_out_is_left_to_it(trial):
    experiment = load_experiment(trial, ["seeds=[0]"])
    ended(experiment, only=["popular"])
    with locked_folder(trial.parent / "out" / "runs" / "flat-random-0"):
        result, done = ended(experiment)
    assert done == [("flat", "random", 0)]
    ((run, sentence),) = result.failures.items()
    assert run.key == ("flat", "random", 0)
    assert "is in use by process" in sentence
    assert ended(experiment)[1] == [("flat", "random", 0)]


def test_a_folder_of_something_else_is_refused(trial):
    (trial.parent / "out").mkdir()
    (trial.parent / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds no experiment"):
        run_experiment(load_experiment(trial))


@pytest.mark.usefixtures("failing")
def test_a_failed_run_does_not_stop_the_others_and_is_tried_again(trial):
    (trial.parent / "failing.yaml").write_text("baseline: failing\n")
    experiment = load_experiment(trial, ["systems.flat.config=failing.yaml", "systems.flat.overrides=[]"])
    result, done = ended(experiment)
    assert len(done) == 4
    assert {run.key: "RuntimeError: no such luck" in sentence for run, sentence in result.failures.items()} == {
        ("flat", "random", 1): True
    }
    assert "Traceback" in (result.folder / "logs" / "flat-random-1.txt").read_text()
    assert len(rows_of(result.folder)) == 3
    assert "flat (1 of 2 seeds)" in (result.folder / "table.md").read_text()
    again, done = ended(experiment)
    assert done == [("flat", "random", 1)]
    assert len(again.failures) == 1


def test_a_table_is_measured_by_the_same_runs(trial, reactions):
    """Nothing is trained again, and rows of new element systems have a panel of their own."""
    experiment = load_experiment(trial, ["seeds=[0]"])
    ended(experiment)
    result, _ = ended(replace(experiment, subset=str(reactions)))
    assert [row["rows"] for row in rows_of(result.folder)] == ["328", "328"]
    whole, *others = result.panels
    assert (whole.group, [panel.group for panel in others]) == ("all", ["unseen", "new_system"])
    assert 0 < others[1].rows[0] < 328
    assert str(reactions) in json.loads((result.folder / "data.json").read_text())["tables"]


def test_links_that_were_learned_by_the_same_settings_are_taken_over(trial, monkeypatch):
    """A run that differs in its prior and its re-ranker gets what it would have learned."""
    learned = []
    monkeypatch.setattr(runs.train, "_fit", lambda *given, **options: learned.append(given) or fit(*given, **options))
    trial.with_name("linked.yaml").write_text(
        "data: {split: random}\nmodel: {width: 16, layers: 1, heads: 1, statistics: true, n_decoders: 2}\n"
        "training: {epochs: 1, validation_targets: 10}\n"
    )
    systems = (
        "  plain: {config: linked.yaml}\n"
        "  prior: {config: linked.yaml, overrides: [model.candidate_prior=unseen]}\n"
        "  slower: {config: linked.yaml, overrides: [training.learning_rate=1.0e-5]}\n"
    )
    trial.write_text(trial.read_text().replace("systems:\n", f"systems:\n{systems}"))
    experiment = load_experiment(trial, ["seeds=[0]", "quick={}"])
    shared, _ = ended(experiment, only=["plain", "prior", "slower"])
    assert (shared.failures, len(learned)) == ({}, 2)
    alone, _ = ended(replace(experiment, output=f"{experiment.output}-alone"), only=["prior"])
    assert len(learned) == 3
    files = [folder / "runs" / "prior-random-0" for folder in (shared.folder, alone.folder)]
    weights, expected = (load_file(each / "model.safetensors") for each in files)
    assert weights.keys() == expected.keys()
    assert all(weights[name].equal(expected[name]) for name in expected)
    descriptions = [json.loads((each / "model.json").read_text()) for each in files]
    assert descriptions[0] == descriptions[1]
    assert (
        rows_of(shared.folder)[1]["open,max_candidates=20_top1"]
        == rows_of(alone.folder)[0]["open,max_candidates=20_top1"]
    )


def test_a_subset_without_rows_is_a_failure(trial):
    result, _ = ended(load_experiment(trial, ["splits=[all]", "seeds=[0]"]))
    assert set(result.failures.values()) == {"The subset 'test' has no rows to measure on."}
    assert result.panels == []


def test_the_cost_of_the_search_is_measured_once(trial):
    experiment = load_experiment(trial, ["seeds=[0]", "search={candidates: [5, 0], targets: 6, most_sets: 1000}"])
    result, _ = ended(experiment)
    text = (result.folder / "table.md").read_text()
    assert "\n\n## Cost of the search\n" in text
    path = result.folder / "search.csv"
    with path.open() as handle:
        costs = list(csv.DictReader(handle))
    assert [(cost["system"], cost["candidates"]) for cost in costs] == [
        (system, number) for system in ("popular", "flat") for number in ("5", "0")
    ]
    # All sets of five candidates are few enough to enumerate.
    assert all(cost["enumerated"] == cost["targets"] == "6" for cost in costs if cost["candidates"] == "5")
    assert all(int(cost["sets"]) > 1000 for cost in costs if cost["candidates"] == "0")
    before = path.read_text()
    ended(experiment)
    assert path.read_text() == before


def test_checksums_are_those_of_the_files(reactions):
    assert data_checksum(str(reactions)) == sha256_file(reactions)
    assert len(data_checksum("textbook")) == 64
