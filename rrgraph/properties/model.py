"""The composition encoder with the heads of multi-task pretraining (Retro-Rank-In section 3.1, appendix C.1).

There are heads for standardised properties and their expected errors, for classes, and for hidden elements and
fractions.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rrgraph.chem import ELEMENTS
from rrgraph.nn import CompositionEncoder, EncoderConfig
from rrgraph.properties.scaling import TargetScale
from rrgraph.properties.tables.tasks import PropertyTask

__all__ = ["PropertyModel", "PropertyOutput", "pool_fractions"]


@dataclass(frozen=True)
class PropertyOutput:
    """The output of the heads for n compositions.

    Attributes:
        values: (n, regression tasks), standardised.
        log_errors: (n, regression tasks), logarithm of the expected absolute error of `values`.
        logits: of each classification task, (n, classes).
    """

    values: Tensor
    log_errors: Tensor
    logits: tuple[Tensor, ...]


class PropertyModel(nn.Module):
    """One encoder and a head for each task, all from the state of the [CPD] token.

    Args:
        config: of the encoder.
        tasks: what is predicted.
        scale: standardisation of the regression tasks; neutral by default.
    """

    center: Tensor
    scale: Tensor
    spread: Tensor

    def __init__(
        self, config: EncoderConfig, tasks: Sequence[PropertyTask], *, scale: TargetScale | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.tasks = tuple(tasks)
        self.regression = tuple(task for task in tasks if task.kind == "regression")
        self.classes = tuple(task for task in tasks if task.kind == "classification")
        self.encoder = CompositionEncoder(config)
        width, hidden = config.width, 2 * config.width
        self.trunk = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU())
        self.values = _head(hidden, len(self.regression))
        self.errors = nn.Sequential(nn.Linear(hidden, 128), nn.GELU(), _head(128, len(self.regression)))
        self.logits = _head(hidden, sum(task.classes for task in self.classes))
        self.hidden_element = nn.Linear(width, len(ELEMENTS) + 1)
        self.hidden_fraction = nn.Linear(width, 1)
        count = len(self.regression)
        self.register_buffer("center", torch.zeros(count, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(count, dtype=torch.float64))
        self.register_buffer("spread", torch.ones(count, dtype=torch.float64))
        if scale is not None:
            self.center.copy_(torch.from_numpy(scale.center))
            self.scale.copy_(torch.from_numpy(scale.scale))

    def forward(self, elements: Tensor, fractions: Tensor) -> PropertyOutput:
        """Return the heads' output for compositions (n, k)."""
        return self.heads(self.encoder(elements, fractions))

    def heads(self, embeddings: Tensor) -> PropertyOutput:
        """Return the heads' output for embeddings (n, width).

        The error head has no gradient with respect to the trunk.
        """
        hidden = self.trunk(embeddings)
        sizes = [task.classes for task in self.classes]
        return PropertyOutput(
            self.values(hidden), self.errors(hidden.detach()), self.logits(hidden).split(sizes, dim=-1)
        )

    @property
    def target_scale(self) -> TargetScale:
        """The standardisation of the regression tasks."""
        return TargetScale(self.regression, self.center.cpu().numpy(), self.scale.cpu().numpy())

    def set_spread(self, spread: np.ndarray) -> None:
        """Set the factor (regression tasks,) from expected absolute errors to standard deviations."""
        self.spread.copy_(torch.from_numpy(np.asarray(spread, dtype=np.float64)))


def pool_fractions(fractions: Tensor, slots: Tensor) -> Tensor:
    """Return fractions (n, k) in which each of the two slots (n, 2) of a row is half of their sum."""
    half = fractions.gather(1, slots).mean(dim=1, keepdim=True)
    return fractions.scatter(1, slots, half.expand(-1, 2))


def _head(inputs: int, outputs: int) -> nn.Linear:
    with warnings.catch_warnings():
        # Without tasks of one kind, its head has no outputs.
        warnings.filterwarnings("ignore", message="Initializing zero-element tensors")
        return nn.Linear(inputs, outputs)
