"""The link model: a composition encoder and link decoders as one module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rrgraph.errors import ConfigError
from rrgraph.graph import FREQUENCY_FEATURES
from rrgraph.links.decoders import DECODERS
from rrgraph.nn import ENCODERS, ModelConfig

__all__ = ["LinkModel"]


class LinkModel(nn.Module):
    """One composition encoder for both sides, and link decoders whose logits are averaged.

    Args:
        config: every choice, recorded with the weights.

    Raises:
        ConfigError: fewer than one decoder, or encoder or decoder are unknown.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        if config.n_decoders < 1:
            raise ConfigError(f"model.n_decoders={config.n_decoders} must be at least 1.")
        self.config = config
        self.encoder = ENCODERS[config.encoder](config, **config.encoder_options)
        statistics = len(FREQUENCY_FEATURES) if config.statistics else 0
        decoder = DECODERS[config.decoder]
        self.decoders = nn.ModuleList(
            decoder(config, statistics=statistics, **config.decoder_options) for _ in range(config.n_decoders)
        )
        self.register_buffer("shift", torch.zeros(statistics))
        self.register_buffer("scale", torch.ones(statistics))

    def standardise(self, statistics: Tensor) -> None:
        """Scale link features to mean 0 and standard deviation 1 over these links (n, statistics) from now on."""
        self.shift.copy_(statistics.mean(0))
        self.scale.copy_(statistics.std(0, correction=0).clamp_min(1e-3))

    def encode(self, elements: Tensor, fractions: Tensor) -> Tensor:
        """Return the embeddings (n, width) of compositions (n, k)."""
        embeddings: Tensor = self.encoder(elements, fractions)
        return embeddings

    def forward(self, targets: Tensor, precursors: Tensor, statistics: Tensor | None = None) -> Tensor:
        """Return the logits (pairs,) of links between embeddings (pairs, width), averaged over the decoders."""
        return self.member_logits(targets, precursors, statistics).mean(0)

    def member_logits(self, targets: Tensor, precursors: Tensor, statistics: Tensor | None = None) -> Tensor:
        """Return the logits (decoders, pairs) of each decoder."""
        if statistics is not None:
            statistics = (statistics - self.shift) / self.scale
        return torch.stack([decoder(targets, precursors, statistics) for decoder in self.decoders])
