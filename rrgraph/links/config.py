"""The settings of a link model's training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rrgraph.training import LOSSES, LoopConfig
from rrgraph.util.settings import setting

__all__ = ["TrainingConfig"]


@dataclass
class TrainingConfig(LoopConfig):
    """How a link model learns: the loop, with positive links as examples, and negative sampling.

    `learning_rate` is that of the decoder, `batch_size` counts positive links (128 in Retro-Rank-In table 9).

    Attributes:
        monitor: metric on validation rows that chooses the best epoch, also with another number, such as `map_7`.
        negatives_per_positive: sampled negative links for each positive one (1 gives the balanced pairs of section
            3.3).
        sampler: name of the negative sampler.
        sampler_options: keyword arguments of the sampler.
        loss: name of the loss.
        loss_options: keyword arguments of the loss.
        encoder_learning_rate: learning rate of the encoder; 0 keeps it as it is, so that its embeddings are fixed
            features.
        inverse_temperature: how strongly the `hard` sampler prefers precursors similar to the recorded set.
        validation_targets: largest number of validation rows used at each epoch, drawn once; 0 uses all.
        device: where link model and re-ranker are trained and measured: `auto` takes a CUDA GPU when there is one; or
            `cpu`, `cuda`, `cuda:1` or `mps`.
        compile: compile encoder and decoders with `torch.compile`, which pays for long trainings and needs a compiler.
    """

    monitor: str = setting("top_1", choices="rrgraph.metrics:METRIC_NAMES")
    negatives_per_positive: int = setting(1, at_least=1, at_most=10_000, alias="negatives")
    sampler: str = setting("uniform", choices="rrgraph.links:SAMPLERS", options="sampler_options")
    sampler_options: dict[str, Any] = setting(factory=dict)
    loss: str = setting("bce", choices=LOSSES, options="loss_options")
    loss_options: dict[str, Any] = setting(factory=dict)
    encoder_learning_rate: float = setting(6.37e-5, at_least=0, at_most=10)
    inverse_temperature: float = setting(5.0, at_least=0, alias="hardness")
    validation_targets: int = setting(500, at_least=0)
    device: str = "auto"
    compile: bool = False
