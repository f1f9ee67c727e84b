from __future__ import annotations

import json
import os
import signal

import pytest
import torch
from safetensors.torch import load_file

from rrgraph.cli.main import main
from rrgraph.evaluation import evaluate_planner
from rrgraph.links import LinkTask
from rrgraph.runs import run_split
from rrgraph.util.locking import locked_folder

FOLDER = {
    "card.md",
    "data.json",
    "config.yaml",
    "environment.json",
    "history.csv",
    "metrics.json",
    "model.json",
    "model.safetensors",
    "ranks.json",
}


def history(folder):
    """The history without the column of seconds."""
    lines = [line.split(",") for line in (folder / "history.csv").read_text().splitlines()]
    place = lines[0].index("seconds")
    return [line[:place] + line[place + 1 :] for line in lines]


def test_the_run_folder_holds_what_the_design_says(trained):
    assert {entry.name for entry in trained.iterdir()} == FOLDER
    metrics = json.loads((trained / "metrics.json").read_text())
    assert set(metrics) == {"test"}
    assert set(metrics["test"]) == {"paper", "open"}
    assert set(metrics["test"]["open"]) == {"model", "popularity"}
    assert [line[0] for line in history(trained)] == ["epoch", "1", "2"]
    assert json.loads((trained / "environment.json").read_text())["torch"]


def test_training_prints_leakage_and_the_baseline_beside_the_model(rrgraph, config, tmp_path):
    result = rrgraph("train", config, f"output={tmp_path / 'run'}", "training.epochs=1")
    assert result.code == 0
    assert "train and test share" in result.out
    for title in ("test, protocol paper", "test, protocol open"):
        assert title in result.out
    rows = [line.split()[0] for line in result.out.splitlines() if line.startswith(("model ", "popularity "))]
    assert rows.count("model") == rows.count("popularity") >= 2
    assert result.out.endswith(f"The model is in {tmp_path / 'run'}\n")
    assert len(history(tmp_path / "run")) == 2


def test_training_says_which_measured_rows_were_learned(rrgraph, config, trained, table, tmp_path):
    run_split(trained).test.select(range(2)).write(tmp_path / "further.csv")
    further = ["training.epochs=1", f"data.further_tables=[{tmp_path / 'further.csv'}]", "data.held_out_by=nothing"]
    result = rrgraph("train", config, f"output={tmp_path / 'run'}", *further)
    assert "rrgraph train: test: 2 of " in result.err
    assert result.err.count("targets that were learned from") == 1
    assert rrgraph("train", config, f"output={trained}", "--resume").err == ""


def test_overrides_may_stand_after_options(rrgraph, config, tmp_path):
    result = rrgraph("train", config, "training.epochs=1", "--resume", f"output={tmp_path / 'run'}", "seed=3")
    assert result.code == 0
    assert "seed: 3" in (tmp_path / "run" / "config.yaml").read_text()


def test_an_existing_run_is_not_overwritten(rrgraph, config, trained):
    before = (trained / "model.safetensors").read_bytes()
    result = rrgraph("train", config, f"output={trained}")
    assert result.code == 2
    assert "--resume" in result.err
    assert (trained / "model.safetensors").read_bytes() == before


def test_a_folder_of_something_else_is_refused(rrgraph, config, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    assert "holds no run" in rrgraph("train", config, f"output={tmp_path}").err
    assert "is a file" in rrgraph("train", config, f"output={tmp_path / 'thesis.tex'}").err
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_resuming_gives_the_numbers_of_the_uninterrupted_run(rrgraph, config, trained, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    loss, start_epoch = LinkTask.loss, LinkTask.start_epoch
    steps = {1: [], 2: []}

    def started(self, epoch):
        steps["now"] = steps[epoch]
        start_epoch(self, epoch)

    def interrupted(self, batch, generator):
        steps["now"].append(batch)
        if len(steps[2]) == 2:
            signal.raise_signal(signal.SIGTERM)  # as a batch system does
        return loss(self, batch, generator)

    with monkeypatch.context() as patch:
        patch.setattr(LinkTask, "start_epoch", started)
        patch.setattr(LinkTask, "loss", interrupted)
        stopped = rrgraph("train", config, f"output={folder}")
        assert (stopped.code, stopped.err) == (143, "rrgraph train: interrupted.\n")
        assert len(steps[2]) == 2
    assert {entry.name for entry in folder.iterdir()} == {
        "config.yaml",
        "data.json",
        "environment.json",
        "training_state.safetensors",
    }
    assert rrgraph("train", config, f"output={folder}").code == 2
    assert rrgraph("train", config, f"output={folder}", "--resume").code == 0
    assert {entry.name for entry in folder.iterdir()} == FOLDER
    weights, expected = (load_file(path / "model.safetensors") for path in (folder, trained))
    assert weights.keys() == expected.keys()
    assert all(weights[name].equal(expected[name]) for name in weights)
    assert history(folder) == history(trained)
    assert (folder / "metrics.json").read_text() == (trained / "metrics.json").read_text()
    assert (folder / "card.md").read_text() == (trained / "card.md").read_text()


def test_a_run_that_is_under_way_elsewhere_is_refused(rrgraph, config, trained):
    before = {entry.name: entry.read_bytes() for entry in trained.iterdir()}
    with locked_folder(trained):
        for option in ((), ("--resume",)):
            result = rrgraph("train", config, f"output={trained}", *option)
            assert result.code == 2
            assert f"The folder '{trained}' is in use by process {os.getpid()} on" in result.err
    assert {entry.name: entry.read_bytes() for entry in trained.iterdir()} == before


def test_resuming_with_other_rows_is_refused(rrgraph, config, table, tmp_path):
    mine, folder = tmp_path / "mine.csv", tmp_path / "run"
    mine.write_text(table.read_text())
    argv = ["train", config, f"data.table={mine}", f"output={folder}", "training.epochs=1", "evaluation.subsets=[]"]
    assert rrgraph(*argv).code == 0
    mine.write_text(table.read_text() + "BaTiO3,BaO;TiO2\n")
    result = rrgraph(*argv, "--resume")
    assert result.code == 2
    assert "was started with other data" in result.err
    assert "training rows" in result.err
    mine.write_text(table.read_text())
    assert rrgraph(*argv, "--resume").code == 0


def test_resuming_with_another_configuration_is_refused(rrgraph, config, trained):
    result = rrgraph("train", config, f"output={trained}", "--resume", "seed=5")
    assert result.code == 2
    assert "another configuration" in result.err


def test_a_finished_run_is_only_measured_again(rrgraph, config, trained, monkeypatch):
    before = {entry.name: entry.read_bytes() for entry in trained.iterdir()}

    def trains(*_):
        raise AssertionError("a finished run was trained again")

    monkeypatch.setattr(LinkTask, "loss", trains)
    result = rrgraph("train", config, f"output={trained}", "--resume")
    assert result.code == 0
    assert "test, protocol open" in result.out
    assert {entry.name: entry.read_bytes() for entry in trained.iterdir()} == before


def test_a_run_stopped_before_its_first_epoch_may_start_again(rrgraph, config, tmp_path, monkeypatch):
    arguments = ["train", config, f"output={tmp_path / 'run'}"]
    with monkeypatch.context() as patched:
        patched.setattr(LinkTask, "loss", lambda *_: torch.tensor(float("inf"), requires_grad=True))
        failed = rrgraph(*arguments)
    assert failed.code == 2
    assert "lower training.learning_rate" in failed.err
    assert rrgraph(*arguments, "training.epochs=1").code == 0


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("epoch=3", ["'epoch'", "Did you mean 'training.epochs'?"]),
        ("training.epoch=3", ["Did you mean 'training.epochs'?"]),
        ("training.epochs=many", ["training.epochs is 'many', expected a whole number"]),
        ("training.epochs", ["key=value"]),
        ("=3", ["key=value"]),
        ("model=3", ["model is 3, expected a mapping"]),
        ("seed=[1", ["override 'seed' is not valid YAML"]),
        ("training.epochs=0", ["training.epochs is 0", "at least 1"]),
        ("training.batch_size=0", ["at least 1"]),
        ("training.sampler=unifrm", ["Did you mean 'uniform'?"]),
        ("training.loss=bec", ["Did you mean 'bce'?"]),
        ("training.schedule=cosin", ["Did you mean 'cosine'?"]),
        ("training.monitor=top1", ["Did you mean 'top_1'?"]),
        ("training.learning_rate=.nan", ["training.learning_rate"]),
        ("training.warmup=3", ["from 0 to 1"]),
        ("model.decoder=concta", ["Did you mean 'concat'?"]),
        ("model.element_embedding=mat2vek", ["Did you mean 'mat2vec'?"]),
        ("model.width=0", ["model.width is 0"]),
        ("model.heads=3", ["model.width=16", "model.heads=3"]),
        ("model.layers=0", ["model.layers"]),
        ("model.dropout=1", ["less than 1"]),
        ("model.decoder_layers=20", ["model.decoder_layers=20"]),
        ("seed=-1", ["seed is -1"]),
        ("data.split=nsm", ["Did you mean 'nms'?"]),
        ("data.split=nms", ["years"]),
        ("data.table=textbok", ["Did you mean 'textbook'?"]),
        ("data.holdout=missing.csv", ["'missing.csv'"]),
        ("data.pool=missing.txt", ["'missing.txt'"]),
        ("data.node_features={sytem: []}", ["Did you mean 'system'?"]),
        ("data.node_features={system: [year]}", ["model.context is none"]),
        ("data.node_features={system: year}", ["data.node_features.system is 'year'", "a list of text"]),
        ("data.edge_features=[[year]]", ["data.edge_features"]),
        ("data.precursors=prices.csv", ["needs data.node_features.precursor"]),
        ("data.validation_fraction=1", ["data.validation_fraction"]),
        ("evaluation.mode=prodct", ["Did you mean 'product'?"]),
        ("evaluation.subsets=[tst]", ["Did you mean 'test'?"]),
        ("evaluation.protocols=[papr]", ["Did you mean 'paper'?"]),
        ("evaluation.validation_protocol=papr", ["Did you mean 'paper'?"]),
        ("evaluation.baselines=[populrity]", ["Did you mean 'popularity'?"]),
    ],
)
def test_a_bad_configuration_is_refused_before_anything_is_written(rrgraph, config, tmp_path, override, words):
    result = rrgraph("train", config, f"output={tmp_path / 'run'}", override)
    assert result.code == 2
    for word in words:
        assert word in result.err
    assert not (tmp_path / "run").exists()


def test_columns_become_features(rrgraph, config, table, tmp_path):
    mine, prices, folder = tmp_path / "mine.csv", tmp_path / "prices.csv", tmp_path / "run"
    rows = table.read_text().splitlines()
    rows_with = [f"{row},{600 + 10 * number}" for number, row in enumerate(rows[1:])]
    mine.write_text("\n".join([f"{rows[0]},temperature", *rows_with]))
    prices.write_text("formula,price\nBaCO3,3\nTiO2,\nLi2CO3,5\n")
    argv = ["train", config, f"data.table={mine}", f"output={folder}", "training.epochs=1", "evaluation.subsets=[]"]
    nodes = "data.node_features={system: [Temperature], precursor: [price]}"
    argv += [nodes, "data.edge_features=[temperature]", f"data.precursors={prices}"]
    refused = rrgraph(*argv, "model.context=sage")
    assert (refused.code, "expected gatv2" in refused.err, folder.exists()) == (2, True, False)
    missing = rrgraph(*argv, "model.context=gatv2", "data.edge_features=[temprature]")
    assert (missing.code, folder.exists()) == (2, False)
    assert "'temprature', which data.edge_features asks for" in missing.err
    assert "Did you mean 'temperature'?" in missing.err
    made = rrgraph(*argv, "model.context=gatv2")
    assert made.code == 0
    features = "temperature (of systems); price (of precursors); temperature (of edges)"
    assert f"Columns as features: {features}." in made.out
    assert "with features of the columns `Temperature`, `price`" in (folder / "card.md").read_text().replace("\n", " ")
    for changed, digits in ((mine, (",6", ",5")), (prices, (",3", ",4"))):
        before = changed.read_text()
        changed.write_text(before.replace(*digits))
        again = rrgraph(*argv, "model.context=gatv2", "--resume")
        assert again.code == 2
        assert "columns of features" in again.err
        changed.write_text(before)
    mine.unlink()
    prices.unlink()
    assert rrgraph("plan", "BaTiO3", "--model", folder).code == 0


@pytest.mark.parametrize("text", ["a: [1\n", "- 1\n", "just words\n", "a: ${oc.env:NOT_SET_ANYWHERE}\n", "\x00"])
def test_a_file_that_is_no_configuration(rrgraph, tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    result = rrgraph("train", path, f"output={tmp_path / 'run'}")
    assert result.code == 2
    assert result.err.startswith("rrgraph train: ")
    assert not (tmp_path / "run").exists()


def test_a_missing_configuration_has_a_near_match(rrgraph, config):
    result = rrgraph("train", config.with_name("tinny.yaml"))
    assert result.code == 2
    assert f"Did you mean '{config}'?" in result.err


def test_one_epoch_validates_on_a_sample(monkeypatch, config, tmp_path):
    rows = []

    def watched(scorer, pool, table, *arguments, **options):
        rows.append(len(table))
        return evaluate_planner(scorer, pool, table, *arguments, **options)

    monkeypatch.setattr("rrgraph.evaluation.evaluate_planner", watched)
    assert main(["train", str(config), f"output={tmp_path / 'run'}", "training.epochs=1"]) == 0
    assert rows[0] == 10


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (
            ["training.epochs"],
            [
                "training.epochs\n  Largest number of passes over the data.\n  type: whole number\n",
                "  range: at least 1\n  default: 30\n  here: 7\n",
            ],
        ),
        (["training.schedule"], ["choices: constant, cosine", 'default: "constant"', 'here: "cosine"']),
        (["training.average"], ["training.ema_decay\n", "earlier name: training.average\n"]),
        (["sets.trees"], ["reranker.trees.n_trees\n", "reranker.trees.l2\n", "earlier name: sets.trees.number"]),
        (["training.sampler"], ["choices: element_matched, hard, mixed, popularity, uniform"]),
        ([], ["\nmodel.encoder\n", "\nevaluation.subsets\n", "\nseed\n  Seed of every random choice.\n"]),
    ],
)
def test_settings_are_explained_and_nothing_is_run(rrgraph, tmp_path, monkeypatch, key, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("training: {schedule: cosine}\n")
    result = rrgraph("train", tmp_path / "a.yaml", "training.epochs=7", "--explain", *key)
    assert result.code == 0
    assert all(word in result.out for word in words), result.out
    assert key != ["training.epochs"] or result.out.count("default:") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("", "training.epoch", "training.epochs"),
        ("", "epoch", "training.epochs"),
        ("baseline: popularity\n", "baselin", "baseline"),
        ("domain: organic\n", "ranking.candidate", "ranking.candidates"),
    ],
)
def test_an_unknown_setting_is_answered_with_the_nearest(rrgraph, tmp_path, text, key, near):
    (tmp_path / "a.yaml").write_text(text)
    result = rrgraph("train", tmp_path / "a.yaml", "--explain", key)
    assert result.code == 2
    assert f"Unknown configuration key '{key}'. Did you mean '{near}'?" in result.err


def test_a_name_that_leaves_the_folder_is_refused_before_anything_is_made(rrgraph, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = rrgraph("train", "quickstart", "name=../x")
    assert (result.code, "name is '../x', expected a plain file name" in result.err) == (2, True)
    assert not list(tmp_path.iterdir())
