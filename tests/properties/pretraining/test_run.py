from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.torch import load_file

from rrgraph.data import TEST, TRAIN, VALIDATION
from rrgraph.errors import ConfigError, DataError
from rrgraph.models import load_encoder
from rrgraph.nn import choose_device
from rrgraph.properties.pretraining import PretrainConfig, PretrainingTask, PropertyDataConfig, UserTable, pretrain_run
from rrgraph.training import STATE_FILE
from rrgraph.util.config import load_config
from rrgraph.util.environment import describe_environment

FILES = {
    "card.md",
    "config.yaml",
    "data.json",
    "environment.json",
    "history.csv",
    "metrics.json",
    "model.json",
    "model.safetensors",
}


def table_of(config, **changes):
    """Run for one epoch and return the labels that it was given."""
    found = []
    training = replace(config.training, epochs=1)
    pretrain_run(replace(config, training=training, **changes), on_data=found.append)
    return found[0]


def without_seconds(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def same_weights(one, other):
    first, second = (load_file(folder / "model.safetensors") for folder in (one, other))
    return first.keys() == second.keys() and all(first[name].equal(second[name]) for name in first)


def batches_of_an_epoch(config, tmp_path, monkeypatch):
    """The batches of one epoch."""
    seen, loss = [], PretrainingTask.loss

    def watched(self, batch, generator):
        seen.append(batch)
        return loss(self, batch, generator)

    short = replace(config, output=str(tmp_path / "one"), training=replace(config.training, epochs=1))
    with monkeypatch.context() as patch:
        patch.setattr(PretrainingTask, "loss", watched)
        pretrain_run(short)
    return seen


def test_properties_are_learned(pretrained, property_file):
    """Errors on compositions that were never shown are far below those of the median."""
    with property_file.open() as handle:
        rows = list(csv.DictReader(handle))
    measured = {item.score.task: item.score for item in pretrained.metrics.properties}
    assert set(measured) == {"negativity", "size"}
    for name, score in measured.items():
        values = np.array([float(row[name]) for row in rows])
        assert score.to_dict()["mae"]["value"] < 0.5 * np.abs(values - np.median(values)).mean()
    accuracies = pretrained.metrics.classes["anion"]
    assert accuracies["encoder"].top[1].value > accuracies["prototype"].top[1].value
    assert accuracies["encoder"].top[1].value > 0.9
    losses = [row["loss"] for row in pretrained.history]
    assert losses[-1] < losses[0]


def test_the_folder_records_the_run(pretraining, pretrained):
    folder = pretrained.folder
    assert {entry.name for entry in folder.iterdir()} == FILES
    assert load_config(folder / "config.yaml", schema=PretrainConfig) == pretraining
    assert json.loads((folder / "environment.json").read_text()) == describe_environment()
    assert json.loads((folder / "metrics.json").read_text()) == json.loads(json.dumps(pretrained.metrics.to_dict()))
    with (folder / "history.csv").open() as handle:
        history = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(handle)]
    assert history == pretrained.history
    assert {"epoch", "loss", "score", "mae_negativity", "mae_size", "top_1_anion", "seconds"} == set(history[0])
    report = json.loads((folder / "data.json").read_text())["properties"]
    assert sum(report["labels"]["negativity"].values()) == report["compositions"]


def test_the_card_says_tasks_errors_and_limits(pretrained):
    card = (pretrained.folder / "card.md").read_text()
    assert card.startswith("# Encoder card: small\n")
    for text in ("heads for 3 properties", "| negativity |", "| anion | prototype |", "hidden element", "## Limits"):
        assert text in card


def test_the_same_seed_gives_the_same_weights_and_another_does_not(pretraining, tmp_path):
    short = replace(pretraining, training=replace(pretraining.training, epochs=1))
    runs = [pretrain_run(replace(short, seed=seed, output=str(tmp_path / f"{i}"))) for i, seed in enumerate((3, 3, 4))]
    assert same_weights(runs[0].folder, runs[1].folder)
    assert without_seconds(runs[0].history) == without_seconds(runs[1].history)
    assert not same_weights(runs[0].folder, runs[2].folder)


@pytest.mark.parametrize(("minutes", "within"), [(0.0, True), (60.0, False)])
def test_resuming_gives_the_numbers_of_the_uninterrupted_run(
    pretraining, pretrained, monkeypatch, tmp_path, minutes, within
):
    """Stopped in the middle of the third epoch; with `minutes` 0 the state is of that very step."""
    training = replace(pretraining.training, checkpoint_minutes=minutes)
    config = replace(pretraining, output=str(tmp_path / "run"), training=training)
    loss, steps = PretrainingTask.loss, []

    def counted(self, batch, generator):
        steps.append(self)
        return loss(self, batch, generator)

    def interrupted(self, batch, generator):
        if len(steps) == stop:
            raise KeyboardInterrupt
        return counted(self, batch, generator)

    epoch = len(batches_of_an_epoch(pretraining, tmp_path, monkeypatch))
    stop = 2 * epoch + epoch // 2
    with monkeypatch.context() as patch:
        patch.setattr(PretrainingTask, "loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pretrain_run(config)
    assert (tmp_path / "run" / STATE_FILE).is_file()
    with pytest.raises(ConfigError, match="--resume"):
        pretrain_run(config)
    steps.clear()
    with monkeypatch.context() as patch:
        patch.setattr(PretrainingTask, "loss", counted)
        resumed = pretrain_run(config, resume=True)
    assert len(steps) == 8 * epoch - (stop if within else 2 * epoch)
    assert same_weights(resumed.folder, pretrained.folder)
    assert without_seconds(resumed.history) == without_seconds(pretrained.history)
    assert resumed.metrics.to_dict() == pretrained.metrics.to_dict()
    assert {entry.name for entry in resumed.folder.iterdir()} == FILES


def test_a_finished_run_is_only_measured_again(pretraining, pretrained, monkeypatch):
    before = {entry.name: entry.read_bytes() for entry in pretrained.folder.iterdir()}

    def trains(*_):
        raise AssertionError("a finished run was trained again")

    monkeypatch.setattr(PretrainingTask, "loss", trains)
    again = pretrain_run(pretraining, resume=True)
    assert again.history == []
    assert again.metrics.to_dict() == pretrained.metrics.to_dict()
    assert {entry.name: entry.read_bytes() for entry in pretrained.folder.iterdir()} == before


def test_another_configuration_does_not_resume(pretraining, pretrained):
    with pytest.raises(ConfigError, match="another configuration"):
        pretrain_run(replace(pretraining, seed=5), resume=True)
    with pytest.raises(ConfigError, match="exists"):
        pretrain_run(pretraining)


def test_the_parts_of_a_table_are_kept(pretraining, tmp_path):
    """The user's own test rows neither teach nor validate."""
    rows = [f"Na{n}K{n + 1}O{n + 2},{n},{'train' if n < 60 else 'val' if n < 70 else 'test'}" for n in range(1, 80)]
    (tmp_path / "own.csv").write_text("name,value,set\n" + "\n".join(rows) + "\n")
    own = UserTable(path=str(tmp_path / "own.csv"), formula="name", subset="set")
    data = PropertyDataConfig(built_in=[], tables=[own])
    table = table_of(pretraining, data=data, output=str(tmp_path / "run"))
    assert [task.name for task in table.tasks] == ["value"]
    assert [len(table.rows("value", part)) for part in (TRAIN, VALIDATION, TEST)] == [59, 10, 10]
    assert min(table.labels[table.rows("value", TEST), 0]) == 70


def test_several_tables_are_merged_by_composition(pretraining, property_file, tmp_path):
    (tmp_path / "own.csv").write_text("formula,weight\nN2Na2Li2,7\nXx2,3\n" + "Na3O4Cl,1\n" * 3)
    tables = [UserTable(path=str(property_file)), UserTable(path=str(tmp_path / "own.csv"))]
    table = table_of(pretraining, data=replace(pretraining.data, tables=tables), output=str(tmp_path / "run"))
    assert [task.name for task in table.tasks] == ["negativity", "size", "anion", "weight"]
    both = np.flatnonzero((table.subsets > 0).all(axis=1))
    assert [table.formula(row) for row in both] == ["Li1Na1N1"]
    assert table.report.refused == 1


def test_withheld_compositions_teach_nothing_of_their_family(pretraining, property_file, tmp_path):
    columns = {
        "negativity": {"family": "both"},
        "size": {"family": "both"},
        "anion": {"kind": "classification", "classes": 3},
    }
    lines = ["formula,size,part"]
    for number, row in enumerate(property_file.read_text().splitlines()[1:]):
        formula, _, size, _ = row.split(",")
        lines.append(f"{formula},{size},{'test' if number < 20 else 'train'}")
    parted = tmp_path / "parted.csv"
    parted.write_text("\n".join(lines))
    tables = [
        UserTable(path=str(parted), subset="part", columns={"size": columns["size"]}),
        UserTable(path=str(property_file), columns={"negativity": columns["negativity"], "anion": columns["anion"]}),
    ]
    data = PropertyDataConfig(built_in=[], tables=tables, withhold=["size"])
    table = table_of(pretraining, data=data, output=str(tmp_path / "run"))
    tested = table.rows("size", TEST)
    assert len(tested) == 20
    assert not np.isin(table.subsets[tested, table.column("negativity")], (TRAIN, VALIDATION)).any()
    assert np.isin(table.subsets[tested, table.column("anion")], (TRAIN, VALIDATION)).any()
    report = json.loads((tmp_path / "run" / "data.json").read_text())["properties"]
    assert report["withheld"]["negativity"] > 0
    assert "family: size." in (tmp_path / "run" / "card.md").read_text()


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_one_kind_of_task_alone(pretraining, tmp_path, kind):
    columns = pretraining.data.tables[0].columns
    chosen = {name: held for name, held in columns.items() if ("kind" in held) == (kind == "classes")}
    table = replace(pretraining.data.tables[0], columns=chosen)
    result = pretrain_run(
        replace(
            pretraining,
            output=str(tmp_path / "run"),
            data=replace(pretraining.data, tables=[table]),
            training=replace(pretraining.training, epochs=1, weighting="learned"),
        )
    )
    assert {task.name for task in load_encoder(str(result.folder)).tasks} == set(chosen)


def test_without_validation_rows_the_last_epoch_is_kept(pretraining, tmp_path):
    data = replace(pretraining.data, validation_fraction=0.0, test_fraction=0.0)
    training = replace(pretraining.training, epochs=2)
    result = pretrain_run(replace(pretraining, output=str(tmp_path / "run"), data=data, training=training))
    assert set(result.history[0]) == {"epoch", "loss", "seconds"}
    assert result.metrics.properties == ()


def test_a_table_without_training_rows_is_refused_before_anything_is_written(pretraining, tmp_path):
    (tmp_path / "own.csv").write_text("formula,value,part\nNaCl,1,test\nKCl,2,val\n")
    data = PropertyDataConfig(built_in=[], tables=[UserTable(path=str(tmp_path / "own.csv"), subset="part")])
    with pytest.raises(ConfigError, match="No composition has a training label"):
        pretrain_run(replace(pretraining, data=data, output=str(tmp_path / "run")))
    with pytest.raises(DataError, match="leave training rows"):
        fractions = replace(pretraining.data, validation_fraction=0.5, test_fraction=0.5)
        pretrain_run(replace(pretraining, data=fractions, output=str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


def test_the_device_is_the_configured_one(pretraining, tmp_path):
    training = replace(pretraining.training, epochs=1, device="cpu", precision="full", optimizer="adamw")
    result = pretrain_run(replace(pretraining, output=str(tmp_path / "run"), training=training))
    assert load_encoder(str(result.folder)).device == choose_device("cpu")
