"""The choices that define a model; they travel with its weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["TRANSFORMER", "EncoderConfig", "ModelConfig"]

TRANSFORMER: Final = "transformer"
"""The encoder that is pretrained."""


@dataclass
class EncoderConfig:
    """The composition encoder.

    Attributes:
        width: dimension h of a material's embedding.
        layers: transformer encoder blocks (3 in Retro-Rank-In section 3.1).
        heads: attention heads (1 in Retro-Rank-In table 9).
        feedforward: hidden width of each block, as a multiple of `width`.
        dropout: dropout probability in the encoder blocks.
        element_embedding: initial element embedding, `mat2vec` or `random`.
        weigh_fractions: let attention and the [CPD] token weigh elements by their atomic fraction from the start; with
            False the fractions enter by their embedding alone, as in the paper.
    """

    width: int = 128
    layers: int = 3
    heads: int = 1
    feedforward: int = 4
    dropout: float = 0.1
    element_embedding: str = "mat2vec"
    weigh_fractions: bool = False


@dataclass
class ModelConfig(EncoderConfig):
    """Encoder and decoder of a link model.

    Attributes:
        encoder: name of the composition encoder, one of `ENCODERS`.
        encoder_options: its own keyword arguments.
        pretrained: a pretrained encoder, by bundled name or run folder; it brings its own width, layers, heads,
            feedforward, element embedding and weighing of fractions. Empty starts from random weights.
        decoder_dropout: dropout probability in the decoder.
        decoder: name of the link decoder, one of `DECODERS`.
        decoder_options: its own keyword arguments.
        decoder_layers: feed-forward layers of the decoder, each halving the width (3 in table 9).
        statistics: also give the decoder the link statistics of `rrgraph.graph.FrequencyFeatures`.
        members: decoders whose log-odds are averaged. Of several, each learns without its share of the element
            systems, which tells what the model thinks of targets it has not seen.
    """

    encoder: str = TRANSFORMER
    encoder_options: dict[str, Any] = field(default_factory=dict)
    pretrained: str = ""
    decoder_dropout: float = 0.1
    decoder: str = "concat"
    decoder_options: dict[str, Any] = field(default_factory=dict)
    decoder_layers: int = 3
    statistics: bool = False
    members: int = 1
