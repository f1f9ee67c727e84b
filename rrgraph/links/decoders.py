"""Link decoders: they give the logit of a link from the embeddings of its target and precursor.

All decoders share one interface, so that Retro-Rank-In table 5 is a change of one word in a configuration.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from rrgraph.errors import ConfigError
from rrgraph.nn import ModelConfig, widest_float
from rrgraph.util.registry import Registry

__all__ = ["DECODERS", "LinkDecoder", "halving_mlp"]


class LinkDecoder(nn.Module, ABC):
    """Score pairs of embeddings.

    Further keyword arguments of a decoder are options, which `model.decoder_options` sets.

    Args:
        config: width, heads, feedforward, decoder_layers and decoder_dropout.
        statistics: number of link features given with each pair, 0 for none.
    """

    def __init__(self, config: ModelConfig, *, statistics: int = 0) -> None:
        super().__init__()
        self.width = config.width
        self.statistics = statistics

    @abstractmethod
    def forward(self, targets: Tensor, precursors: Tensor, statistics: Tensor | None = None) -> Tensor:
        """Return the logit of each link.

        Args:
            targets: (pairs, width).
            precursors: (pairs, width).
            statistics: (pairs, statistics), required when the decoder was built for them.

        Returns:
            (pairs,).
        """

    def of_targets(self, targets: Tensor) -> Tensor:
        """Return what `of_pairs` needs of targets (n, width): what can be computed once for all links of a target."""
        return targets

    def of_precursors(self, precursors: Tensor) -> Tensor:
        """Return what `of_pairs` needs of precursors (n, width)."""
        return precursors

    def of_pairs(self, targets: Tensor, precursors: Tensor, statistics: Tensor | None = None) -> Tensor:
        """Return the logits of links as `forward`, rounding aside, given what the methods above returned.

        It may change its first argument.
        """
        logits: Tensor = self(targets, precursors, statistics)
        return logits


DECODERS: Registry[type[LinkDecoder]] = Registry(
    "link decoder", group="rrgraph.decoders", bases=(LinkDecoder,), given=("config", "statistics")
)
"""Link decoders by the name that `model.decoder` of a configuration takes."""


def halving_mlp(inputs: int, width: int, layers: int, *, dropout: float = 0.0) -> nn.Sequential:
    """Return `layers` linear layers from `inputs` over `width`, `width` / 2, ... to one output.

    Raises:
        ConfigError: fewer than one layer, or so many that the width vanishes.
    """
    if layers < 1 or width >> max(layers - 2, 0) < 1:
        raise ConfigError(f"model.decoder_layers={layers} does not fit model.width={width}.")
    modules: list[nn.Module] = []
    for depth in range(layers - 1):
        outputs = width >> depth
        modules += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
        inputs = outputs
    return nn.Sequential(*modules, nn.Linear(inputs, 1))


class _PooledDecoder(LinkDecoder):
    """Pool the two embeddings into one vector, then a feed-forward network that halves its width."""

    pooled_width = 1
    """Width of the pooled vector, in units of the embedding width."""

    def __init__(self, config: ModelConfig, *, statistics: int = 0) -> None:
        super().__init__(config, statistics=statistics)
        inputs = self.pooled_width * config.width + statistics
        self.network = halving_mlp(inputs, config.width, config.decoder_layers, dropout=config.decoder_dropout)

    @abstractmethod
    def pool(self, targets: Tensor, precursors: Tensor) -> Tensor:
        """Return (pairs, pooled_width * width)."""

    def forward(self, targets: Tensor, precursors: Tensor, statistics: Tensor | None = None) -> Tensor:
        pooled = self.pool(targets, precursors)
        if statistics is not None:
            pooled = torch.cat([pooled, statistics], dim=-1)
        logits: Tensor = self.network(pooled)
        return logits.squeeze(-1)


@DECODERS.register("concat")
class ConcatDecoder(_PooledDecoder):
    """Concatenate the embeddings (the ranker of Retro-Rank-In section 3.2)."""

    pooled_width = 2

    def pool(self, targets: Tensor, precursors: Tensor) -> Tensor:
        return torch.cat([targets, precursors], dim=-1)

    def of_targets(self, targets: Tensor) -> Tensor:
        return self._first_layer(targets, 0)

    def of_precursors(self, precursors: Tensor) -> Tensor:
        return self._first_layer(precursors, 1)

    def of_pairs(self, targets: Tensor, precursors: Tensor, statistics: Tensor | None = None) -> Tensor:
        hidden = targets.add_(precursors).add_(self._first.bias)
        if statistics is not None:
            hidden += linear(statistics, self._first.weight[:, 2 * self.width :])
        logits: Tensor = self.network[1:](hidden)
        return logits.squeeze(-1)

    @property
    def _first(self) -> nn.Linear:
        return cast(nn.Linear, self.network[0])

    def _first_layer(self, side: Tensor, place: int) -> Tensor:
        """Return what one side adds to the first layer; in evaluation mode to the same digits in any batch.

        See `exact_product`.
        """
        weight = self._first.weight[:, place * self.width : (place + 1) * self.width]
        if self.training:
            return linear(side, weight)
        wide = widest_float(side.device)
        return linear(side.to(wide), weight.to(wide)).float()


@DECODERS.register("add")
class AddDecoder(_PooledDecoder):
    """Add the embeddings."""

    def pool(self, targets: Tensor, precursors: Tensor) -> Tensor:
        return targets + precursors


@DECODERS.register("mean")
class MeanDecoder(_PooledDecoder):
    """Average the embeddings."""

    def pool(self, targets: Tensor, precursors: Tensor) -> Tensor:
        return (targets + precursors) / 2


class _SequenceDecoder(_PooledDecoder):
    """Contextualise the two embeddings as a sequence of two tokens, distinguished by a learned role, and average."""

    def __init__(self, config: ModelConfig, *, statistics: int = 0) -> None:
        super().__init__(config, statistics=statistics)
        self.role = nn.Parameter(torch.empty(2, config.width).normal_(std=0.02))

    @abstractmethod
    def contextualise(self, pair: Tensor) -> Tensor:
        """Return the contextual states (pairs, 2, width) of (pairs, 2, width)."""

    def pool(self, targets: Tensor, precursors: Tensor) -> Tensor:
        return self.contextualise(torch.stack([targets, precursors], dim=1) + self.role).mean(dim=1)


@DECODERS.register("self_attention")
class SelfAttentionDecoder(_SequenceDecoder):
    """One self-attention layer over the pair."""

    def __init__(self, config: ModelConfig, *, statistics: int = 0) -> None:
        super().__init__(config, statistics=statistics)
        self.attention = nn.MultiheadAttention(
            config.width, config.heads, dropout=config.decoder_dropout, batch_first=True
        )

    def contextualise(self, pair: Tensor) -> Tensor:
        states: Tensor = self.attention(pair, pair, pair, need_weights=False)[0]
        return states


@DECODERS.register("transformer")
class TransformerDecoder(_SequenceDecoder):
    """One transformer encoder block over the pair."""

    def __init__(self, config: ModelConfig, *, statistics: int = 0) -> None:
        super().__init__(config, statistics=statistics)
        self.block = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            dim_feedforward=config.feedforward * config.width,
            dropout=config.decoder_dropout,
            batch_first=True,
            norm_first=True,
        )

    def contextualise(self, pair: Tensor) -> Tensor:
        states: Tensor = self.block(pair)
        return states


class _BilinearForm(LinkDecoder):
    """A form that is linear in each embedding, plus a linear term of the statistics."""

    def __init__(self, config: ModelConfig, *, statistics: int = 0) -> None:
        super().__init__(config, statistics=statistics)
        self.bias = nn.Parameter(torch.zeros(1))
        self.weigh = nn.Linear(statistics, 1, bias=False) if statistics else None

    @abstractmethod
    def form(self, targets: Tensor, precursors: Tensor) -> Tensor:
        """Return (pairs,)."""

    def forward(self, targets: Tensor, precursors: Tensor, statistics: Tensor | None = None) -> Tensor:
        logits: Tensor = self.form(targets, precursors) + self.bias
        return logits if self.weigh is None else logits + self.weigh(statistics).squeeze(-1)


@DECODERS.register("dot")
class DotDecoder(_BilinearForm):
    """Dot product, scaled by the square root of the width."""

    def form(self, targets: Tensor, precursors: Tensor) -> Tensor:
        return (targets * precursors).sum(-1) / math.sqrt(self.width)


@DECODERS.register("bilinear")
class BilinearDecoder(_BilinearForm):
    """Bilinear form t W p, which need not be symmetric."""

    def __init__(self, config: ModelConfig, *, statistics: int = 0) -> None:
        super().__init__(config, statistics=statistics)
        self.weight = nn.Parameter(torch.empty(config.width, config.width).normal_(std=1 / config.width))

    def form(self, targets: Tensor, precursors: Tensor) -> Tensor:
        return ((targets @ self.weight) * precursors).sum(-1)
