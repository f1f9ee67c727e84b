import math
from dataclasses import asdict

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW
from torch.optim.swa_utils import AveragedModel

from rrgraph.errors import ModelError
from rrgraph.training import STATE_FILE, EarlyStopping, remove_state
from rrgraph.training.state import Progress, TrainingState


def build(*, seed=0, width=4, average=True, beside=1):
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, 1))
    loose = [nn.Parameter(torch.randn(2)) for _ in range(beside)]
    parameters = list(module.parameters())
    optimizers = [
        SGD(parameters[:1], lr=0.1, momentum=0.9),
        AdamW([{"params": parameters[1:]}, {"params": loose, "lr": 0.2}] if loose else parameters[1:], lr=0.1),
    ]
    modules = {"module": module} | ({"average": AveragedModel(module)} if average else {})
    return TrainingState(modules, optimizers, EarlyStopping(patience=3), torch.Generator().manual_seed(seed))


def step(state):
    """Take one step with random numbers of both generators."""
    module = state.modules["module"]
    inputs = torch.randn(8, 3, generator=state.generator) + 0.1 * torch.randn(8, 3)
    extra = sum(parameter.square().sum() for parameter in state.beside)
    loss = module(inputs).square().mean() + extra
    for optimizer in state.optimizers:
        optimizer.zero_grad()
    loss.backward()
    for optimizer in state.optimizers:
        optimizer.step()
    if "average" in state.modules:
        state.modules["average"].update_parameters(module)
    return loss.item()


def everything(state):
    """Return every tensor of a state by name."""
    tensors = {f"{part}.{name}": t for part, module in state.modules.items() for name, t in module.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in state.best.items()}
    tensors |= {f"beside.{number}": parameter for number, parameter in enumerate(state.beside)}
    for number, optimizer in enumerate(state.optimizers):
        for index, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{index}.{name}": value for name, value in slots.items()}
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("beside", [0, 2])
def test_everything_comes_back_and_goes_on_equally(tmp_path, average, beside):
    state = build(average=average, beside=beside)
    for _ in range(3):
        step(state)
    state.keep_best()
    state.stopping.update(-0.25, 2)
    state.progress = Progress(
        epoch=2, step=17, batch=3, loss=0.1 + 0.2, seconds=1.5, history=[{"epoch": 1, "loss": 1 / 3, "mae": math.nan}]
    )
    step(state)
    state.save(tmp_path)
    saved = everything(state)
    after = [step(state) for _ in range(3)]

    other = build(seed=1, average=average, beside=beside)
    assert not same(everything(other), saved)
    assert other.load(tmp_path)
    assert same(everything(other), saved)
    assert str(asdict(other.progress)) == str(asdict(state.progress))
    assert (other.stopping.best, other.stopping.best_epoch) == (-0.25, 2)
    other.restore_randomness()
    assert [step(other) for _ in range(3)] == after
    assert same(everything(other), everything(state))
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]


def test_the_best_is_a_copy():
    state = build()
    kept = {name: tensor.clone() for name, tensor in state.best.items()}
    step(state)
    assert same(state.best, kept)
    state.keep_best()
    assert not same(state.best, kept)


def test_no_score_yet_comes_back_as_none_yet(tmp_path):
    build().save(tmp_path)
    state = build()
    state.stopping.update(5.0, 1)
    assert state.load(tmp_path)
    assert state.stopping.best == -math.inf


def test_there_may_be_no_state(tmp_path):
    state = build()
    before = everything(state)
    assert not state.load(tmp_path)
    assert same(everything(state), before)
    remove_state(tmp_path)
    state.save(tmp_path)
    remove_state(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("other", [{"width": 5}, {"average": False}, {"beside": 0}], ids=str)
def test_a_state_of_another_configuration_is_refused(tmp_path, other):
    saved, wanted = build(**other), build()
    step(saved)
    saved.save(tmp_path)
    with pytest.raises(ModelError, match="cannot be resumed") as caught:
        wanted.load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 30, -8])
def test_a_damaged_state_is_refused(tmp_path, keep):
    state = build()
    state.save(tmp_path)
    path = tmp_path / STATE_FILE
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match="cannot be resumed"):
        state.load(tmp_path)


def test_a_failed_write_leaves_the_last_state(tmp_path, monkeypatch):
    state = build()
    state.save(tmp_path)
    before = (tmp_path / STATE_FILE).read_bytes()
    step(state)

    def full(tensors, path, metadata):
        path.write_bytes(b"half a state")
        raise OSError("No space left on device")

    monkeypatch.setattr("rrgraph.training.kept.save_file", full)
    with pytest.raises(OSError, match="No space"):
        state.save(tmp_path)
    assert (tmp_path / STATE_FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]
