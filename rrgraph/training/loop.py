"""One training loop for every task.

The loop knows nothing of graphs or chemistry. Each epoch draws its randomness from (seed, epoch), and a state within
an epoch carries the generators', so a run that was interrupted and resumed gives the numbers of one that was not.

It never waits for a device within an epoch, except when a state is written: losses are summed where they are computed.
"""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rrgraph.errors import ConfigError
from rrgraph.nn import device_of, widest_float
from rrgraph.training.config import LoopConfig
from rrgraph.training.optimizers import make_optimizers
from rrgraph.training.state import History, TrainingState
from rrgraph.training.stopping import EarlyStopping
from rrgraph.util.interruption import lasting_interruption
from rrgraph.util.progress import progress_bar

__all__ = ["Direction", "History", "Task", "train"]

Direction: TypeAlias = Literal["maximize", "minimize"]
"""Which values of a metric are better."""

logger = logging.getLogger(__name__)


class Task(ABC):
    """What is learned: a module, its batches and their loss."""

    module: nn.Module

    @abstractmethod
    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the optimiser's groups: `params`, `lr`, `hidden` for hidden layers, and more of AdamW's options."""

    @abstractmethod
    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Any]:
        """Return the batches of an epoch, shuffled with `generator`; their number is about the same each time.

        They are asked for one by one, in order, so that they may be made when they are needed.
        """

    @abstractmethod
    def loss(self, batch: Any, generator: torch.Generator) -> Tensor:
        """Return the scalar loss of one batch."""

    def start_epoch(self, epoch: int) -> None:
        """Prepare an epoch, for example by mining negatives; the result depends on the weights alone.

        A run that is resumed within an epoch prepares it again with the weights that it began with.
        """

    def stepped(self) -> None:
        """Take note of a step of the optimiser."""

    def companions(self) -> Mapping[str, nn.Module]:
        """Return modules that change with the run but are not what is learned, by name; resuming restores them."""
        return {}

    def validate(self) -> dict[str, float]:
        """Return validation metrics; empty when there are no validation rows."""
        return {}

    def direction(self, metric: str) -> Direction:
        """Return whether a validation metric is better where it is larger, as most are."""
        return "maximize"


def train(
    task: Task,
    config: LoopConfig,
    *,
    seed: int = 0,
    state_folder: Path | None = None,
    resume: bool = False,
    checkpoint_minutes: float = 0.5,
    on_epoch: Callable[[Mapping[str, float]], None] | None = None,
) -> History:
    """Train `task.module` and leave its best weights in it.

    An interruption waits for the end of a step, and for the state to be written.

    Args:
        task: what is learned.
        config: optimisation and stopping.
        seed: of shuffling, sampling and dropout.
        state_folder: where the state is written after every epoch; nothing is written when None.
        resume: go on from the state in `state_folder` when there is one.
        checkpoint_minutes: also write the state within an epoch when the last one is that old.
        on_epoch: called with the row of each epoch once it is validated, before the state is written: what it raises
            ends the training, and it has been called with every epoch that is in the state.

    Returns:
        The history, one row an epoch.

    Raises:
        ConfigError: the schedule or optimiser is unknown, the monitored metric is not reported, or the loss is not
            finite.
    """
    return _Run(task, config, seed, state_folder, checkpoint_minutes, on_epoch).run(resume=resume)


class _Run:
    """The moving parts of one run."""

    def __init__(
        self,
        task: Task,
        config: LoopConfig,
        seed: int,
        state_folder: Path | None,
        checkpoint_minutes: float,
        on_epoch: Callable[[Mapping[str, float]], None] | None,
    ) -> None:
        self.task, self.config, self.seed = task, config, seed
        self.device = device_of(task.module)
        self.optimizers = make_optimizers(task.parameter_groups(), config)
        self.rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]
        self.average = _MovingAverage(task.module, config.ema_decay) if config.ema_decay > 0 else None
        self.stopping = EarlyStopping(patience=config.patience)
        self.generator = torch.Generator()
        modules = {"module": task.module, **({} if self.average is None else {"average": self.average})}
        modules |= task.companions()
        self.state = TrainingState(modules, self.optimizers, self.stopping, self.generator)
        self.folder = state_folder
        self.interval = checkpoint_minutes * 60
        self.on_epoch = on_epoch
        self.saved = time.monotonic()

    def run(self, *, resume: bool) -> History:
        within = bool(resume and self.folder and self.state.load(self.folder))
        progress = self.state.progress
        with lasting_interruption(deferred=True) as self.interruption:
            while progress.epoch < self.config.epochs and not self.stopping.stop(progress.epoch):
                self.started = time.perf_counter() - progress.seconds
                epoch = progress.epoch + 1
                loss = self._epoch(epoch, within=within and progress.batch > 0)
                row = {"epoch": epoch, "loss": loss, **self._validated(epoch)}
                if self.on_epoch is not None:
                    self.on_epoch(row)
                progress.history.append({**row, "seconds": time.perf_counter() - self.started})
                progress.epoch, progress.batch, progress.loss, progress.seconds = epoch, 0, 0.0, 0.0
                logger.info("epoch %d: %s", epoch, ", ".join(f"{name} {value:.4g}" for name, value in row.items()))
                self._save()
                self.interruption()
        self.task.module.load_state_dict(self.state.best)
        self.task.module.eval()
        return progress.history

    def _epoch(self, epoch: int, *, within: bool) -> float:
        task, progress = self.task, self.state.progress
        self.generator.manual_seed(_epoch_seed(self.seed, epoch))
        torch.manual_seed(_epoch_seed(self.seed, epoch))
        task.module.eval()
        with self.interruption.at_once():
            self._start_epoch(epoch, within=within)
            batches = task.batches(epoch, self.generator)
        if within:
            self.state.restore_randomness()
        task.module.train()
        self.total = torch.full((), progress.loss, dtype=widest_float(self.device), device=self.device)
        steps = len(batches) * self.config.epochs
        label = f"epoch {epoch}/{self.config.epochs}"
        with progress_bar(label, total=steps, done=progress.step, unit="batch") as bar:
            while progress.batch < len(batches):
                self._step(batches[progress.batch], steps)
                progress.batch += 1
                bar.update()
                if self.interruption or time.monotonic() - self.saved > self.interval:
                    self._read_loss()
                    self._save()
                self.interruption()
        self._read_loss()
        return progress.loss / max(progress.batch, 1)

    def _read_loss(self) -> None:
        """Wait for the device, and take note of the sum of the epoch's losses so far."""
        progress = self.state.progress
        progress.loss = self.total.item()
        if not math.isfinite(progress.loss):
            raise ConfigError(
                f"The training loss became {progress.loss} by step {progress.step}; lower training.learning_rate."
            )

    def _start_epoch(self, epoch: int, *, within: bool) -> None:
        if type(self.task).start_epoch is Task.start_epoch:
            return
        if within:
            with self.state.at_start():
                self.task.start_epoch(epoch)
        else:
            self.state.keep_start()
            self.task.start_epoch(epoch)

    def _step(self, batch: Any, steps: int) -> None:
        progress, module = self.state.progress, self.task.module
        factor = rate_factor(progress.step, steps, self.config)
        for optimizer, rates in zip(self.optimizers, self.rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        loss = self.task.loss(batch, self.generator)
        self.total += loss.detach()
        # Also gradients of weights that no optimiser has: clipping counts them, and a resumed run begins without.
        module.zero_grad(set_to_none=True)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        if self.config.gradient_clip > 0:
            torch.nn.utils.clip_grad_norm_(module.parameters(), self.config.gradient_clip)
        for optimizer in self.optimizers:
            optimizer.step()
        if self.average is not None:
            self.average.update_parameters(module)
        self.task.stepped()
        progress.step += 1

    def _validated(self, epoch: int) -> dict[str, float]:
        """Validate, and keep the weights if they are the best so far."""
        interrupted = None
        self.task.module.eval()
        with self._averaged():
            try:
                with self.interruption.at_once():
                    metrics = self.task.validate()
            except KeyboardInterrupt as error:
                interrupted = error
            else:
                self._update_best(metrics, epoch)
        if interrupted is not None:
            # Every step of the epoch is done, so that the resumed run goes on with this validation.
            self._save()
            raise interrupted
        return metrics

    def _update_best(self, metrics: Mapping[str, float], epoch: int) -> None:
        if metrics and self.config.monitor not in metrics:
            raise ConfigError(
                f"training.monitor '{self.config.monitor}' is not among the validation metrics {', '.join(metrics)}."
            )
        # Without validation rows every epoch counts as the best so far.
        monitored = metrics.get(self.config.monitor, float(epoch))
        sign = -1 if metrics and self.task.direction(self.config.monitor) == "minimize" else 1
        if self.stopping.update(sign * monitored, epoch):
            self.state.keep_best()

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Put the averaged weights into the module for a while."""
        if self.average is None:
            yield
            return
        module = self.task.module
        current = {name: tensor.clone() for name, tensor in module.state_dict().items()}
        module.load_state_dict(self.average.module.state_dict())
        try:
            yield
        finally:
            module.load_state_dict(current)

    def _save(self) -> None:
        if self.folder is not None:
            if self.state.progress.batch:
                self.state.progress.seconds = time.perf_counter() - self.started
            self.state.save(self.folder)
        self.saved = time.monotonic()


def rate_factor(step: int, steps: int, config: LoopConfig) -> float:
    """Return the factor on the learning rates at a step, a pure function so that resuming needs no state."""
    warmup = config.warmup * steps
    if step < warmup:
        return (step + 1) / warmup
    if config.schedule == "constant":
        return 1.0
    if config.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min((step - warmup) / max(steps - warmup, 1), 1.0)))
    raise ConfigError(f"Unknown training.schedule '{config.schedule}', expected constant or cosine.")


class _MovingAverage(AveragedModel):
    """An exponential moving average of weights whose count of steps stays on the processor, so that no step waits."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        super().__init__(module)
        self.decay = decay

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        count = int(self.n_averaged)
        # A shorter memory at the start forgets the random weights.
        memory = min(self.decay, (1 + count) / (10 + count)) if count else 0.0
        get_ema_multi_avg_fn(memory)(list(self.module.parameters()), list(model.parameters()), count)
        for own, buffer in zip(self.module.buffers(), model.buffers(), strict=True):
            own.copy_(buffer)
        self.n_averaged += 1


def _epoch_seed(seed: int, epoch: int) -> int:
    # Knuth's multiplicative hash keeps the streams of neighbouring seeds and epochs apart.
    return (seed * 2_654_435_761 + epoch * 40_503) % 2**63
