import math

import pytest
import torch

from rrgraph.training import LOSSES


@pytest.mark.parametrize("name", list(LOSSES))
def test_contract(name):
    """A finite scalar that falls when the positive rises and when a negative sinks."""
    logits = torch.tensor([[0.5, -1.0, 2.0], [1.0, 0.0, 0.3]], requires_grad=True)
    loss = LOSSES[name](logits)
    assert loss.shape == ()
    assert torch.isfinite(loss)
    loss.backward()
    assert (logits.grad[:, 0] < 0).all()
    assert (logits.grad[:, 1:] > 0).all()


def test_binary_cross_entropy_by_hand():
    logits = torch.tensor([[1.0, -2.0]])
    expected = -(math.log(1 / (1 + math.exp(-1))) + math.log(1 - 1 / (1 + math.exp(2)))) / 2
    assert LOSSES["bce"](logits).item() == pytest.approx(expected, rel=1e-5)


def test_sampled_softmax_by_hand():
    assert LOSSES["softmax"](torch.tensor([[1.0, 0.0, 0.0]])).item() == pytest.approx(
        -math.log(math.e / (math.e + 2)), rel=1e-5
    )
