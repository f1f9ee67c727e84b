"""Where and how precisely tensors are computed: a GPU and bfloat16 where there are, the processor otherwise."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from rrgraph.errors import ConfigError
from rrgraph.nn.instructions import computes_bfloat16

__all__ = ["PRECISIONS", "choose_device", "device_of", "half_precision", "widest_float"]

PRECISIONS = ("auto", "full")
"""`auto` is bfloat16 where the device computes it faster, `full` 32 bits throughout."""


_USABLE = ["cpu", "cuda", "mps"]
"""Types of device; torch knows more names, such as `meta`, on which nothing can be computed."""


def choose_device(name: str) -> torch.device:
    """Return the device of a name such as `cpu`, `cuda:1` or `mps`; `auto` is a CUDA GPU when there is one.

    Raises:
        ConfigError: there is no such type of device, or it is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.partition(":")[0] not in _USABLE:
        raise ConfigError(f"Unknown device {name!a:.80}, expected auto, cpu, cuda or mps.")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ConfigError(f"The device '{name}' cannot be used ({reason}); expected auto, cpu, cuda or mps.") from None
    return device


def device_of(module: nn.Module) -> torch.device:
    """Return where the weights of a module are; the processor for one without."""
    return next((parameter.device for parameter in module.parameters()), torch.device("cpu"))


def widest_float(device: torch.device) -> torch.dtype:
    """Return the most precise type of real numbers of a device: 64 bits, 32 on Apple's GPUs."""
    return torch.float32 if device.type == "mps" else torch.float64


def half_precision(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return a context in which matrix products run in bfloat16 where the device computes it faster.

    Args:
        device: where the tensors are.
        precision: `auto`, or `full` for 32 bits throughout.
    """
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    enabled = precision == "auto" and _has_bfloat16(device)
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        supported: bool = torch.cuda.is_bf16_supported(including_emulation=False)
        return supported
    return device.type == "cpu" and computes_bfloat16()
