"""Multi-label classification of targets with one output for each precursor of the training rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rrgraph.baselines.base import LinkBaseline
from rrgraph.chem import Composition
from rrgraph.data import ReactionTable, Split
from rrgraph.errors import ConfigError
from rrgraph.nn import choose_device, device_of, select
from rrgraph.training import History, LoopConfig, Task, train

__all__ = [
    "UNKNOWN_LOGIT",
    "LabelledReactions",
    "MultiLabelBaseline",
    "MultiLabelTask",
    "cosine_loop",
    "feedforward",
]

UNKNOWN_LOGIT: Final = -30.0
"""Logit of a candidate without an output."""

_LIMIT: Final = -UNKNOWN_LOGIT - 1
_BATCH_SIZE: Final = 1024


@dataclass(frozen=True, eq=False)
class LabelledReactions:
    """Distinct reactions as labels.

    Attributes:
        targets: target of each reaction.
        outputs: column of each precursor, by canonical key.
        labels: (reactions, outputs) bool, which precursors a reaction uses.
        sizes: (reactions,) number of precursors of each, including those without an output.
    """

    targets: tuple[Composition, ...]
    outputs: Mapping[str, int]
    labels: Tensor
    sizes: Tensor

    @classmethod
    def of(cls, table: ReactionTable, outputs: Mapping[str, int] | None = None) -> LabelledReactions:
        """Return the distinct reactions of `table`; by default its own precursors are the outputs."""
        reactions = table.distinct_reactions()
        if outputs is None:
            outputs = {key: column for column, key in enumerate(table.precursors())}
        labels = torch.zeros(len(reactions), len(outputs), dtype=torch.bool)
        for row, (_, keys) in enumerate(reactions):
            labels[row, [outputs[key] for key in keys if key in outputs]] = True
        sizes = torch.tensor([len(keys) for _, keys in reactions], dtype=torch.int64)
        return cls(tuple(target for target, _ in reactions), outputs, labels, sizes)

    def recall(self, logits: Tensor) -> float:
        """Return the share of recorded precursors among as many of the highest logits (reactions, outputs)."""
        order = logits.argsort(dim=1, descending=True, stable=True)
        found = self.labels.gather(1, order).cumsum(1)
        last = self.sizes.clamp(max=logits.shape[1])[:, None] - 1
        return float((found.gather(1, last)[:, 0] / self.sizes).mean())


class MultiLabelTask(Task):
    """Learn the labels of reactions by binary cross-entropy, summed over the outputs.

    Args:
        module: returns logits (n, outputs) of its inputs.
        inputs: inputs of the module, each with a row for each reaction, where the module takes them.
        labels: (reactions, outputs) bool.
        batch_size: reactions in a batch.
        groups: parameter groups of the optimiser.
        validate: returns validation metrics of the module in evaluation mode.
    """

    def __init__(
        self,
        module: nn.Module,
        inputs: Sequence[Tensor],
        labels: Tensor,
        *,
        batch_size: int,
        groups: Sequence[Mapping[str, Any]],
        validate: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        self.module = module
        self.inputs, self.labels = tuple(inputs), labels.to(device_of(module))
        self.batch_size = batch_size
        self._groups = groups
        self._validate = validate

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        return self._groups

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        return torch.split(torch.randperm(len(self.labels), generator=generator), self.batch_size)

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        *inputs, labels = select((*self.inputs, self.labels), batch)
        total = nn.functional.binary_cross_entropy_with_logits(self.module(*inputs), labels.float(), reduction="sum")
        return total / len(batch)

    def validate(self) -> dict[str, float]:
        return self._validate() if self._validate else {}


class MultiLabelBaseline(LinkBaseline):
    """A comparison system with one output for each training precursor; no other precursors can be proposed.

    The epoch with the largest share of recorded precursors among the most probable ones on the validation rows is kept;
    without validation rows, the last epoch.

    Args:
        loop: options of the training loop.
        seed: of weights, order and dropout; the global generator of torch is not changed.
        device: where it learns and predicts: `auto` takes a CUDA GPU when there is one; or cpu, cuda or mps.
    """

    def __init__(self, loop: LoopConfig, *, seed: int, device: str = "auto") -> None:
        super().__init__()
        for name in ("epochs", "batch_size"):
            if getattr(loop, name) < 1:
                raise ConfigError(
                    f"Option {name} of the baseline '{self.name}' is {getattr(loop, name)}, expected 1 or more."
                )
        self.loop, self.seed, self.device = loop, seed, choose_device(device)
        self.history: History = []
        """Loss and validation metric of each epoch."""
        self._outputs: Mapping[str, int] = {}
        self._network: nn.Module = nn.Identity()

    @abstractmethod
    def _build(self, outputs: int) -> nn.Module:
        """Return a new network from the tensors of `_inputs` to logits (n, outputs)."""

    @abstractmethod
    def _inputs(self, targets: Sequence[Composition]) -> tuple[Tensor, ...]:
        """Return the inputs of the network, each (targets, ...), on its device or where else it takes them."""

    def _prepare(self, table: ReactionTable) -> None:
        """Learn from the training rows whatever inputs or network need."""

    def _groups(self, network: nn.Module) -> Sequence[Mapping[str, Any]]:
        """Return the parameter groups of the optimiser."""
        return [{"params": list(network.parameters()), "lr": self.loop.learning_rate}]

    def _learn(self, table: ReactionTable, split: Split | None) -> None:
        self._prepare(table)
        reactions = LabelledReactions.of(table)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._network = self._build(len(reactions.outputs))
            self._outputs = reactions.outputs
            _start_from_frequencies(self._network, reactions.labels)
            self._network.to(self.device)
            task = MultiLabelTask(
                self._network,
                self._inputs(reactions.targets),
                reactions.labels,
                batch_size=self.loop.batch_size,
                groups=self._groups(self._network),
                validate=None if split is None else self._validator(split.validation),
            )
            self.history = train(task, self.loop, seed=self.seed)

    def _validator(self, table: ReactionTable) -> Callable[[], dict[str, float]] | None:
        rows = np.flatnonzero([any(key in self._outputs for key in keys) for keys in table.set_keys])
        if not len(rows):
            return None
        reactions = LabelledReactions.of(table.select(rows), self._outputs)
        inputs = self._inputs(reactions.targets)
        return lambda: {self.loop.monitor: reactions.recall(self._run(inputs))}

    def _logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        logits = np.full((len(targets), len(candidates)), UNKNOWN_LOGIT)
        known = [index for index, candidate in enumerate(candidates) if candidate.key in self._outputs]
        if len(targets) and known:
            columns = [self._outputs[candidates[index].key] for index in known]
            found = self._run(self._inputs(targets))[:, columns].double().numpy()
            # A known precursor always scores higher than a candidate without an output.
            logits[:, known] = found.clip(-_LIMIT, None)
        return logits

    @torch.inference_mode()
    def _run(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return the logits (n, outputs) of inputs with n rows."""
        self._network.eval()
        batches = zip(*(torch.split(each, _BATCH_SIZE) for each in inputs), strict=True)
        return torch.cat([self._network(*batch) for batch in batches]).cpu()


def cosine_loop(epochs: int, batch_size: int, learning_rate: float, weight_decay: float) -> LoopConfig:
    """Return the options of the training loop: AdamW, a cosine schedule to zero, no early stopping."""
    return LoopConfig(
        epochs=epochs,
        patience=0,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        schedule="cosine",
        warmup=0.05,
        monitor="recall",
    )


def feedforward(inputs: int, width: int, layers: int, outputs: int, *, dropout: float) -> nn.Sequential:
    """Return a network of `layers` hidden layers of `width` and a linear output."""
    modules: list[nn.Module] = []
    for depth in range(layers):
        modules += [nn.Linear(inputs if depth == 0 else width, width), nn.GELU(), nn.Dropout(dropout)]
    return nn.Sequential(*modules, nn.Linear(width if layers else inputs, outputs))


def _start_from_frequencies(network: nn.Module, labels: Tensor) -> None:
    """Set the biases of the last layer to the logits of the training frequencies."""
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    share = ((labels.sum(0) + 0.5) / (len(labels) + 1)).to(last.bias.dtype)
    with torch.no_grad():
        last.bias.copy_(share.logit())
