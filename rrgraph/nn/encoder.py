"""The composition encoder of Retro-Rank-In section 3.1: one transformer for targets and precursors.

The embedding of a material is the state of the [CPD] token before its elements.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from rrgraph.chem import ELEMENTS, element_vectors
from rrgraph.errors import ConfigError, suggestion
from rrgraph.graph import PADDING
from rrgraph.nn.config import TRANSFORMER, EncoderConfig
from rrgraph.nn.encoders import ENCODERS, Encoder

__all__ = ["MASK", "CompositionEncoder", "FractionEmbedding", "element_table"]

MASK = len(ELEMENTS) + 1
"""Index of the element that stands for a hidden one in masked element modelling."""

_RANDOM_DIMENSION = 200


@ENCODERS.register(TRANSFORMER)
class CompositionEncoder(Encoder):
    """Encode compositions by self-attention over their elements (Retro-Rank-In eq. 2-4).

    The embedding does not depend on the order of the elements nor on padding.

    Args:
        config: width, layers, heads, feedforward, dropout, element embedding and weighing of fractions.
        table: (elements + 2, d) initial element embedding; read from the package by default.
    """

    def __init__(self, config: EncoderConfig, *, table: Tensor | None = None) -> None:
        super().__init__(config)
        if config.width % config.heads or config.width % 4:
            raise ConfigError(f"model.width={config.width} must be a multiple of 4 and of model.heads={config.heads}.")
        table = element_table(config.element_embedding) if table is None else table
        self.element: nn.Embedding = nn.Embedding.from_pretrained(table.clone(), freeze=False, padding_idx=PADDING)
        self.project = nn.Linear(table.shape[1], config.width)
        self.fraction = FractionEmbedding(config.width)
        self.compound = nn.Parameter(torch.empty(config.width).normal_(std=config.width**-0.5))
        self.mean = nn.Linear(config.width, config.width, bias=False) if config.weigh_fractions else None
        self.blocks = nn.ModuleList(EncoderBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, elements: Tensor, fractions: Tensor) -> Tensor:
        """Return the embedding (n, width) of each composition; an element that is `MASK` is a hidden one."""
        return self.tokens(elements, fractions)[:, 0]

    def hidden_parameters(self) -> Iterable[nn.Parameter]:
        return self.blocks.parameters()

    def tokens(self, elements: Tensor, fractions: Tensor) -> Tensor:
        """Return the contextual states of [CPD] and of each element, (n, 1 + k, width)."""
        # The table is small, so projecting it once costs less than projecting every token.
        tokens = self.project(self.element.weight)[elements] + self.fraction(fractions)
        compound = self.compound.expand(len(elements), 1, -1)
        if self.mean is not None:
            compound = compound + self.mean((fractions[..., None] * tokens).sum(dim=1, keepdim=True))
        states = torch.cat([compound.to(tokens.dtype), tokens], dim=1)
        padding = elements == PADDING
        # Batches of one length have no padding, and attention without a mask is faster; a GPU would have to be asked.
        asked = elements.device.type == "cpu" and not torch.compiler.is_compiling()
        hidden = None if asked and not bool(padding.any()) else nn.functional.pad(padding, (1, 0))
        weights = nn.functional.pad(fractions, (1, 0), value=1.0).clamp_min(FractionEmbedding.smallest).log()
        for block in self.blocks:
            states = block(states, weights, hidden)
        embeddings: Tensor = self.norm(states)
        return embeddings


class EncoderBlock(nn.Module):
    """A transformer encoder block with normalisation first (Vaswani et al. 2017; Xiong et al. 2020).

    Args:
        config: of the encoder.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width, self.heads, self.dropout = config.width, config.heads, config.dropout
        self.attention_norm = nn.LayerNorm(width)
        self.attention_in = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        # Heads start between attending to elements alike (0) and in proportion to their amount (1).
        slope = torch.linspace(0, 1, config.heads + 1)[1:] if config.weigh_fractions else None
        self.slope = None if slope is None else nn.Parameter(slope)
        self.feedforward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, config.feedforward * width),
            nn.GELU(),
            nn.Linear(config.feedforward * width, width),
        )

    def forward(self, states: Tensor, weights: Tensor, hidden: Tensor | None) -> Tensor:
        """Return the states (n, t, width) after one block.

        Args:
            states: (n, t, width).
            weights: (n, t), logarithms of the atomic fractions, 0 for [CPD].
            hidden: (n, t), True at padding; None when there is none.
        """
        n, t, width = states.shape
        projected = self.attention_in(self.attention_norm(states)).view(n, t, 3, self.heads, width // self.heads)
        queries, keys, values = projected.permute(2, 0, 3, 1, 4)
        attended = _attend(queries, keys, values, self._bias(weights, hidden))
        states = states + self._drop(self.attention_out(attended.transpose(1, 2).reshape(n, t, width)))
        return states + self._drop(self.feedforward(states))

    def _bias(self, weights: Tensor, hidden: Tensor | None) -> Tensor | None:
        """Return what is added to the attention logits, (n, heads or 1, 1, t)."""
        bias = None if self.slope is None else weights[:, None, None, :] * self.slope[:, None, None]
        if hidden is None:
            return bias
        barred = torch.zeros_like(weights).masked_fill(hidden, -math.inf)[:, None, None, :]
        return barred if bias is None else bias + barred

    def _drop(self, states: Tensor) -> Tensor:
        return nn.functional.dropout(states, self.dropout, self.training)


def _attend(queries: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
    """Return attention over sequences of a few elements, (n, heads, t, d)."""
    if bias is not None:
        n, heads, t, _ = queries.shape
        bias = bias.to(queries.dtype).expand(n, heads, t, t)
    return nn.functional.scaled_dot_product_attention(queries, keys, values, attn_mask=bias)


class FractionEmbedding(nn.Module):
    """Sinusoidal embedding of atomic fractions, half of it on a linear and half on a logarithmic scale.

    After the fractional encoder of CrabNet (Wang et al. 2021), which Retro-Rank-In adopts, but continuous:
    dopants of 0.1 % and majority elements both keep their resolution.

    Args:
        width: dimension of the embedding, a multiple of 4.
    """

    smallest = 1e-4
    """The atomic fraction at the lower end of the logarithmic scale."""

    frequency: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("frequency", torch.logspace(0, 3, width // 4) * math.pi / 2, persistent=False)
        self.scale = nn.Parameter(torch.full((2,), 0.5))

    def forward(self, fractions: Tensor) -> Tensor:
        """Return the embedding (..., width) of fractions (...)."""
        logarithmic = 1 - fractions.clamp(min=self.smallest).log() / math.log(self.smallest)
        halves = []
        for scale, position in zip(self.scale, (fractions, logarithmic), strict=True):
            angle = position[..., None] * self.frequency
            halves.append(scale * torch.cat([angle.sin(), angle.cos()], dim=-1))
        return torch.cat(halves, dim=-1)


def element_table(name: str) -> Tensor:
    """Return the initial element embedding `name`, (elements + 2, d), with zero rows for padding and `MASK`.

    `mat2vec` are the word vectors of Tshitoyan et al. 2019 (d = 200); `random` is normal noise of the same scale.

    Raises:
        ConfigError: there is no such embedding.
    """
    if name == "random":
        table = 0.3 * torch.randn(len(ELEMENTS) + 2, _RANDOM_DIMENSION)
        table[[PADDING, MASK]] = 0
        return table
    if name == "mat2vec":
        return nn.functional.pad(torch.tensor(element_vectors()), (0, 0, 1, 1))
    known = ("mat2vec", "random")
    raise ConfigError(f"Unknown model.element_embedding '{name}', expected mat2vec or random.{suggestion(name, known)}")
