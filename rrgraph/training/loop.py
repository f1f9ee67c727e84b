"""One training loop for every task: batches and a loss flow in, the best weights and a history flow out.

The loop knows nothing of graphs or chemistry. Epochs are the unit of resumption: each draws its randomness from
(seed, epoch), so a run that was interrupted and resumed gives the numbers of one that was not.
"""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rrgraph.errors import ConfigError
from rrgraph.progress import track
from rrgraph.training.config import TrainingConfig
from rrgraph.training.state import History, Progress, load_state, save_state
from rrgraph.training.stopping import EarlyStopping

__all__ = ["History", "Task", "train"]

logger = logging.getLogger(__name__)


class Task(ABC):
    """What is learned: a module, its batches and their loss."""

    module: nn.Module

    @abstractmethod
    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the optimiser's groups: `params` and `lr` (and more of AdamW's options)."""

    @abstractmethod
    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Any]:
        """Return the batches of an epoch, shuffled with `generator`."""

    @abstractmethod
    def loss(self, batch: Any, generator: torch.Generator) -> Tensor:
        """Return the scalar loss of one batch."""

    def start_epoch(self, epoch: int) -> None:
        """Prepare an epoch, for example by mining negatives."""

    def validate(self) -> dict[str, float]:
        """Return validation metrics, higher is better; empty when there is no validation part."""
        return {}


def train(
    task: Task, config: TrainingConfig, *, seed: int = 0, state_folder: Path | None = None, resume: bool = False
) -> History:
    """Train `task.module` and leave its best weights in it.

    Args:
        task: what is learned.
        config: optimisation and stopping.
        seed: of shuffling, sampling and dropout.
        state_folder: where the state is written after every epoch; nothing is written when None.
        resume: go on from the state in `state_folder` when there is one.

    Returns:
        The history, one row an epoch.

    Raises:
        ConfigError: the schedule is unknown, the monitored metric is not reported, or the loss is not finite.
    """
    optimizer = torch.optim.AdamW([dict(group) for group in task.parameter_groups()], weight_decay=config.weight_decay)
    base_rates = [group["lr"] for group in optimizer.param_groups]
    stopping = EarlyStopping(patience=config.patience)
    best = _copy(task.module)
    progress = Progress()
    if resume and state_folder is not None and (state := load_state(state_folder, task.module, optimizer)):
        best, stopping.best, stopping.best_epoch = state.best, state.best_score, state.best_epoch
        progress = state.progress

    while progress.epoch < config.epochs and not stopping.stop(progress.epoch):
        started = time.perf_counter()
        epoch = progress.epoch + 1
        generator = torch.Generator().manual_seed(_epoch_seed(seed, epoch))
        torch.manual_seed(_epoch_seed(seed, epoch))
        task.start_epoch(epoch)
        loss = _epoch(task, optimizer, config, base_rates, generator, progress)
        task.module.eval()
        metrics = task.validate()
        row = {"epoch": epoch, "loss": loss, **metrics}
        if metrics and config.monitor not in metrics:
            raise ConfigError(
                f"training.monitor '{config.monitor}' is not among the validation metrics {', '.join(metrics)}."
            )
        # Without validation rows every epoch counts as the best so far.
        if stopping.update(metrics.get(config.monitor, float(epoch)), epoch):
            best = _copy(task.module)
        progress.history.append({**row, "seconds": time.perf_counter() - started})
        progress.epoch = epoch
        logger.info("epoch %d: %s", epoch, ", ".join(f"{name} {value:.4g}" for name, value in row.items()))
        if state_folder is not None:
            save_state(state_folder, task.module, optimizer, best, stopping, progress)
    task.module.load_state_dict(best)
    task.module.eval()
    return progress.history


def _epoch(
    task: Task,
    optimizer: torch.optim.Optimizer,
    config: TrainingConfig,
    base_rates: Sequence[float],
    generator: torch.Generator,
    progress: Progress,
) -> float:
    task.module.train()
    batches = task.batches(progress.epoch + 1, generator)
    steps = len(batches) * config.epochs
    total, count = 0.0, 0
    for batch in _tracked(batches, progress.epoch + 1):
        factor = rate_factor(progress.step, steps, config)
        for group, rate in zip(optimizer.param_groups, base_rates, strict=True):
            group["lr"] = rate * factor
        loss = task.loss(batch, generator)
        if not bool(torch.isfinite(loss)):
            raise ConfigError(
                f"The training loss became {loss.item()} at step {progress.step}; lower training.learning_rate."
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if config.gradient_clip > 0:
            torch.nn.utils.clip_grad_norm_(task.module.parameters(), config.gradient_clip)
        optimizer.step()
        progress.step += 1
        total, count = total + loss.item(), count + 1
    return total / max(count, 1)


def rate_factor(step: int, steps: int, config: TrainingConfig) -> float:
    """Return the factor on the learning rates at a step, a pure function so that resuming needs no state."""
    warmup = config.warmup * steps
    if step < warmup:
        return (step + 1) / warmup
    if config.schedule == "constant":
        return 1.0
    if config.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min((step - warmup) / max(steps - warmup, 1), 1.0)))
    raise ConfigError(f"Unknown training.schedule '{config.schedule}', expected constant or cosine.")


def _tracked(batches: Sequence[Any], epoch: int) -> Iterator[Any]:
    return track(batches, f"epoch {epoch}", total=len(batches), unit="batch")


def _epoch_seed(seed: int, epoch: int) -> int:
    # Knuth's multiplicative hash keeps the streams of neighbouring seeds and epochs apart.
    return (seed * 2_654_435_761 + epoch * 40_503) % 2**63


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
