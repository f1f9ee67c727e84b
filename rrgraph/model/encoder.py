"""The composition encoder of Retro-Rank-In section 3.1: one transformer for targets and precursors.

Element indices and atomic fractions flow in; the state of the [CPD] token flows out as the material's embedding.
"""

from __future__ import annotations

import math
from importlib.resources import as_file, files

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from rrgraph.chem import ELEMENTS
from rrgraph.errors import ConfigError, near_match
from rrgraph.graph import PADDING
from rrgraph.model.config import ModelConfig

__all__ = ["CompositionEncoder", "FractionEmbedding", "element_table"]

_RANDOM_DIMENSION = 200


class CompositionEncoder(nn.Module):
    """Encode compositions by self-attention over their elements (Retro-Rank-In eq. 2-4).

    The embedding does not depend on the order of the elements nor on padding.

    Args:
        config: width, layers, heads, feedforward, dropout and element embedding.
        table: (elements + 1, d) initial element embedding; read from the package by default.
    """

    def __init__(self, config: ModelConfig, *, table: Tensor | None = None) -> None:
        super().__init__()
        if config.width % config.heads or config.width % 4:
            raise ConfigError(f"model.width={config.width} must be a multiple of 4 and of model.heads={config.heads}.")
        table = element_table(config.element_embedding) if table is None else table
        self.element = nn.Embedding.from_pretrained(table.clone(), freeze=False, padding_idx=PADDING)
        self.project = nn.Linear(table.shape[1], config.width)
        self.fraction = FractionEmbedding(config.width)
        self.compound = nn.Parameter(torch.empty(config.width).normal_(std=config.width**-0.5))
        block = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            dim_feedforward=config.feedforward * config.width,
            dropout=config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.blocks = nn.TransformerEncoder(
            block, config.layers, norm=nn.LayerNorm(config.width), enable_nested_tensor=False
        )

    def forward(self, elements: Tensor, fractions: Tensor) -> Tensor:
        """Return the embedding of each composition.

        Args:
            elements: (n, k) int64, atomic numbers, 0 at padding.
            fractions: (n, k) float32, atomic fractions.

        Returns:
            (n, width).
        """
        return self.tokens(elements, fractions)[:, 0]

    def tokens(self, elements: Tensor, fractions: Tensor) -> Tensor:
        """Return the contextual states of [CPD] and of each element, (n, 1 + k, width)."""
        tokens = self.project(self.element(elements)) + self.fraction(fractions)
        compound = self.compound.expand(len(elements), 1, -1)
        padding = torch.cat([elements.new_zeros(len(elements), 1, dtype=torch.bool), elements == PADDING], dim=1)
        return self.blocks(torch.cat([compound, tokens], dim=1), src_key_padding_mask=padding)


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
    """Return the initial element embedding `name`, (elements + 1, d), with a zero row for padding.

    `mat2vec` are the word vectors of Tshitoyan et al. 2019 (d = 200); `random` is normal noise of the same scale.

    Raises:
        ConfigError: there is no such embedding.
    """
    if name == "random":
        table = 0.3 * torch.randn(len(ELEMENTS) + 1, _RANDOM_DIMENSION)
        table[PADDING] = 0
        return table
    if name == "mat2vec":
        with as_file(files("rrgraph.model") / "mat2vec.safetensors") as path:
            return load_file(path)["mat2vec"]
    known = ("mat2vec", "random")
    raise ConfigError(f"Unknown model.element_embedding '{name}', expected mat2vec or random.{near_match(name, known)}")
