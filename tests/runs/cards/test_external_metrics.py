from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from rrgraph.errors import ConfigError
from rrgraph.runs import train_run
from rrgraph.runs.cards.external_metrics import measured_runs
from rrgraph.runs.check import check_config


def naming(config, *folders):
    """The configuration trained on every row, with a card that shows other runs."""
    return replace(
        config,
        data=replace(config.data, split="all"),
        evaluation=replace(config.evaluation, subsets=[], card_from=[str(folder) for folder in folders]),
    )


@pytest.fixture
def copied(run_folder, tmp_path):
    """A copy of the finished run, to be changed."""
    return shutil.copytree(run_folder, tmp_path / "copy")


def test_what_a_run_measured_is_read_back(tiny, finished, run_folder):
    (run,) = measured_runs(naming(tiny, run_folder))
    assert run.comparison == finished.comparison
    assert run.config == tiny
    assert run.training_rows == len(finished.split.train)
    assert measured_runs(tiny) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda c: replace(c, seed=7, name="other", output="elsewhere"),
        lambda c: replace(c, data=replace(c.data, year=2010, validation_fraction=0.0, holdout="nms_validation")),
        lambda c: replace(c, evaluation=replace(c.evaluation, protocols=["open"], baselines=[])),
    ],
    ids=["name and seed", "rows", "measurement"],
)
def test_runs_of_one_model_may_differ_in_their_rows_and_measurement(tiny, run_folder, change):
    assert len(measured_runs(change(naming(tiny, run_folder)))) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda c: replace(c, model=replace(c.model, width=32)),
        lambda c: replace(c, training=replace(c.training, epochs=3)),
        lambda c: replace(c, data=replace(c.data, table="textbook")),
        lambda c: replace(c, data=replace(c.data, clean=True)),
        lambda c: replace(c, evaluation=replace(c.evaluation, mode="geometric")),
    ],
    ids=["model", "training", "table", "cleaning", "mode"],
)
def test_another_model_is_refused_before_training(tiny, run_folder, tmp_path, change):
    config = replace(change(naming(tiny, run_folder)), output=str(tmp_path / "new"))
    with pytest.raises(ConfigError, match="another model was trained"):
        train_run(config)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["config.yaml", "data.json", "metrics.json"])
def test_a_folder_without_a_finished_run_is_refused(tiny, copied, name):
    (copied / name).unlink()
    with pytest.raises(ConfigError, match=f"not a finished run: it has no {name}"):
        check_config(naming(tiny, copied))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"test": {"open": {"model": {}}}}', "cannot be read"),
        ('{"test": {"open": {"model": {"overall": 1}}}}', "cannot be read"),
        ("{}", "nothing was measured"),
    ],
)
def test_metrics_that_say_nothing_are_refused(tiny, copied, text, words):
    (copied / "metrics.json").write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        measured_runs(naming(tiny, copied))
    assert "\n" not in str(caught.value)


def test_metrics_without_strata_are_read(tiny, copied):
    metrics = json.loads((copied / "metrics.json").read_text())
    for protocols in metrics.values():
        for systems in protocols.values():
            for values in systems.values():
                for name in ("strata", "model_lead", "listed_calibration"):
                    del values[name]
    (copied / "metrics.json").write_text(json.dumps(metrics))
    (run,) = measured_runs(naming(tiny, copied))
    assert run.comparison["test"]["open"]["model"].subgroups == ()
