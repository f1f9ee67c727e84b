"""A device that refuses to mix its tensors with those of the processor, and counts how often it is waited for."""

from __future__ import annotations

from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode

DEVICE = "meta"
"""The name under which the device goes; torch computes nothing on it by itself."""

aten = torch.ops.aten
_WAITING = {
    aten._local_scalar_dense, aten.nonzero, aten.unique_dim, aten._unique2, aten.bincount, aten.masked_select,
    aten.repeat_interleave, aten.equal, aten.is_nonzero,
}  # fmt: skip
"""What cannot be done without reading from the device."""
_INDEXING = {aten.index, aten.index_put, aten.index_put_}
"""What reads from the device where it is given a mask."""


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
        self.held = inner

    def __repr__(self):
        return f"Elsewhere({self.held})"

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
        given: list[torch.Tensor] = []
        arguments = _each((*args, *kwargs.values()), lambda each: given.append(each) or getattr(each, "held", each))
        named = dict(zip(kwargs, arguments[len(args) :], strict=True))
        same = {id(each.held): each for each in given if type(each) is Elsewhere}
        packet, target = function.overloadpacket, kwargs.get("device")
        inside = bool(same) if target is None else torch.device(target).type == DEVICE
        if target is not None and inside:
            named["device"] = torch.device("cpu")
        if packet in (aten._to_copy, aten.copy_):
            if packet is aten.copy_:
                inside = type(given[0]) is Elsewhere
            unasked = inside and (kwargs.get("non_blocking") or args[2:3] == (True,))
            if inside != (type(given[-1]) is Elsewhere) and not unasked:
                self.waits[str(function)] += 1
        elif same:
            if any(each.dim() and type(each) is not Elsewhere for each in given):
                raise RuntimeError(f"{function} mixes devices")
            by_mask = packet in _INDEXING and any(each is not None and each.dtype == torch.bool for each in args[1])
            sized = packet is aten.repeat_interleave and kwargs.get("output_size") is not None
            if (packet in _WAITING and not sized) or by_mask:
                self.waits[str(function)] += 1
        found = function(*arguments[: len(args)], **named)
        if not inside:
            return found
        with torch.inference_mode(False):  # whose tensors cannot be views of weights that are wrapped
            return _each(found, lambda each: same[id(each)] if id(each) in same else Elsewhere(each))


def _each(given, change):
    """Return arguments or results, nested in lists and tuples, with every tensor changed."""
    if isinstance(given, list | tuple):
        return type(given)([_each(each, change) for each in given])
    return change(given) if isinstance(given, torch.Tensor) else given


class ProcessorGenerator(torch.Generator):
    """Gives random numbers for the device from the processor."""

    def __new__(cls, device="cpu"):
        return super().__new__(cls, "cpu")
