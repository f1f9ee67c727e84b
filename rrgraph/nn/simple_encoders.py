"""Encoders without attention: atomic fractions alone, and sums over elements that do not see each other.

They learn faster than the transformer and show what its attention contributes.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from rrgraph.chem import ELEMENTS
from rrgraph.graph import PADDING
from rrgraph.nn.config import EncoderConfig
from rrgraph.nn.encoder import FractionEmbedding, element_table
from rrgraph.nn.encoders import ENCODERS, Encoder

__all__ = ["DeepSetsEncoder", "FractionEncoder"]


class _ResidualEncoder(Encoder):
    """An encoder that ends in residual feed-forward layers, `blocks`, and a normalisation, `norm`."""

    blocks: nn.ModuleList
    norm: nn.LayerNorm

    def add_layers(self, config: EncoderConfig) -> None:
        """Add those layers, after what comes before them."""
        width = config.width
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(config.dropout))
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(width)

    def refine(self, states: Tensor) -> Tensor:
        """Return the embedding (n, width) that comes of first states (n, width)."""
        for block in self.blocks:
            states = states + block(states)
        embeddings: Tensor = self.norm(states)
        return embeddings

    def hidden_parameters(self) -> Iterable[nn.Parameter]:
        return self.blocks.parameters()


@ENCODERS.register("fractions")
class FractionEncoder(_ResidualEncoder):
    """Encode compositions by their atomic fractions alone, one input an element (Retro-Rank-In section 4.1).

    It learns about elements from the links alone, and serves as the ablation of `CompositionEncoder`.

    Args:
        config: width, layers and dropout.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.project = nn.Linear(len(ELEMENTS), config.width)
        self.add_layers(config)

    def forward(self, elements: Tensor, fractions: Tensor) -> Tensor:
        vectors = fractions.new_zeros(len(elements), len(ELEMENTS) + 1).scatter_add_(1, elements, fractions)
        return self.refine(self.project(vectors[:, 1:]))


@ENCODERS.register("deep_sets")
class DeepSetsEncoder(_ResidualEncoder):
    """Encode compositions by a sum over their elements, each seen for itself (Zaheer et al. 2017, eq. 4).

    Every element is described by its vector and its fraction. Summed once in proportion to the fractions, which the
    majority decides, and once alike, where a dopant counts as much.

    Args:
        config: width, layers, feedforward, dropout and element embedding.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        table = element_table(config.element_embedding)
        width, hidden = config.width, config.feedforward * config.width
        self.element: nn.Embedding = nn.Embedding.from_pretrained(table, freeze=False, padding_idx=PADDING)
        self.project = nn.Linear(table.shape[1], width)
        self.fraction = FractionEmbedding(width)
        self.describe = nn.Sequential(nn.GELU(), nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.pool = nn.Linear(2 * width, width)
        self.add_layers(config)

    def forward(self, elements: Tensor, fractions: Tensor) -> Tensor:
        # The table is small, so projecting it once costs less than projecting every element.
        described = self.describe(self.project(self.element.weight)[elements] + self.fraction(fractions))
        present = (elements > PADDING)[..., None]
        weighed = (fractions[..., None] * described).sum(dim=1)
        alike = (present * described).sum(dim=1)
        return self.refine(self.pool(torch.cat([weighed, alike], dim=-1)))
