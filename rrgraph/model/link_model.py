"""Encoder and decoder as one module: compositions and pairs flow in, log-odds of links flow out."""

from __future__ import annotations

from torch import Tensor, nn

from rrgraph.graph import STATISTICS
from rrgraph.model.config import ModelConfig
from rrgraph.model.decoders import DECODERS
from rrgraph.model.encoder import CompositionEncoder

__all__ = ["LinkModel"]


class LinkModel(nn.Module):
    """One composition encoder for both sides and a link decoder.

    Args:
        config: every choice, recorded with the weights.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = CompositionEncoder(config)
        self.decoder = DECODERS[config.decoder](config, statistics=len(STATISTICS) if config.statistics else 0)

    def encode(self, elements: Tensor, fractions: Tensor) -> Tensor:
        """Return the embeddings (n, width) of compositions (n, k)."""
        return self.encoder(elements, fractions)

    def forward(self, targets: Tensor, precursors: Tensor, statistics: Tensor | None = None) -> Tensor:
        """Return the log-odds (pairs,) of links between embeddings (pairs, width)."""
        return self.decoder(targets, precursors, statistics)
