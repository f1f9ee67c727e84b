"""Networks that predict temperature and dwell time together, beside the trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rrgraph.conditions.features import UNKNOWN
from rrgraph.training import LoopConfig, Task, train
from rrgraph.util.settings import setting

__all__ = ["ValueNetworks", "ValueNetworksConfig", "fit_networks"]

_FAR = 5.0  # standard deviations, to which features are clamped
_BATCH_SIZE = 4096  # rows that are predicted together


@dataclass
class ValueNetworksConfig(LoopConfig):
    """Networks that predict values: the training loop, with rows as examples.

    Attributes:
        n_networks: number of networks whose mean is their prediction.
        width: width of the hidden layers; the last of three has half of it.
        dropout: dropout probability in the hidden layers.
        share: of the networks in a prediction, the rest is that of the trees; 0 trains none.
    """

    epochs: int = setting(12, at_least=1)
    patience: int = setting(0, at_least=0)
    batch_size: int = setting(512, at_least=1)
    learning_rate: float = setting(2e-3, at_least=0, at_most=10)
    schedule: str = setting("cosine", choices=("constant", "cosine"))
    warmup: float = setting(0.1, at_least=0, at_most=1)
    n_networks: int = setting(2, at_least=1, at_most=256)
    width: int = setting(256, at_least=2, at_most=16_384)
    dropout: float = setting(0.3, at_least=0, below=1)
    share: float = setting(0.5, at_least=0, at_most=1)


class ValueNetworks(nn.Module):
    """Several networks of three hidden layers, each with an output for every quantity.

    Args:
        columns: number of features.
        quantities: number of outputs.
        n_networks: as in `ValueNetworksConfig`, like the others.
        width: of the first two layers.
        share: of the networks in a prediction.
        dropout: in training.

    Attributes:
        share: the same.
        options: all of these but the dropout, which is for training alone.
    """

    column_shift: Tensor
    column_scale: Tensor
    value_shift: Tensor
    value_scale: Tensor

    def __init__(
        self, columns: int, quantities: int, *, n_networks: int, width: int, share: float, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.share = share
        self.options = {
            "columns": columns,
            "quantities": quantities,
            "n_networks": n_networks,
            "width": width,
            "share": share,
        }
        self.networks = nn.ModuleList(
            nn.Sequential(
                *_hidden(columns, width, dropout),
                *_hidden(width, width, dropout),
                *_hidden(width, width // 2, 0.0),
                nn.Linear(width // 2, quantities),
            )
            for _ in range(n_networks)
        )
        for name, length in (("column", columns), ("value", quantities)):
            self.register_buffer(f"{name}_shift", torch.zeros(length))
            self.register_buffer(f"{name}_scale", torch.ones(length))

    def tensors(self) -> dict[str, Tensor]:
        """Return what is kept: weights in 16 bits, scales of features and values in 32."""
        return {
            name: each.half() if name.startswith("networks.") else each.float()
            for name, each in self.state_dict().items()
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], **options: Any) -> Self:
        """Return the networks of which `tensors` and `options` were kept, ready to predict.

        They compute in double precision, so that rounded values do not depend on the size of a batch.
        """
        module = cls(**options).double().eval()
        module.load_state_dict(tensors)
        return module

    def standardise(self, columns: NDArray[np.float32], values: NDArray[np.float64]) -> None:
        """Scale features and values to mean 0 and deviation 1 over these rows, as far as they are known."""
        for name, table in (("column", np.where(columns == UNKNOWN, np.nan, columns)), ("value", values)):
            known = np.isfinite(table)
            count = np.maximum(known.sum(axis=0), 1)
            shift = np.where(known, table, 0.0).sum(axis=0) / count
            scale = np.sqrt((np.where(known, table - shift, 0.0) ** 2).sum(axis=0) / count)
            getattr(self, f"{name}_shift").copy_(torch.from_numpy(shift))
            getattr(self, f"{name}_scale").copy_(torch.from_numpy(np.where(scale > 1e-6, scale, 1.0)))

    def scaled(self, columns: Tensor) -> Tensor:
        """Return features (n, columns) as the networks read them: what is not known has the mean of the others."""
        scaled = ((columns - self.column_shift) / self.column_scale).clamp(-_FAR, _FAR)
        return torch.where(columns == UNKNOWN, 0.0, scaled)

    def each(self, scaled: Tensor) -> Tensor:
        """Return the scaled values (networks, n, quantities) by each network."""
        return torch.stack([network(scaled) for network in self.networks])

    @torch.inference_mode()
    def forward(self, columns: Tensor) -> Tensor:
        """Return the mean values (n, quantities) for features (n, columns), in the units of what was learned."""
        found = [
            self.each(self.scaled(rows.to(self.value_shift))).mean(0) for rows in torch.split(columns, _BATCH_SIZE)
        ]
        scaled = torch.cat([self.value_shift.new_zeros(0, len(self.value_shift)), *found])
        return (scaled * self.value_scale + self.value_shift).float()


def _hidden(columns: int, width: int, dropout: float) -> list[nn.Module]:
    return [nn.Linear(columns, width), nn.GELU(), nn.Dropout(dropout)]


class _ValueTask(Task):
    """Learn the values of rows with the least absolute error, each quantity where it is recorded."""

    module: ValueNetworks

    def __init__(
        self,
        module: ValueNetworks,
        columns: NDArray[np.float32],
        values: NDArray[np.float64],
        weight: NDArray[np.float64],
        config: ValueNetworksConfig,
    ) -> None:
        self.module, self.config = module, config
        module.standardise(columns, values)
        self.columns = module.scaled(torch.from_numpy(columns))
        recorded = torch.from_numpy(np.isfinite(values))
        scaled = (torch.from_numpy(np.nan_to_num(values)).float() - module.value_shift) / module.value_scale
        self.values = torch.where(recorded, scaled, 0.0)
        self.weight = recorded * torch.from_numpy(weight / weight.mean()).float()[:, None]

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        return [{"params": list(self.module.parameters()), "lr": self.config.learning_rate}]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        return torch.split(torch.randperm(len(self.columns), generator=generator), self.config.batch_size)

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        errors = (self.module.each(self.columns[batch]) - self.values[batch]).abs() * self.weight[batch]
        return errors.mean(dim=1).sum()


def fit_networks(
    columns: NDArray[np.float32],
    values: NDArray[np.float64],
    weight: NDArray[np.float64],
    config: ValueNetworksConfig,
    *,
    seed: int,
) -> ValueNetworks:
    """Return networks that predict values, as they are when they have been kept and read again.

    Args:
        columns: (rows, columns) features.
        values: (rows, quantities), NaN where not recorded.
        weight: (rows,) positive.
        config: number and size of the networks, and how they are trained.
        seed: of initial weights, order and dropout.
    """
    torch.manual_seed(seed)
    module = ValueNetworks(
        columns.shape[1],
        values.shape[1],
        n_networks=config.n_networks,
        width=config.width,
        share=config.share,
        dropout=config.dropout,
    )
    train(_ValueTask(module, columns, values, weight, config), config, seed=seed)
    return ValueNetworks.from_tensors(module.tensors(), **module.options)
