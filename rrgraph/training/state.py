"""The state of an unfinished run: weights and optimiser as safetensors, the rest as JSON, written every epoch."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from rrgraph.errors import ModelError
from rrgraph.files import atomic_path
from rrgraph.training.stopping import EarlyStopping

__all__ = ["STATE_FILE", "History", "Progress", "TrainingState", "load_state", "remove_state", "save_state"]

STATE_FILE = "training_state.safetensors"

History = list[dict[str, float]]
"""One row an epoch: epoch, loss, seconds and the validation metrics."""


@dataclass
class Progress:
    """What a run needs to go on: everything but the weights.

    Attributes:
        epoch: epochs completed.
        step: optimiser steps completed.
        history: one row an epoch.
    """

    epoch: int = 0
    step: int = 0
    history: History = field(default_factory=list)


@dataclass(frozen=True)
class TrainingState:
    """What `load_state` gives back beside the module and the optimiser, which it fills in place."""

    best: dict[str, Tensor]
    best_score: float
    best_epoch: int
    progress: Progress


def save_state(
    folder: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    best: dict[str, Tensor],
    stopping: EarlyStopping,
    progress: Progress,
) -> None:
    """Write the state of a run into one file, atomically, so that weights and counters always agree."""
    tensors = {f"module.{name}": tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    tensors |= {f"best.{name}": tensor.cpu().contiguous() for name, tensor in best.items()}
    for index, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value.clone().contiguous() for name, value in slots.items()}
    description = {
        "epoch": progress.epoch,
        "step": progress.step,
        "history": progress.history,
        "best_score": None if math.isinf(stopping.best) else stopping.best,
        "best_epoch": stopping.best_epoch,
    }
    with atomic_path(folder / STATE_FILE) as path:
        save_file(tensors, path, metadata={"state": json.dumps(description)})


def load_state(folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer) -> TrainingState | None:
    """Fill `module` and `optimizer` from the state in `folder`, or return None when there is none.

    Raises:
        ModelError: the state is damaged or belongs to another configuration.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as handle:
            description = json.loads(handle.metadata()["state"])
        tensors = load_file(path)
        module.load_state_dict(_under(tensors, "module."))
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under(tensors, "optimizer.").items():
            index, slot = name.split(".", 1)
            slots.setdefault(int(index), {})[slot] = tensor
        optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ModelError(f"The training state '{path}' cannot be resumed: {reason}.") from None
    score = description["best_score"]
    return TrainingState(
        best=_under(tensors, "best."),
        best_score=-math.inf if score is None else score,
        best_epoch=description["best_epoch"],
        progress=Progress(description["epoch"], description["step"], description["history"]),
    )


def remove_state(folder: Path) -> None:
    """Delete the state of a finished run."""
    (folder / STATE_FILE).unlink(missing_ok=True)


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
