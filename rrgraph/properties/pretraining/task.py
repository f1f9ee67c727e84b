"""Multi-task pretraining of the composition encoder (Retro-Rank-In section 3.1 and appendix C.1).

From batches of one length, without padding, the encoder learns properties, symmetry and, from hidden elements and
fractions, which elements go together in which amounts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rrgraph.data import TRAIN
from rrgraph.errors import ConfigError, check_choice
from rrgraph.nn import MASK, half_precision
from rrgraph.properties.model import PropertyModel, PropertyOutput, pool_fractions
from rrgraph.properties.pretraining.settings import PretrainingConfig
from rrgraph.properties.tables.table import PropertyTable
from rrgraph.training import Task

__all__ = ["WEIGHTINGS", "HiddenElements", "HiddenFractions", "PretrainingTask", "task_weights"]

WEIGHTINGS = ("balanced", "learned")
"""How the losses of the tasks are weighed, see `PretrainingTask`."""

_IGNORED = -100


class PretrainingTask(Task):
    """Learn the training labels of a property table.

    Args:
        module: encoder and heads, its scale fitted to the training labels, on the device where it is trained.
        table: compositions, labels and subsets.
        config: weights of the tasks, hiding, precision.
        validate: returns validation metrics of the module in evaluation mode.

    Raises:
        ConfigError: the weighting is unknown, or no composition has a training label.
    """

    module: PropertyModel

    def __init__(
        self,
        module: PropertyModel,
        table: PropertyTable,
        config: PretrainingConfig,
        *,
        validate: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        check_choice("training.weighting", config.weighting, WEIGHTINGS)
        training = table.subsets == TRAIN
        rows = np.flatnonzero(training.any(axis=1))
        if not len(rows):
            raise ConfigError("No composition has a training label: the tables or data.tasks leave nothing to learn.")
        self.module, self.config = module, config
        self.device = next(module.parameters()).device
        self.lengths = (table.elements[rows] > 0).sum(axis=1)
        self.single = training[rows].sum(axis=1) == 1
        self.elements = torch.from_numpy(table.elements[rows]).to(self.device)
        self.fractions = torch.from_numpy(table.fractions[rows]).to(self.device)
        labels = np.where(training[rows], table.labels[rows], np.nan)
        regression = [column for column, task in enumerate(table.tasks) if task.kind == "regression"]
        classes = [column for column, task in enumerate(table.tasks) if task.kind == "classification"]
        encoded = module.target_scale.encode(labels[:, regression])
        self.values = torch.from_numpy(np.nan_to_num(encoded).astype(np.float32)).to(self.device)
        self.known = torch.from_numpy(~np.isnan(encoded)).to(self.device)
        chosen = np.nan_to_num(labels[:, classes], nan=_IGNORED).astype(np.int64)
        self.labels = torch.from_numpy(chosen).to(self.device)
        counts = np.concatenate([(~np.isnan(encoded)).sum(axis=0), (chosen != _IGNORED).sum(axis=0)])
        weights = torch.from_numpy(task_weights(counts, len(rows), config.balance).astype(np.float32)).to(self.device)
        self.weights, self.class_weights = weights[: len(regression)], weights[len(regression) :]
        self.scales = nn.Parameter(torch.zeros(len(weights), device=self.device))
        self._validate = validate

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        module, rate = self.module, self.config.learning_rate
        hidden = [*module.encoder.hidden_parameters(), *module.trunk.parameters()]
        taken = {id(parameter) for parameter in hidden}
        rest = [parameter for parameter in module.parameters() if id(parameter) not in taken]
        groups: list[dict[str, Any]] = [{"params": hidden, "lr": rate, "hidden": True}, {"params": rest, "lr": rate}]
        if self.config.weighting == "learned":
            groups.append({"params": [self.scales], "lr": rate, "weight_decay": 0.0})
        return groups

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[tuple[int, Tensor]]:
        """Return (length, rows) batches; rare lengths join the next longer one and are padded."""
        rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
        rows = np.arange(len(self.lengths))
        if self.config.single_label_share < 1:
            rows = rows[~self.single | (rng.random(len(rows)) < self.config.single_label_share)]
        batches = []
        for members in _by_length(rows, self.lengths[rows], self.config.batch_size):
            rng.shuffle(members)
            for part in np.split(members, np.arange(self.config.batch_size, len(members), self.config.batch_size)):
                batches.append((int(self.lengths[part].max()), torch.from_numpy(part).to(self.device)))
        return [batches[position] for position in rng.permutation(len(batches))]

    def loss(self, batch: tuple[int, Tensor], generator: torch.Generator) -> Tensor:
        length, rows = batch
        elements, fractions = self.elements[rows, :length].long(), self.fractions[rows, :length]
        count = len(rows)
        # Hidden variants of some rows share the pass through the encoder.
        masked = HiddenElements(elements, _share(self.config.masked_elements, count), generator)
        shared = HiddenFractions(elements, fractions, _share(self.config.masked_fractions, count), generator)
        with half_precision(self.device, self.config.precision):
            states = self.module.encoder.tokens(
                torch.cat([elements, masked.elements, elements[shared.rows]]),
                torch.cat([fractions, fractions[masked.rows], shared.fractions]),
            )
            output = self.module.heads(states[:count, 0])
            asked = states[count : count + len(masked.rows)][torch.arange(len(masked.rows)), 1 + masked.slots]
            element_logits = self.module.hidden_element(asked)
            fraction_logits = self.module.hidden_fraction(states[count + len(masked.rows) :, 1:]).squeeze(-1)
        loss = self._property_loss(output, rows)
        weight = self.config.masked_weight
        if len(masked.rows):
            loss = loss + weight * nn.functional.cross_entropy(element_logits.float(), masked.truth)
        if len(shared.rows):
            loss = loss + weight * shared.loss(fraction_logits.float())
        return loss

    def validate(self) -> dict[str, float]:
        return self._validate() if self._validate else {}

    def _property_loss(self, output: PropertyOutput, rows: Tensor) -> Tensor:
        known = self.known[rows]
        error = (output.values.float() - self.values[rows]).abs()
        spread = output.log_errors.float()
        # Laplace likelihood of the error, whose scale is learned beside the value and does not steer it.
        likelihood = error.detach() * torch.exp(-spread) + spread
        per_class = [
            nn.functional.cross_entropy(
                logits.float(), self.labels[rows, number], ignore_index=_IGNORED, reduction="none"
            )
            / np.log(logits.shape[-1])
            for number, logits in enumerate(output.logits)
        ]
        losses = torch.cat([error * known, *(loss[:, None] for loss in per_class)], dim=1)
        weights = torch.cat([self.weights, self.class_weights])
        if self.config.weighting == "learned":
            labelled = torch.cat([known, self.labels[rows] != _IGNORED], dim=1)
            losses = losses * torch.exp(-self.scales) + labelled * self.scales
        uncertain = (likelihood * known * self.weights).sum()
        return ((losses * weights).sum() + 0.1 * uncertain) / len(rows)


def task_weights(counts: NDArray[np.int64], rows: int, balance: float) -> NDArray[np.float64]:
    """Return the weight of a label of each task, so that the weights of a composition add up to 1 on average.

    Args:
        counts: (tasks,) training labels.
        rows: training compositions.
        balance: 0 weighs every label alike, 1 every task.
    """
    share = np.maximum(counts, 1) / rows
    weights = share**-balance
    scaled: NDArray[np.float64] = weights / (weights * share).sum()
    return scaled


class HiddenElements:
    """Hide one element in each of some rows, drawn with `generator`.

    Args:
        elements: (n, k).
        count: rows to take.
        generator: on the CPU.

    Attributes:
        rows: (count,) rows of the batch.
        slots: (count,) the hidden slot.
        truth: (count,) the atomic number there.
        elements: (count, k) with `MASK` there.
    """

    def __init__(self, elements: Tensor, count: int, generator: torch.Generator) -> None:
        self.rows = torch.randperm(len(elements), generator=generator)[:count].to(elements.device)
        present = (elements[self.rows] > 0).sum(dim=1)
        drawn = torch.rand(count, generator=generator).to(elements.device)
        self.slots = (drawn * present).long()
        shown = elements[self.rows].clone()
        every = torch.arange(count, device=elements.device)
        self.truth = shown[every, self.slots]
        shown[every, self.slots] = MASK
        self.elements = shown


class HiddenFractions:
    """Hide how two elements share their amount in each of some rows of at least two elements.

    Both show half of their sum, and how it was shared is asked for.

    Args:
        elements: (n, k).
        fractions: (n, k).
        count: rows to take at most.
        generator: on the CPU.

    Attributes:
        rows: (m,) rows of the batch.
        slots: (m, 2) the slots.
        fractions: (m, k) as shown.
        share: (m,) share of the first slot.
    """

    def __init__(self, elements: Tensor, fractions: Tensor, count: int, generator: torch.Generator) -> None:
        rows = torch.randperm(len(elements), generator=generator)[:count].to(elements.device)
        present = (elements[rows] > 0).sum(dim=1)
        self.rows, present = rows[present > 1], present[present > 1]
        drawn = torch.rand(2, count, generator=generator).to(elements.device)[:, : len(self.rows)]
        first = (drawn[0] * present).long()
        second = (first + 1 + (drawn[1] * (present - 1)).long()) % present
        self.slots = torch.stack([first, second], dim=1)
        amounts = fractions[self.rows].gather(1, self.slots)
        self.share = amounts[:, 0] / amounts.sum(dim=1)
        self.fractions = pool_fractions(fractions[self.rows], self.slots)

    def loss(self, logits: Tensor) -> Tensor:
        """Return the cross entropy between true and predicted shares."""
        chosen = logits.gather(1, self.slots)
        return nn.functional.binary_cross_entropy_with_logits(chosen[:, 0] - chosen[:, 1], self.share)


def _share(share: float, count: int) -> int:
    return round(share * count)


def _by_length(rows: NDArray[np.int64], lengths: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Group rows by length; a group too small for a batch joins the next longer one."""
    groups, waiting = [], np.empty(0, dtype=rows.dtype)
    for length in np.unique(lengths):
        waiting = np.concatenate([waiting, rows[lengths == length]])
        if len(waiting) >= batch_size:
            groups.append(waiting)
            waiting = np.empty(0, dtype=rows.dtype)
    return [*groups, waiting] if len(waiting) else groups
