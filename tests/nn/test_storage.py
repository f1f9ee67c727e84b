import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rrgraph import __version__
from rrgraph.errors import ModelError
from rrgraph.nn import (
    checkpoint_mismatch,
    load_weights,
    model_format,
    read_model,
    sign_model,
    weights,
    write_model,
)

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


def test_a_flipped_bit_of_the_weights_is_refused(tmp_path):
    write_model(tmp_path, FORMAT, TENSORS, {})
    content = bytearray((tmp_path / "model.safetensors").read_bytes())
    content[-3] ^= 1
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged: model\.safetensors is not the file whose checksum"):
        read_model(tmp_path, FORMAT)


def edit(folder, **values):
    description = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**description, **values}))


def test_a_changed_description_is_refused_until_it_is_signed(tmp_path):
    write_model(tmp_path, FORMAT, TENSORS, {"temperature": 1.5})
    edit(tmp_path)  # laid out anew, it says the same
    read_model(tmp_path, FORMAT)
    edit(tmp_path, temperature=1.6)
    with pytest.raises(ModelError, match=r"model\.json was changed after it was written; .*sign_model"):
        read_model(tmp_path, FORMAT)
    sign_model(tmp_path)
    assert read_model(tmp_path, FORMAT)[1]["temperature"] == 1.6


def test_a_model_without_checksums_is_read_with_a_warning(tmp_path):
    write_model(tmp_path, FORMAT, TENSORS, {})
    edit(tmp_path, checksums=None)
    with pytest.warns(FutureWarning, match="has no checksums"):
        read_model(tmp_path, FORMAT)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_are_refused(tmp_path, value):
    write_model(tmp_path, FORMAT, {"weight": torch.tensor([1.0, value])}, {})
    with pytest.raises(ModelError, match="'weight' holds values that are not finite, or too large"):
        read_model(tmp_path, FORMAT)


def test_thresholds_of_trees_may_be_infinite(tmp_path):
    write_model(tmp_path, FORMAT, {"trees.threshold": torch.tensor([1.0, float("inf")])}, {})
    assert read_model(tmp_path, FORMAT)[0]["trees.threshold"][1] == float("inf")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"format": "a", "format": "b"}', "the key 'format' is given twice"),
        ('{"a": NaN}', "NaN is no JSON number"),
        ('{"a": 1e999}', "1e999 is no JSON number"),
        ('{"a": ' + "9" * 5000 + "}", "is no JSON number"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_strange_descriptions_are_refused(tmp_path, text, words):
    write_model(tmp_path, FORMAT, TENSORS, {})
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match=words) as caught:
        read_model(tmp_path, FORMAT)
    assert len(str(caught.value)) < 500


def test_sizes_are_compared_with_the_file_before_anything_is_allocated():
    tensors = torch.nn.Linear(3, 2).state_dict()
    assert load_weights(lambda: torch.nn.Linear(3, 2), tensors).weight.equal(tensors["weight"])
    for make in (lambda: torch.nn.Linear(10**9, 10**6), lambda: torch.nn.Embedding(10**12, 4)):
        with pytest.raises(ValueError, match="ask for more numbers than it holds"):
            load_weights(make, tensors)
    with pytest.raises(ValueError, match="'weight' holds float64, expected float32"):
        load_weights(lambda: torch.nn.Linear(3, 2), {**tensors, "weight": tensors["weight"].double()})


def test_a_scale_is_positive():
    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("scale", torch.ones(2))

    assert load_weights(Scaled, {"scale": torch.tensor([2.0, 1.0])}).scale[0] == 2
    with pytest.raises(ValueError, match="'scale' holds a value that is not positive"):
        load_weights(Scaled, {"scale": torch.tensor([1.0, 0.0])})


def test_a_folder_whose_name_is_not_unicode_can_hold_a_model(tmp_path):
    folder = tmp_path / "model\udcff"
    write_model(folder, FORMAT, TENSORS, {})
    tensors, _ = read_model(folder, FORMAT)
    assert torch.equal(tensors["weight"], TENSORS["weight"])
