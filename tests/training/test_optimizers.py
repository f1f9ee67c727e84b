from dataclasses import replace

import pytest
import torch
from torch import nn

from rrgraph.errors import ConfigError
from rrgraph.training import OPTIMIZERS, LoopConfig
from rrgraph.training.optimizers import make_optimizers

CONFIG = LoopConfig(optimizer="muon", learning_rate=1e-2, weight_decay=0.1)


def build():
    torch.manual_seed(0)
    hidden, rest, loose = nn.Linear(8, 8), nn.Embedding(5, 8), nn.Parameter(torch.zeros(3))
    groups = [
        {"params": list(hidden.parameters()), "lr": 0.01, "hidden": True},
        {"params": list(rest.parameters()), "lr": 0.02},
        {"params": [loose], "lr": 0.03, "weight_decay": 0.0},
    ]
    return hidden, rest, loose, groups


def rates(optimizers):
    """Return the rate and weight decay of each parameter, by identity."""
    return {
        id(parameter): (type(optimizer).__name__, group["lr"], group["weight_decay"])
        for optimizer in optimizers
        for group in optimizer.param_groups
        for parameter in group["params"]
    }


def test_adamw_takes_every_group():
    hidden, rest, loose, groups = build()
    chosen = rates(make_optimizers(groups, replace(CONFIG, optimizer="adamw")))
    assert chosen == {
        id(hidden.weight): ("AdamW", 0.01, 0.1),
        id(hidden.bias): ("AdamW", 0.01, 0.1),
        id(rest.weight): ("AdamW", 0.02, 0.1),
        id(loose): ("AdamW", 0.03, 0.0),
    }
    assert "hidden" in groups[0]  # what was given is left as it is


def test_muon_takes_hidden_matrices_and_adamw_the_rest():
    hidden, rest, loose, groups = build()
    assert rates(make_optimizers(groups, CONFIG)) == {
        id(hidden.weight): ("Muon", 0.01, 0.1),
        id(hidden.bias): ("AdamW", 0.01, 0.0),
        id(rest.weight): ("AdamW", 0.02, 0.0),
        id(loose): ("AdamW", 0.03, 0.0),
    }


def test_muon_without_hidden_matrices_is_adamw_alone():
    _, rest, _, groups = build()
    assert list(rates(make_optimizers(groups[1:2], CONFIG))) == [id(rest.weight)]
    assert [type(optimizer).__name__ for optimizer in make_optimizers(groups[1:], CONFIG)] == ["AdamW"]


def test_muon_alone_when_nothing_is_left():
    layer = nn.Linear(4, 4, bias=False)
    optimizers = make_optimizers([{"params": list(layer.parameters()), "lr": 0.1, "hidden": True}], CONFIG)
    assert [type(optimizer).__name__ for optimizer in optimizers] == ["Muon"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_change_every_parameter_and_lower_the_loss(name):
    hidden, rest, loose, groups = build()
    optimizers = make_optimizers(groups, replace(CONFIG, optimizer=name))
    before = [parameter.detach().clone() for group in groups for parameter in group["params"]]
    inputs = torch.tensor([0, 1, 2, 3, 4])
    losses = []
    for _ in range(30):
        loss = (hidden(rest(inputs)) - loose.sum() - 1).square().mean()
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    for was, parameter in zip(before, (p for group in groups for p in group["params"]), strict=True):
        assert not torch.equal(was, parameter)


def test_the_step_of_muon_is_as_large_as_that_of_adamw():
    """Scaled to the root mean square of AdamW's steps, 0.2 times the rate."""
    layer = nn.Linear(64, 32, bias=False)
    (muon,) = make_optimizers(
        [{"params": list(layer.parameters()), "lr": 0.1, "hidden": True}], replace(CONFIG, weight_decay=0.0)
    )
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.randn(32, 64, generator=torch.Generator().manual_seed(0))
    muon.step()
    assert (layer.weight - before).square().mean().sqrt().item() == pytest.approx(0.2 * 0.1, rel=0.25)


def test_unknown_optimizers_and_an_old_torch_are_refused(monkeypatch):
    groups = build()[-1]
    expected = r"training\.optimizer is 'moun', expected one of adamw, fused_adamw, muon.*Did you mean"
    with pytest.raises(ConfigError, match=expected):
        make_optimizers(groups, replace(CONFIG, optimizer="moun"))
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(ConfigError, match=r"muon needs torch 2\.9 or newer"):
        make_optimizers(groups, CONFIG)


def test_fused_adamw_steps_as_adamw_does():
    steps = []
    for name in ("adamw", "fused_adamw"):
        *_, groups = build()
        optimizers = make_optimizers(groups, replace(CONFIG, optimizer=name))
        for _ in range(5):
            for place, parameter in enumerate(p for group in groups for p in group["params"]):
                generator = torch.Generator().manual_seed(place)
                parameter.grad = torch.randn(parameter.shape, generator=generator)
            for optimizer in optimizers:
                optimizer.step()
        steps.append([parameter.detach() for group in groups for parameter in group["params"]])
    torch.testing.assert_close(*steps)
