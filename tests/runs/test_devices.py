"""Runs on a device that refuses to mix, of whose waits a count is kept; and on a GPU where there is one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

from rrgraph.graph import TrainingFeatures, TrainingFolds, build_graph
from rrgraph.links import DECODERS, SAMPLERS, LinkModel, LinkTask, TrainingConfig
from rrgraph.models import load_model
from rrgraph.nn import ENCODERS, ModelConfig
from rrgraph.reranking import ListwiseNetwork, ListwiseNetworkConfig, RerankingConfig, RerankingTask, TrainingLists
from rrgraph.runs import train_run
from rrgraph.training import train

DEVICE = "meta"
"""The name under which the device goes; torch computes nothing on it by itself."""

aten = torch.ops.aten
_WAITING = {
    aten._local_scalar_dense, aten.nonzero, aten.unique_dim, aten._unique2, aten.bincount, aten.masked_select,
    aten.repeat_interleave, aten.equal, aten.is_nonzero,
}  # fmt: skip
"""What cannot be done without reading from the device."""


class Elsewhere(torch.Tensor):
    """A tensor of the device, which holds one of the processor."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=DEVICE,
        )

    def __init__(self, inner):
        self.inner = inner

    def __repr__(self):
        return f"Elsewhere({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        raise AssertionError(f"{function} outside of the device")


class SeparateDevice(TorchDispatchMode):
    """Computes what is on the device, refuses to mix it with what is not, and counts when the processor waits for it.

    As on CUDA, numbers (tensors without dimensions) mix, and moving to the device waits unless it is asked not to.
    """

    def __init__(self):
        super().__init__()
        self.waits = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        given = [each for each in tree_iter((args, kwargs)) if isinstance(each, torch.Tensor)]
        here = [each for each in given if isinstance(each, Elsewhere)]
        packet, target = function.overloadpacket, kwargs.get("device")
        inside = bool(here) if target is None else torch.device(target).type == DEVICE
        if target is not None and inside:
            kwargs["device"] = torch.device("cpu")
        if packet in (aten._to_copy, aten.copy_):
            source, destination = bool(isinstance(given[-1], Elsewhere)), inside
            if packet is aten.copy_:
                destination = isinstance(given[0], Elsewhere)
            if source != destination and not (destination and kwargs.get("non_blocking", args[2:3] == (True,))):
                self.waits[str(function)] += 1
            inside = destination
        elif here:
            for each in given:
                if each.dim() and not isinstance(each, Elsewhere):
                    raise RuntimeError(f"{function} mixes devices")
            by_mask = packet in (aten.index, aten.index_put_, aten.index_put) and any(
                each is not None and each.dtype == torch.bool for each in args[1]
            )
            sized = packet is aten.repeat_interleave and kwargs.get("output_size") is not None
            if (packet in _WAITING and not sized) or by_mask:
                self.waits[str(function)] += 1
        same = {id(each.inner): each for each in here}
        found = function(*tree_map(_unwrapped, args), **tree_map(_unwrapped, kwargs))
        if not inside:
            return found
        return tree_map(lambda each: _wrapped(each, same) if type(each) is torch.Tensor else each, found)


def _wrapped(inner, same):
    """Return the tensor of the device that holds another one, the same as before where it was changed in place."""
    with torch.inference_mode(False):  # whose tensors cannot be views of weights that are wrapped
        return same[id(inner)] if id(inner) in same else Elsewhere(inner)


def _unwrapped(each):
    return each.inner if isinstance(each, Elsewhere) else each


class _Generator(torch.Generator):
    """Gives random numbers for the device from the processor."""

    def __new__(cls, device="cpu"):
        return super().__new__(cls, "cpu")


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setattr(torch, "Generator", _Generator)
    with SeparateDevice() as mode:
        yield mode


def test_the_device_refuses_to_mix_and_counts(device):
    there = torch.arange(3).to(DEVICE)
    assert there.device.type == DEVICE
    with pytest.raises(RuntimeError, match="mixes devices"):
        there + torch.arange(3)
    assert (there + torch.tensor(1)).cpu().tolist() == [1, 2, 3]
    assert device.waits == {"aten._to_copy.default": 2}
    device.waits.clear()
    moved = torch.ones(3).to(DEVICE, non_blocking=True) * there
    assert not device.waits
    assert bool(moved.sum() == 3) and moved[moved > 1].cpu().tolist() == [2.0]
    assert device.waits.total() == 3


def test_a_run_on_the_device_gives_what_it_gives_on_the_processor(device, two_stages, ranked, tmp_path):
    config = replace(two_stages, output=str(tmp_path / "run"), training=replace(two_stages.training, device=DEVICE))
    result = train_run(config)
    assert [row["loss"] for row in result.history] == pytest.approx([row["loss"] for row in ranked.history], rel=1e-4)
