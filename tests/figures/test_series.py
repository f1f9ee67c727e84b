from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from rrgraph.errors import ConfigError
from rrgraph.evaluation import Metrics
from rrgraph.figures import FigureOptions, TrainedRun, default_subset, gather
from rrgraph.figures.series import by_split


def test_a_run_brings_the_baselines_that_were_measured_beside_it(run_folder):
    model, baseline = gather([run_folder])
    assert (model.label, model.split, model.beside, model.has_model) == ("tiny", "random", None, True)
    assert (baseline.label, baseline.beside, baseline.has_model) == ("popularity", "popularity", False)
    recorded = json.loads((run_folder / "metrics.json").read_text())["test"]["open"]
    for each, system in ((model, "model"), (baseline, "popularity")):
        assert each.metrics("test", "open") == [Metrics.from_dict(recorded[system])]
    assert model.protocols("test") == ["paper", "open"]


def test_runs_of_one_name_are_told_apart_by_their_folders(run_folder, tmp_path):
    shutil.copytree(run_folder, tmp_path / "again")
    series = gather([run_folder, tmp_path / "again"])
    # Popularity measured the same on both: one series.
    assert [each.label for each in series] == ["tiny", "again", "popularity"]
    metrics = json.loads((run_folder / "metrics.json").read_text())
    metrics["test"]["open"]["popularity"]["overall"]["top1"]["value"] += 0.001
    (tmp_path / "again" / "metrics.json").write_text(json.dumps(metrics))
    labels = [each.label for each in gather([run_folder, tmp_path / "again"])]
    assert labels == ["tiny", "again", "popularity", "popularity beside again"]
    with pytest.raises(ConfigError, match="given twice"):
        gather([run_folder, run_folder])


def test_seeds_of_an_experiment_are_one_series(experiment):
    series = gather([experiment])
    assert [(each.label, each.split, len(each.runs)) for each in series] == [
        ("popularity", "dr", 2),
        ("popularity", "random", 2),
        ("invented", "dr", 2),
        ("invented", "random", 2),
        ("ours", "random", 1),
    ]
    assert {name: len(systems) for name, systems in by_split(series).items()} == {"dr": 2, "random": 3}
    # The popularity that was measured within the run is not a series of its own: the experiment has one.
    assert not any(each.beside for each in series)


def test_ranks_are_read_where_they_are_and_measured_again_where_not(run_folder, tmp_path):
    run = TrainedRun(run_folder)
    recorded = run.metrics("test", "open")
    again = run.ranks("test", "open")
    for k, interval in recorded.overall.top.items():
        assert np.mean(again.ranks <= k) == pytest.approx(interval.value)
    shutil.copytree(run_folder, tmp_path / "run")
    invented = again.to_dict() | {"rank": [7] * len(again.ranks)}
    (tmp_path / "run" / "ranks.json").write_text(json.dumps({"test": {"open": invented}}))
    read = TrainedRun(tmp_path / "run")
    assert read.ranks("test", "open").ranks.tolist() == [7] * len(again.ranks)
    assert np.array_equal(read.ranks("test", "paper").ranks, run.ranks("test", "paper").ranks)


def test_a_part_that_was_not_measured_is_measured_now(run_folder):
    metrics = TrainedRun(run_folder).metrics("validation", "open")
    assert metrics.overall.rows == len(TrainedRun(run_folder).table("validation")) > 0
    assert {strata.by for strata in metrics.subgroups} == {"year", "anion_class", "source_elements"}


def test_without_a_model_only_what_was_recorded_is_known(experiment):
    run = gather([experiment])[0].first
    assert run.metrics("validation", "open") is None
    assert run.ranks("validation", "open") is None
    assert run.protocols("validation") == []


def test_the_part_is_what_was_measured(run_folder, experiment, tmp_path):
    assert default_subset([run_folder]) == default_subset([experiment]) == "test"
    shutil.copytree(run_folder, tmp_path / "run")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    (tmp_path / "run" / "metrics.json").write_text(json.dumps({"validation": metrics["test"]}))
    assert default_subset([tmp_path / "run"]) == "validation"
    assert default_subset([tmp_path / "run", run_folder]) == "test"


def test_bad_folders_are_refused(run_folder, experiment, tmp_path):
    with pytest.raises(ConfigError, match=r"no run folder .* Did you mean"):
        gather([f"{run_folder}y"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"has no config\.yaml"):
        gather([tmp_path / "empty"])
    (tmp_path / "empty" / "config.yaml").write_text("name: a\n")
    with pytest.raises(ConfigError, match="not finished"):
        gather([tmp_path / "empty"])
    (tmp_path / "empty" / "metrics.json").write_text("{")
    with pytest.raises(ConfigError, match="not valid JSON"):
        gather([tmp_path / "empty"])
    (tmp_path / "young").mkdir()
    (tmp_path / "young" / "experiment.yaml").write_text("name: a\n")
    with pytest.raises(ConfigError, match=r"no results\.csv"):
        gather([tmp_path / "young"])
    (tmp_path / "young" / "results.csv").write_text("system,split\na,b\n")
    with pytest.raises(ConfigError, match="no column 'seed'"):
        gather([tmp_path / "young"])


def test_ranks_that_cannot_be_read_are_refused(run_folder, tmp_path):
    shutil.copytree(run_folder, tmp_path / "run")
    (tmp_path / "run" / "ranks.json").write_text(json.dumps({"test": {"open": {"rank": [1]}}}))
    with pytest.raises(ConfigError, match="ranks of the run in"):
        TrainedRun(tmp_path / "run").ranks("test", "open")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", b"\xff\x00"),
        ("metrics.json", b'{"test": [1, 2]}'),
        ("metrics.json", b'{"test": {"open": {"model": {"overall": NaN}}}}'),
        ("ranks.json", b'{"test": {"open": {"target": ["a"], "rank": [0], "row_rank": [1]}}}'),
        ("ranks.json", b'{"test": {"open": {"target": ["a", "b"], "rank": [1], "row_rank": [1]}}}'),
        ("config.yaml", b"data: ${oc.env:HOME}"),
    ],
)
def test_a_damaged_run_of_an_experiment_stops_only_itself(experiment, tmp_path, name, content):
    shutil.copytree(experiment, tmp_path / "experiment")
    whole = gather([experiment])
    first = tmp_path / "experiment" / "runs" / whole[0].runs[0].folder.name
    (first / name).write_bytes(content)
    sentences = []
    found = gather([tmp_path / "experiment"], on_damage=sentences.append)
    assert len(sentences) == 1
    assert str(first) in sentences[0]
    assert [len(each.runs) for each in found] == [len(whole[0].runs) - 1, *(len(each.runs) for each in whole[1:])]
    with pytest.raises(ConfigError, match=str(first)):
        gather([tmp_path / "experiment"])
    with pytest.raises(ConfigError, match=str(first)):
        gather([first], on_damage=sentences.append)


def test_a_damaged_model_stops_only_its_run(experiment, tmp_path):
    shutil.copytree(experiment, tmp_path / "experiment")
    model = tmp_path / "experiment" / "runs" / "ours-random-0" / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-1] + b"\x7f")
    sentences = []
    found = gather([tmp_path / "experiment"], on_damage=sentences.append)
    assert "ours" not in {each.label for each in found}
    assert "damaged: model.safetensors" in sentences[0]


def test_options_are_checked():
    with pytest.raises(ConfigError, match="Did you mean 'test'"):
        FigureOptions(subset="tset")
    with pytest.raises(ConfigError, match="Did you mean 'open'"):
        FigureOptions(protocol="opne")
