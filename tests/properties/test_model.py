import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import ELEMENTS, parse_formula
from rrgraph.errors import ModelError
from rrgraph.graph import featurise
from rrgraph.links import LinkModel
from rrgraph.models import LinkCheckpoint, save_checkpoint
from rrgraph.nn import EncoderConfig, ModelConfig, model_format, sign_model
from rrgraph.properties import PropertyModel, load_property_checkpoint, pool_fractions, save_property_checkpoint

FORMULAS = ("SrTiO3", "NaCl", "Cu", "Y2.94Ce0.06Al5O12")


def given_compositions():
    return featurise([parse_formula(formula) for formula in FORMULAS])


def test_one_output_a_composition_and_task(make_checkpoint):
    output = make_checkpoint().model(*given_compositions())
    assert output.values.shape == output.log_errors.shape == (4, 4)
    assert [logits.shape for logits in output.logits] == [(4, 7)]


def test_tasks_are_sorted_by_kind_in_their_order(make_checkpoint, tasks):
    model = make_checkpoint().model
    assert model.tasks == tasks
    assert [task.name for task in model.regression] == ["formation_energy", "bulk_modulus", "band_gap", "anisotropy"]
    assert [task.name for task in model.classes] == ["crystal_system"]
    assert model.hidden_element.out_features == len(ELEMENTS) + 1


def test_several_class_tasks_share_the_logits_in_order(make_checkpoint, tasks):
    system = tasks[1]
    model = make_checkpoint((system, replace(system, name="space_group", classes=230))).model
    output = model(*given_compositions())
    assert [logits.shape[1] for logits in output.logits] == [7, 230]
    joined = model.logits(model.trunk(model.encoder(*given_compositions())))
    assert torch.allclose(torch.cat(output.logits, dim=1), joined, atol=1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_one_kind_of_task_is_enough(make_checkpoint, tasks, tmp_path, kind):
    checkpoint = make_checkpoint(tuple(task for task in tasks if task.kind == kind))
    output = checkpoint.model(*given_compositions())
    assert output.values.shape == (4, 4 if kind == "regression" else 0)
    assert len(output.logits) == (0 if kind == "regression" else 1)
    save_property_checkpoint(checkpoint, tmp_path)
    assert load_property_checkpoint(tmp_path).model.tasks == checkpoint.model.tasks


def test_the_error_head_learns_without_shaping_the_trunk(make_checkpoint):
    model = make_checkpoint().model
    model(*given_compositions()).log_errors.sum().backward()
    learned = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert learned == {f"errors.{layer}.{name}" for layer in (0, 2) for name in ("weight", "bias")}
    model.zero_grad()


def test_saved_model_predicts_equally_after_loading(make_checkpoint, tmp_path):
    checkpoint = make_checkpoint(weigh_fractions=True)
    save_property_checkpoint(checkpoint, tmp_path)
    loaded = load_property_checkpoint(tmp_path)
    assert loaded.metadata == checkpoint.metadata
    assert loaded.model.tasks == checkpoint.model.tasks
    assert loaded.model.config == checkpoint.model.config
    assert not loaded.model.training
    before, after = (c.model(*given_compositions()) for c in (checkpoint, loaded))
    assert torch.equal(before.values, after.values)
    assert torch.equal(before.log_errors, after.log_errors)
    assert torch.equal(before.logits[0], after.logits[0])
    for name in ("center", "scale", "spread"):
        assert torch.equal(getattr(checkpoint.model, name), getattr(loaded.model, name))


def test_half_keeps_the_scale_exact(make_checkpoint, tmp_path):
    checkpoint = make_checkpoint()
    save_property_checkpoint(checkpoint, tmp_path, half=True)
    loaded = load_property_checkpoint(tmp_path).model
    assert torch.equal(loaded.center, checkpoint.model.center)
    assert torch.equal(loaded.spread, checkpoint.model.spread)
    before, after = (model(*given_compositions()).values for model in (checkpoint.model, loaded))
    assert not torch.equal(before, after)
    assert torch.allclose(before, after, atol=1e-2)


def change(folder, edit):
    description = json.loads((folder / "model.json").read_text())
    edit(description)
    (folder / "model.json").write_text(json.dumps(description))
    sign_model(folder)


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d["encoder"].update(width=32),
        lambda d: d["encoder"].update(width=15),
        lambda d: d["encoder"].update(element_embedding="letters"),
        lambda d: d["tasks"].pop(),
        lambda d: d["tasks"][0].update(kind="guess"),
        lambda d: d["tasks"][0].update(colour="red"),
        lambda d: d.pop("tasks"),
        lambda d: d.update(encoder=None),
    ],
)
def test_a_description_that_does_not_fit_is_refused(make_checkpoint, tmp_path, edit):
    save_property_checkpoint(make_checkpoint(), tmp_path)
    change(tmp_path, edit)
    with pytest.raises(ModelError, match="do not fit each other") as caught:
        load_property_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_unknown_option_of_a_newer_version_is_left_out(make_checkpoint, tmp_path):
    save_property_checkpoint(make_checkpoint(), tmp_path)
    change(tmp_path, lambda d: d["encoder"].update(novelty=1))
    assert load_property_checkpoint(tmp_path).model.config == make_checkpoint().model.config


def test_a_link_model_is_not_taken_for_a_property_model(tmp_path):
    model = LinkModel(ModelConfig(width=16, layers=1)).eval()
    save_checkpoint(LinkCheckpoint(model=model, vocabulary=(), counts=np.empty(0, dtype=np.int64)), tmp_path)
    with pytest.raises(ModelError, match=f"has format '{model_format(tmp_path)}', expected 'rrgraph-property-model/1'"):
        load_property_checkpoint(tmp_path)


def test_the_scale_is_part_of_the_weights(make_checkpoint):
    model = make_checkpoint().model
    other = PropertyModel(EncoderConfig(width=16, layers=2, heads=2), model.tasks)
    assert other.target_scale.scale.tolist() == [1, 1, 1, 1]
    other.load_state_dict(model.state_dict())
    assert other.target_scale.center.tolist() == pytest.approx(np.linspace(-1, 2, 4).tolist())
    assert other.target_scale.tasks == model.regression


@settings(deadline=None)
@given(data=st.data(), rows=st.integers(1, 5), width=st.integers(2, 6))
def test_pooled_slots_share_their_sum_and_the_rest_stays(data, rows, width):
    amounts = data.draw(st.lists(st.floats(0, 1, width=32), min_size=rows * width, max_size=rows * width))
    fractions = torch.tensor(amounts).view(rows, width)
    pairs = st.lists(st.integers(0, width - 1), min_size=2, max_size=2, unique=True)
    slots = torch.tensor([data.draw(pairs) for _ in range(rows)])
    pooled = pool_fractions(fractions, slots)
    for row, (first, second) in enumerate(slots.tolist()):
        half = (amounts[row * width + first] + amounts[row * width + second]) / 2
        for slot in range(width):
            expected = half if slot in (first, second) else amounts[row * width + slot]
            assert pooled[row, slot].item() == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert torch.equal(pooled, pool_fractions(fractions, slots.flip(1)))
