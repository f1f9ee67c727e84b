from __future__ import annotations

import json

import pytest
import torch

from rrgraph.properties.pretraining import PretrainingTask


def test_pretraining_prints_the_data_and_what_came_of_it(rrgraph, pretrain_config, tmp_path):
    result = rrgraph("pretrain", pretrain_config, "training.epochs=1", f"output={tmp_path / 'run'}")
    assert result.code == 0
    assert "1 tables, 234 compositions" in result.out
    assert "Mean absolute errors on the test rows" in result.out
    assert "| negativity | eV |" in result.out
    for system in ("encoder", "prototype"):
        assert f"| anion | {system} |" in result.out
    assert "| hidden element | co-occurrence |" in result.out
    assert result.out.endswith(f"The encoder is in {tmp_path / 'run'}\n")


def test_an_interrupted_run_goes_on(rrgraph, pretrain_config, pretrained, tmp_path, monkeypatch):
    argv = ["pretrain", pretrain_config, f"output={tmp_path / 'run'}"]
    loss, seen = PretrainingTask.loss, []

    def interrupted(self, batch, generator):
        seen.append(batch)
        if len(seen) == 30:
            raise KeyboardInterrupt
        return loss(self, batch, generator)

    with monkeypatch.context() as patch:
        patch.setattr(PretrainingTask, "loss", interrupted)
        assert rrgraph(*argv).code == 130
    again = rrgraph(*argv)
    assert again.code == 2
    assert "--resume" in again.err
    assert rrgraph(*argv, "--resume").code == 0
    for name in ("metrics.json", "card.md", "model.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (pretrained / name).read_bytes()


def test_a_finished_run_is_measured_again(rrgraph, pretrain_config, pretrained, monkeypatch):
    before = (pretrained / "metrics.json").read_text()
    monkeypatch.setattr(PretrainingTask, "loss", None)
    result = rrgraph("pretrain", pretrain_config, "--resume", f"output={pretrained}")
    assert result.code == 0
    assert "| negativity |" in result.out
    assert (pretrained / "metrics.json").read_text() == before


def test_tables_may_be_given_on_the_command_line(rrgraph, pretrain_config, tmp_path):
    rows = [f"Na{n}K{n + 1}O{n + 2},{n}" for n in range(1, 60)]
    (tmp_path / "own.csv").write_text("formula,weight\n" + "\n".join(rows) + "\n")
    tables = f"data.tables=[{{path: {tmp_path / 'own.csv'}, columns: {{weight: {{unit: kg}}}}}}]"
    result = rrgraph("pretrain", pretrain_config, tables, "training.epochs=1", f"output={tmp_path / 'run'}")
    assert result.code == 0
    assert "| weight | kg |" in result.out
    description = json.loads((tmp_path / "run" / "model.json").read_text())
    assert [(task["name"], task["unit"]) for task in description["tasks"]] == [("weight", "kg")]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("training.epoch=3", ["Did you mean 'training.epochs'?"]),
        ("training.epochs=many", ["training.epochs is 'many'", "many"]),
        ("training.epochs=0", ["training.epochs is 0", "at least 1"]),
        ("training.learning_rate=.nan", ["training.learning_rate is nan"]),
        ("training.optimizer=mion", ["Did you mean 'muon'?"]),
        ("training.precision=half", ["'half'", "auto, full"]),
        ("training.device=gpu", ["'gpu'", "cuda"]),
        ("data.built_in=[band_gap]", ["'band_gap'"]),
        ("data.withhold=[negativty]", ["Did you mean 'negativity'?"]),
        ("data.tables=[{path: missing.csv}]", ["'missing.csv'"]),
        ("data.tables=[{pth: missing.csv}]", ["pth"]),
        ("data.tables=[]", ["nothing to learn"]),
        ("data.tables=3", ["data.tables"]),
        ("data.validation_fraction=0.95", ["leave training rows"]),
        ("model.heads=3", ["model.heads=3"]),
        ("model.width=0", ["model.width is 0"]),
        ("model.decoder=concat", ["'model.decoder'"]),
        ("seed=-1", ["seed is -1"]),
    ],
)
def test_a_bad_configuration_is_refused_before_anything_is_written(rrgraph, pretrain_config, tmp_path, override, words):
    result = rrgraph("pretrain", pretrain_config, f"output={tmp_path / 'run'}", override)
    assert result.code == 2
    assert len(result.err.splitlines()) == 1
    for word in words:
        assert word in result.err
    assert not (tmp_path / "run").exists()


def test_a_missing_configuration_has_a_near_match(rrgraph, pretrain_config):
    result = rrgraph("pretrain", pretrain_config.with_name("smal.yaml"))
    assert result.code == 2
    assert f"Did you mean '{pretrain_config}'?" in result.err


def test_a_rate_that_is_too_high_is_a_sentence(rrgraph, pretrain_config, tmp_path, monkeypatch):
    argv = ["pretrain", pretrain_config, f"output={tmp_path / 'run'}", "training.optimizer=adamw"]
    with monkeypatch.context() as patched:
        patched.setattr(PretrainingTask, "loss", lambda *_: torch.tensor(float("nan"), requires_grad=True))
        result = rrgraph(*argv)
    assert result.code == 2
    assert "lower training.learning_rate" in result.err
    assert rrgraph(*argv, "training.epochs=1").code == 0
