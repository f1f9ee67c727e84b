"""The choices that define a link model; they travel with its weights."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ModelConfig"]


@dataclass
class ModelConfig:
    """Encoder and decoder of a link model.

    Attributes:
        width: dimension h of a material's embedding.
        layers: transformer encoder blocks (3 in Retro-Rank-In section 3.1).
        heads: attention heads (1 in Retro-Rank-In table 9).
        feedforward: hidden width of each block, as a multiple of `width`.
        dropout: dropout probability in the encoder blocks.
        decoder_dropout: dropout probability in the decoder.
        element_embedding: initial element embedding, `mat2vec` or `random`.
        decoder: name of the link decoder.
        decoder_layers: feed-forward layers of the decoder, each halving the width (3 in table 9).
        statistics: also give the decoder the link statistics of `rrgraph.graph.LinkStatistics`.
    """

    width: int = 128
    layers: int = 3
    heads: int = 1
    feedforward: int = 4
    dropout: float = 0.1
    decoder_dropout: float = 0.1
    element_embedding: str = "mat2vec"
    decoder: str = "concat"
    decoder_layers: int = 3
    statistics: bool = False
