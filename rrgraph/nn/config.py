"""The settings that define a model; they are stored with its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from rrgraph.errors import ConfigError
from rrgraph.util.settings import setting

__all__ = ["CLASS_PRIOR", "NO_PRIOR", "TRANSFORMER", "EncoderConfig", "ModelConfig"]

TRANSFORMER: Final = "transformer"
"""The encoder that is pretrained."""
NO_PRIOR: Final = "none"
"""Candidates that no training reaction uses are taken as the decoders see them."""
CLASS_PRIOR: Final = "class"
"""Their links get an offset by class of candidate."""


@dataclass
class EncoderConfig:
    """The composition encoder.

    Attributes:
        width: dimension h of a material's embedding.
        layers: number of transformer encoder blocks (3 in Retro-Rank-In section 3.1).
        heads: number of attention heads (1 in Retro-Rank-In table 9).
        feedforward: hidden width of each block, as a multiple of `width`.
        dropout: dropout probability in the encoder blocks.
        element_embedding: initial element embedding.
        weigh_fractions: let attention and the [CPD] token weigh elements by their atomic fraction from the start; with
            false the fractions enter by their embedding alone, as in the paper.
    """

    width: int = setting(128, at_least=1, at_most=16_384)
    layers: int = setting(3, at_least=1, at_most=256)
    heads: int = setting(1, at_least=1, at_most=1024)
    feedforward: int = setting(4, at_least=1, at_most=64)
    dropout: float = setting(0.1, at_least=0, below=1)
    element_embedding: str = setting("mat2vec", choices=("mat2vec", "random"))
    weigh_fractions: bool = False


@dataclass
class ModelConfig(EncoderConfig):
    """Encoder and decoder of a link model.

    Attributes:
        encoder: name of the composition encoder.
        encoder_options: keyword arguments of the encoder.
        pretrained: a pretrained encoder, by bundled name or run folder; it brings its own width, layers, heads,
            feedforward, element embedding and weighing of fractions. Empty starts from random weights.
        decoder_dropout: dropout probability in the decoder.
        decoder: name of the link decoder.
        decoder_options: keyword arguments of the decoder.
        decoder_layers: number of feed-forward layers of the decoder, each halving the width (3 in table 9).
        statistics: also give the decoder the frequency features of a link, see `rrgraph.graph.FrequencyFeatures`.
        context: name of the message passing between encoder and decoder, see `rrgraph.links.CONTEXTS`; `none` is
            without.
        context_options: keyword arguments of the context.
        candidate_prior: what is added, fitted after training, to the logits of links to candidates that the training
            reactions never use: nothing (`none`), a constant for all of them (`unseen`), or one for each class of
            candidate (`class`, see `rrgraph.models.CandidatePrior`). The latter two need `statistics` and several
            decoders.
        n_decoders: number of decoders whose logits are averaged. Of several, each learns without its share of the
            element systems, which tells what the model thinks of targets it has not seen.
    """

    encoder: str = setting(TRANSFORMER, choices="rrgraph.nn:ENCODERS", options="encoder_options")
    encoder_options: dict[str, Any] = setting(factory=dict)
    pretrained: str = ""
    decoder_dropout: float = setting(0.1, at_least=0, below=1)
    decoder: str = setting("concat", choices="rrgraph.links:DECODERS", options="decoder_options")
    decoder_options: dict[str, Any] = setting(factory=dict)
    decoder_layers: int = setting(3, at_least=1, at_most=32)
    statistics: bool = False
    context: str = setting("none", choices="rrgraph.links:CONTEXTS", options="context_options")
    context_options: dict[str, Any] = setting(factory=dict)
    candidate_prior: str = setting(NO_PRIOR, choices=(NO_PRIOR, "unseen", CLASS_PRIOR))
    n_decoders: int = setting(1, at_least=1, at_most=256, alias="members")

    def cross_check(self, prefix: str) -> None:
        """Refuse a pretrained encoder of another kind than the one that is pretrained, by a `ConfigError`.

        Refuse also a prior of candidates without what it is fitted with.
        """
        if self.pretrained and self.encoder != TRANSFORMER:
            raise ConfigError(f"{prefix}pretrained needs {prefix}encoder={TRANSFORMER}, not {self.encoder}.")
        if self.candidate_prior != NO_PRIOR and (self.n_decoders < 2 or not self.statistics):
            raise ConfigError(
                f"{prefix}candidate_prior={self.candidate_prior} needs {prefix}statistics=true and {prefix}n_decoders "
                "of at least 2."
            )
