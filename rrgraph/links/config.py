"""The choices that define how a link model learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["TrainingConfig"]

from rrgraph.training import LoopConfig


@dataclass
class TrainingConfig(LoopConfig):
    """How a link model learns: the loop, with positive links as examples, and negative sampling.

    `learning_rate` is that of the decoder, `batch_size` counts positive links (128 in Retro-Rank-In table 9).

    Attributes:
        negatives: sampled negative links for each positive one (1 gives the balanced pairs of section 3.3).
        sampler: name of the negative sampler, one of `SAMPLERS`.
        sampler_options: its own keyword arguments.
        loss: name of the loss, one of `LOSSES`.
        loss_options: its own keyword arguments.
        encoder_learning_rate: of the encoder; 0 keeps it as it is, so that its embeddings are fixed features.
        hardness: how strongly the `hard` sampler prefers precursors similar to the recorded set.
        validation_targets: validation rows used at each epoch at most, drawn once; 0 uses all.
    """

    negatives: int = 1
    sampler: str = "uniform"
    sampler_options: dict[str, Any] = field(default_factory=dict)
    loss: str = "bce"
    loss_options: dict[str, Any] = field(default_factory=dict)
    encoder_learning_rate: float = 6.37e-5
    hardness: float = 5.0
    validation_targets: int = 500
