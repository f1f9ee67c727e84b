import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rrgraph import __version__
from rrgraph.errors import ModelError
from rrgraph.nn import checkpoint_mismatch, model_format, read_model, weights, write_model

FORMAT = "invented-model/1"
TENSORS = {
    "weight": torch.tensor([[0.1, -2.0], [3.3, 4.0]]),
    "exact": torch.tensor([1 / 3], dtype=torch.float64),
    "counts": torch.tensor([1, 70_000]),
    "empty": torch.empty(0, 3),
}


def test_tensors_and_description_come_back(tmp_path):
    write_model(tmp_path / "deep" / "folder", FORMAT, TENSORS, {"options": {"width": 16}})
    tensors, description = read_model(tmp_path / "deep" / "folder", FORMAT)
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert description == {"format": FORMAT, "rrgraph": __version__, "options": {"width": 16}}
    assert model_format(tmp_path / "deep" / "folder") == FORMAT


def test_half_rounds_the_weights_of_32_bits_alone(tmp_path):
    module = torch.nn.Linear(3, 2)
    module.register_buffer("exact", torch.tensor([1 / 3], dtype=torch.float64))
    module.register_buffer("counts", torch.tensor([1, 70_000]))
    write_model(tmp_path, FORMAT, weights(module, half=True), {})
    tensors, _ = read_model(tmp_path, FORMAT)
    assert {name: tensor.dtype for name, tensor in tensors.items()} == {
        name: tensor.dtype for name, tensor in module.state_dict().items()
    }
    assert torch.equal(tensors["weight"], module.weight.half().float())
    assert not torch.equal(tensors["weight"], module.weight)
    assert torch.equal(tensors["exact"], module.exact)
    assert torch.equal(tensors["counts"], module.counts)


def test_half_halves_the_file(tmp_path):
    for half in (False, True):
        write_model(tmp_path / str(half), FORMAT, weights(torch.nn.Linear(200, 200), half=half), {})
    full, halved = (path.stat().st_size for path in sorted(tmp_path.glob("*/model.safetensors")))
    assert halved < 0.52 * full


def test_weights_that_need_a_gradient_or_are_a_view_are_written(tmp_path):
    weight = torch.nn.Parameter(torch.arange(6.0).view(2, 3))
    write_model(tmp_path, FORMAT, {"turned": weight.t()}, {})
    assert torch.equal(read_model(tmp_path, FORMAT)[0]["turned"], weight.t())


def test_a_model_is_replaced_as_a_whole(tmp_path):
    write_model(tmp_path, FORMAT, {"old": torch.ones(3)}, {"old": True})
    write_model(tmp_path, FORMAT, {"new": torch.ones(2)}, {})
    tensors, description = read_model(tmp_path, FORMAT)
    assert list(tensors) == ["new"]
    assert "old" not in description
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def cut(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "model.json").unlink(), "is not a model folder: it has no model.json"),
        (lambda f: (f / "model.safetensors").unlink(), "is not a model folder: it has no model.safetensors"),
        (lambda f: cut(f / "model.safetensors", 40), "is damaged"),
        (lambda f: cut(f / "model.safetensors", -8), "is damaged"),
        (lambda f: cut(f / "model.safetensors", 0), "is damaged"),
        (lambda f: cut(f / "model.json", 20), "is damaged"),
        (lambda f: (f / "model.json").write_bytes(b"\xff\xfe\x00"), "is damaged"),
        (lambda f: (f / "model.json").write_text("[]"), "is damaged: model.json is no mapping"),
        (lambda f: (f / "model.json").write_text(json.dumps({"format": "other/2"})), "has format 'other/2', expected"),
    ],
)
def test_what_cannot_be_read_is_refused_with_one_sentence(tmp_path, damage, message):
    write_model(tmp_path, FORMAT, TENSORS, {})
    damage(tmp_path)
    with pytest.raises(ModelError, match=message) as caught:
        read_model(tmp_path, FORMAT)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_the_format_of_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="not a model folder"):
        model_format(tmp_path / "nowhere")


@given(error=st.sampled_from([KeyError, ValueError, RuntimeError]), text=st.text(max_size=40))
def test_a_misfit_becomes_one_line(error, text):
    with pytest.raises(ModelError, match="do not fit each other") as caught, checkpoint_mismatch("folder"):
        raise error(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [AttributeError, TypeError, ZeroDivisionError])
def test_errors_of_the_code_pass(error):
    with pytest.raises(error), checkpoint_mismatch("folder"):
        raise error
