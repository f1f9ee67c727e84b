"""The network of ElemwiseRetro: message passing between a target's elements predicts a template for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rrgraph.graph import PADDING
from rrgraph.nn import device_of, element_table
from rrgraph.training import LoopConfig, Task

__all__ = ["NO_TEMPLATE", "TemplateNetwork", "TemplateTask"]

NO_TEMPLATE = -100
"""Label of an element that is not a source element."""


class TemplateNetwork(nn.Module):
    """Message passing over the complete graph of a target's elements, weighted by their fractions.

    Like ElemwiseRetro it follows Roost (Goodall and Lee, Nature Communications 2020): soft attention over the
    neighbours of each element, then over all elements for the state of the target, which is concatenated to the state
    of each element.

    Args:
        possible: (elements + 2, templates), which templates an element has, bool.
        width: of the element states.
        layers: rounds of messages.
        dropout: probability before the output layer.
    """

    possible: Tensor

    def __init__(self, possible: Tensor, *, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        # An element without templates is never used; allowing all of them keeps its row free of NaN.
        self.register_buffer("possible", possible | ~possible.any(dim=1, keepdim=True))
        table = element_table("mat2vec")
        self.element: nn.Embedding = nn.Embedding.from_pretrained(table, freeze=True, padding_idx=PADDING)
        self.project = nn.Linear(table.shape[1] + 1, width)
        self.rounds = nn.ModuleList(_Attention(width, receivers=True) for _ in range(layers))
        self.pool = _Attention(width, receivers=False)
        self.norm = nn.LayerNorm(width)
        self.choose = nn.Sequential(
            nn.Linear(2 * width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, possible.shape[1]),
        )

    def forward(self, elements: Tensor, fractions: Tensor) -> Tensor:
        """Return the log probability of each template for each element, (n, k, templates).

        Args:
            elements: (n, k) atomic numbers, 0 at padding.
            fractions: (n, k) atomic fractions.
        """
        states = self.project(torch.cat([self.element(elements), fractions[..., None]], dim=-1))
        for messages in self.rounds:
            states = states + messages(states, fractions)
        whole = self.pool(states, fractions)[:, None].expand_as(states)
        logits = self.choose(torch.cat([self.norm(states), self.norm(whole)], dim=-1))
        chosen: Tensor = logits.masked_fill(~self.possible[elements], -torch.inf).log_softmax(dim=-1)
        return chosen


class _Attention(nn.Module):
    """Weighted soft attention pooling (Roost eq. 4-6): gates times powers of the fractions, normalised.

    Gates and values are networks with one hidden layer over each state and, if there is one, that of the receiver.

    Args:
        width: of the states.
        receivers: whether there is a pooled state for each element, or a single one for all elements.
    """

    def __init__(self, width: int, *, receivers: bool) -> None:
        super().__init__()
        self.sent = nn.Linear(width, 2 * width)
        self.received = nn.Linear(width, 2 * width, bias=False) if receivers else None
        self.gate = nn.Linear(width, 1)
        self.value = nn.Linear(width, width)
        self.power = nn.Parameter(torch.ones(()))

    def forward(self, states: Tensor, fractions: Tensor) -> Tensor:
        """Return the pooled states, (n, k, width) with receivers and (n, width) without.

        Args:
            states: (n, k, width).
            fractions: (n, k), 0 at padding.
        """
        hidden = self.sent(states)[:, None]
        if self.received is not None:
            hidden = hidden + self.received(states)[:, :, None]
        gates, values = nn.functional.gelu(hidden).chunk(2, dim=-1)
        logits = self.gate(gates)[..., 0] + self.power * fractions.clamp_min(1e-6).log()[:, None]
        weights = logits.masked_fill(fractions[:, None] == 0, -torch.inf).softmax(dim=-1)
        # The last layer of the values is linear, so it can be applied after the sum.
        pooled: Tensor = self.value((weights[..., None, :] @ values)[..., 0, :])
        return pooled if self.received is not None else pooled[:, 0]


class TemplateTask(Task):
    """Learn the template of each source element.

    Args:
        module: the network.
        elements: (targets, k) atomic numbers, 0 at padding.
        fractions: (targets, k).
        labels: (targets, k) indices of the templates, `NO_TEMPLATE` where an element has none.
        config: learning rate and batch size.
    """

    module: TemplateNetwork

    def __init__(
        self, module: TemplateNetwork, elements: Tensor, fractions: Tensor, labels: Tensor, config: LoopConfig
    ) -> None:
        self.module, self.device = module, device_of(module)
        self._examples = [each.to(self.device) for each in (elements, fractions, labels)]
        self.lengths = (elements != PADDING).sum(dim=1)
        self.learning_rate, self.batch_size = config.learning_rate, config.batch_size

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        return [{"params": [each for each in self.module.parameters() if each.requires_grad], "lr": self.learning_rate}]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        # Targets of similar length are in one batch, so that there is little padding.
        order = torch.randperm(len(self.lengths), generator=generator)
        batches = torch.split(order[self.lengths[order].argsort(stable=True)], self.batch_size)
        return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        used, rows = int(self.lengths[batch].max()), batch.to(self.device, non_blocking=True)
        elements, fractions, labels = (each[rows, :used] for each in self._examples)
        found = self.module(elements, fractions)
        return nn.functional.nll_loss(found.flatten(0, 1), labels.flatten(), ignore_index=NO_TEMPLATE)
