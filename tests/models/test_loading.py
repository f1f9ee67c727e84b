from __future__ import annotations

import pytest

from rrgraph.errors import ModelError
from rrgraph.models import bundled_models, load_model
from rrgraph.models import model_registry as finding


@pytest.fixture
def bundled(monkeypatch, run_folder, tmp_path):
    """Pretend that the finished run is the one bundled model, `default`."""
    (tmp_path / "bundled" / "default").mkdir(parents=True)
    for name in ("model.json", "model.safetensors"):
        (tmp_path / "bundled" / "default" / name).write_bytes((run_folder / name).read_bytes())
    monkeypatch.setattr(finding, "files", lambda package: tmp_path)


def test_a_model_by_name(bundled, run_folder):
    assert bundled_models() == ["default"]
    assert load_model("default").vocabulary == load_model(str(run_folder)).vocabulary


def test_a_folder_of_the_same_name_does_not_hide_the_bundled_model(bundled, monkeypatch, tmp_path):
    (tmp_path / "default").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_model("default").vocabulary
    with pytest.raises(ModelError, match=r"no model\.json"):
        load_model("./default")


def test_near_matches_are_bundled_models_and_run_folders(bundled, run_folder, monkeypatch, tmp_path):
    with pytest.raises(ModelError, match="Did you mean 'default'"):
        load_model("defualt")
    with pytest.raises(ModelError, match=f"Did you mean '{run_folder}'"):
        load_model(f"{run_folder}y")
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "model.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="Did you mean 'runs/mine'"):
        load_model("run/mine")


def test_no_bundled_model(monkeypatch, tmp_path):
    monkeypatch.setattr(finding, "files", lambda package: tmp_path)
    assert bundled_models() == []
    with pytest.raises(ModelError, match="There is no link model 'default'"):
        load_model("default")


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_damaged_model_is_refused(run_folder, tmp_path, name):
    for other in ("model.json", "model.safetensors"):
        content = (run_folder / other).read_bytes()
        (tmp_path / other).write_bytes(content[: len(content) // 2] if other == name else content)
    with pytest.raises(ModelError, match="damaged"):
        load_model(str(tmp_path))
