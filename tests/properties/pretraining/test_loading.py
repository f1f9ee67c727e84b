from __future__ import annotations

import numpy as np
import pytest
import torch

from rrgraph.chem import parse_formula
from rrgraph.errors import ModelError
from rrgraph.graph import featurise
from rrgraph.models import bundled_models, energy_head, link_model, load_encoder, load_model
from rrgraph.models import model_registry as finding
from rrgraph.nn import ModelConfig
from rrgraph.properties import load_property_checkpoint, save_property_checkpoint

COMPOSITIONS = [parse_formula(text) for text in ("BaTiO3", "Li2SiN2", "NaFeS2", "O2", "Li0.5Na0.5AlSi2O6")]


@pytest.fixture
def bundled(monkeypatch, pretrained, run_folder, tmp_path):
    """Pretend that the package brings a link model, `default`, and an encoder, `encoder`."""
    for name, folder in (("default", run_folder), ("encoder", pretrained.folder)):
        (tmp_path / "bundled" / name).mkdir(parents=True)
        for file in ("model.json", "model.safetensors"):
            (tmp_path / "bundled" / name / file).write_bytes((folder / file).read_bytes())
    monkeypatch.setattr(finding, "files", lambda package: tmp_path)


def test_loading_gives_the_predictions_that_were_measured(pretrained, property_file):
    """The stored model has the errors that the run reported."""
    encoder = load_encoder(str(pretrained.folder), precision="auto")
    known = dict(line.split(",")[:2] for line in property_file.read_text().splitlines()[1:])
    names = list(known)
    value = encoder.predict([parse_formula(name) for name in names])["negativity"].value
    errors = np.abs(value - [float(known[name]) for name in names])
    measured = next(item.score for item in pretrained.metrics.properties if item.score.task == "negativity")
    assert errors.mean() < 2 * measured.to_dict()["mae"]["value"]


def test_saving_again_keeps_every_prediction_and_half_precision_nearly(pretrained, tmp_path):
    checkpoint = load_property_checkpoint(pretrained.folder)
    save_property_checkpoint(checkpoint, tmp_path / "full")
    save_property_checkpoint(checkpoint, tmp_path / "half", half=True)
    folders = (pretrained.folder, tmp_path / "full", tmp_path / "half")
    first, again, half = (load_encoder(str(folder)).predict(COMPOSITIONS) for folder in folders)
    assert list(first) == ["negativity", "size", "anion"]
    for name, expected in first.items():
        assert np.array_equal(again[name].value, expected.value)
        assert np.array_equal(again[name].uncertainty, expected.uncertainty, equal_nan=True)
        assert half[name].value == pytest.approx(expected.value, rel=0.02, abs=0.02)
        if expected.probabilities is not None:
            assert np.array_equal(again[name].probabilities, expected.probabilities)
            assert half[name].probabilities == pytest.approx(expected.probabilities, abs=0.02)
        else:
            assert half[name].uncertainty == pytest.approx(expected.uncertainty, rel=0.02)
            assert (expected.uncertainty > 0).all()
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.6 * sizes[0]


def test_predictions_do_not_depend_on_the_company(pretrained):
    encoder = load_encoder(str(pretrained.folder))
    together = encoder.predict(COMPOSITIONS)["size"].value
    alone = [encoder.predict([composition])["size"].value[0] for composition in COMPOSITIONS]
    assert together == pytest.approx(alone, rel=1e-5)
    embeddings = encoder.embed(COMPOSITIONS)
    assert embeddings.shape == (5, 16)
    assert embeddings.dtype == np.float32
    assert embeddings[1] == pytest.approx(encoder.embed(COMPOSITIONS[1:2])[0], rel=1e-4, abs=1e-5)


def test_names_of_encoders_and_of_link_models_are_kept_apart(bundled, pretrained, run_folder):
    assert load_encoder().tasks == load_encoder(str(pretrained.folder)).tasks
    assert bundled_models() == ["default"]
    with pytest.raises(ModelError, match=r"no pretrained encoder 'default' \('default' is a link model\)"):
        load_encoder("default")
    with pytest.raises(ModelError, match=r"no link model 'encoder' \('encoder' is a pretrained encoder\)"):
        load_model("encoder")
    with pytest.raises(ModelError, match="holds a link model, expected a pretrained encoder"):
        load_encoder(str(run_folder))
    with pytest.raises(ModelError, match="holds a pretrained encoder, expected a link model"):
        load_model(str(pretrained.folder))
    with pytest.raises(ModelError, match="Did you mean 'encoder'"):
        load_encoder("encodr")


def test_no_formation_energy_is_a_sentence(pretrained):
    with pytest.raises(ModelError, match="does not predict formation energies, only negativity, size, anion"):
        load_encoder(str(pretrained.folder)).formation_energies(COMPOSITIONS)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_damaged_encoder_is_refused(pretrained, tmp_path, name):
    for other in ("model.json", "model.safetensors"):
        content = (pretrained.folder / other).read_bytes()
        (tmp_path / other).write_bytes(content[: len(content) // 2] if other == name else content)
    with pytest.raises(ModelError, match="damaged"):
        load_encoder(str(tmp_path))


def test_the_energy_head_is_that_of_the_pretrained_encoder(pretrained, monkeypatch):
    assert energy_head(ModelConfig()) is None
    # The invented properties hold no formation energy, unless one of them is called so.
    config = ModelConfig(pretrained=str(pretrained.folder))
    assert energy_head(config) is None
    monkeypatch.setattr("rrgraph.properties.energy_head.FORMATION_ENERGIES", ("negativity",))
    with torch.no_grad():
        found = energy_head(config)(link_model(config).eval().encode(*featurise(COMPOSITIONS)))
    expected = load_encoder(str(pretrained.folder)).predict(COMPOSITIONS)["negativity"].value
    assert found.numpy() == pytest.approx(expected, abs=1e-3)
