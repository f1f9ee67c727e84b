"""The state of an unfinished run: weights, optimisers and generators as safetensors, the rest as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from rrgraph.errors import ModelError, reason_of
from rrgraph.nn import device_of
from rrgraph.training.kept import keep_tensors, kept_tensors
from rrgraph.training.stopping import EarlyStopping

__all__ = ["STATE_FILE", "History", "Progress", "TrainingState", "remove_state"]

STATE_FILE = "training_state.safetensors"
"""The file in a run folder from which an unfinished run is resumed."""

History = list[dict[str, float]]
"""One row an epoch: epoch, loss, seconds and the validation metrics."""


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        epoch: epochs completed.
        step: optimiser steps completed.
        batch: batches of the running epoch completed.
        loss: sum of their losses.
        seconds: time the running epoch took so far.
        history: one row an epoch.
    """

    epoch: int = 0
    step: int = 0
    batch: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    history: History = field(default_factory=list)


class TrainingState:
    """Everything a run needs to go on, read and written as one file.

    Args:
        modules: by name; `module` is what is trained, others, such as moving averages of it, change with it.
        optimizers: in the order of the run.
        stopping: best score so far.
        generator: of shuffling and sampling.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        optimizers: Sequence[Optimizer],
        stopping: EarlyStopping,
        generator: torch.Generator,
    ) -> None:
        self.modules = modules
        self.optimizers = optimizers
        inside = {id(parameter) for parameter in modules["module"].parameters()}
        optimized = (p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"])
        # What a task learns beside its module, such as the scales of its losses.
        self.beside = [parameter for parameter in optimized if id(parameter) not in inside]
        self.stopping = stopping
        self.generator = generator
        self.progress = Progress()
        self.keep_best()
        self._start: dict[str, dict[str, Tensor]] = {}
        self._randomness: dict[str, Tensor] = {}

    def keep_best(self) -> None:
        """Keep a copy of the module's weights as the best."""
        self.best = _copied(self.modules["module"])

    def keep_start(self) -> None:
        """Keep a copy of the weights at the start of an epoch, from which it is prepared again on resuming."""
        self._start = self._weights()

    @contextmanager
    def at_start(self) -> Iterator[None]:
        """Put the weights of the start of the loaded epoch into the modules for a while."""
        current = self._weights()
        self._load_weights(self._start)
        yield
        self._load_weights(current)

    def _weights(self) -> dict[str, dict[str, Tensor]]:
        """Return copies of the weights of each module."""
        return {part: _copied(module) for part, module in self.modules.items()}

    def _load_weights(self, weights: Mapping[str, Mapping[str, Tensor]]) -> None:
        for part, of_module in weights.items():
            self.modules[part].load_state_dict(of_module)

    def save(self, folder: Path) -> None:
        """Write the state atomically, so that weights and counters always agree."""
        tensors = {f"best.{name}": tensor for name, tensor in self.best.items()}
        for part, module in self.modules.items():
            tensors |= {f"{part}.{name}": tensor.detach() for name, tensor in module.state_dict().items()}
        tensors |= {f"beside.{number}": parameter.detach() for number, parameter in enumerate(self.beside)}
        for number, optimizer in enumerate(self.optimizers):
            for index, slots in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{number}.{index}.{name}": value for name, value in slots.items()}
        randomness = _randomness(self.generator, device_of(self.modules["module"]))
        tensors |= {f"random.{name}": value for name, value in randomness.items()}
        description = {
            **asdict(self.progress),
            "best_score": None if math.isinf(self.stopping.best) else self.stopping.best,
            "best_epoch": self.stopping.best_epoch,
        }
        if self.progress.batch:
            for part, weights in self._start.items():
                tensors |= {f"start.{part}.{name}": tensor for name, tensor in weights.items()}
        keep_tensors(folder / STATE_FILE, tensors, description)

    def load(self, folder: Path) -> bool:
        """Fill everything from the state in `folder`; return False when there is none.

        Raises:
            ModelError: the state is damaged or belongs to another configuration.
        """
        path = folder / STATE_FILE
        if not path.is_file():
            return False
        try:
            tensors, description = kept_tensors(path)
            for part, module in self.modules.items():
                module.load_state_dict(_under(tensors, f"{part}."))
            for number, parameter in enumerate(self.beside):
                parameter.data.copy_(tensors[f"beside.{number}"])
            for number, optimizer in enumerate(self.optimizers):
                slots: dict[int, dict[str, Tensor]] = {}
                for name, tensor in _under(tensors, f"optimizer.{number}.").items():
                    index, slot = name.split(".", 1)
                    slots.setdefault(int(index), {})[slot] = tensor
                optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})
            self.best = _under(tensors, "best.")
            start = _under(tensors, "start.")
            self._start = {part: _under(start, f"{part}.") for part in self.modules if start}
            self._randomness = _under(tensors, "random.")
            score = description.pop("best_score")
            self.stopping.best = -math.inf if score is None else score
            self.stopping.best_epoch = description.pop("best_epoch")
            self.progress = Progress(**description)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(f"The training state '{path}' cannot be resumed: {reason_of(error)}.") from None
        return True

    def restore_randomness(self) -> None:
        """Set the generators as they were when the loaded state was written."""
        self.generator.set_state(self._randomness["generator"])
        torch.set_rng_state(self._randomness["torch"])
        device = device_of(self.modules["module"])
        if device.type in self._randomness:
            torch.get_device_module(device).set_rng_state(self._randomness[device.type], device)


def remove_state(folder: Path) -> None:
    """Delete the state of a finished run."""
    (folder / STATE_FILE).unlink(missing_ok=True)


def _randomness(generator: torch.Generator, device: torch.device) -> dict[str, Tensor]:
    states = {"generator": generator.get_state(), "torch": torch.get_rng_state()}
    if device.type in ("cuda", "mps"):
        states[device.type] = torch.get_device_module(device).get_rng_state(device)
    return states


def _copied(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
