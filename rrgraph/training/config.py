"""The choices that define how a link model learns."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TrainingConfig"]


@dataclass
class TrainingConfig:
    """Optimisation, negative sampling and stopping.

    Attributes:
        epochs: passes over the positive links at most.
        patience: epochs without a better validation accuracy before training stops; 0 never stops early.
        batch_size: positive links a step (128 in Retro-Rank-In table 9).
        negatives: sampled negative links for each positive one (1 gives the balanced pairs of section 3.3).
        sampler: name of the negative sampler.
        loss: name of the loss.
        learning_rate: of the decoder.
        encoder_learning_rate: of the encoder.
        weight_decay: of AdamW.
        schedule: `constant`, or `cosine` to zero over `epochs`.
        warmup: fraction of all steps over which the rates rise from zero.
        gradient_clip: largest norm of the gradient, 0 for none.
        hardness: how strongly the `hard` sampler prefers precursors similar to the recorded set.
        hide_statistics: probability that a step shows the counts of a precursor with one training target as if it had
            never been seen, and in proportion less for more usual ones (at most 1/2); so the model learns to judge
            new precursors by their composition.
        monitor: validation metric that chooses the best epoch.
        validation_targets: validation rows used at each epoch at most, drawn once; 0 uses all.
    """

    epochs: int = 30
    patience: int = 5
    batch_size: int = 128
    negatives: int = 1
    sampler: str = "uniform"
    loss: str = "bce"
    learning_rate: float = 6.81e-5
    encoder_learning_rate: float = 6.37e-5
    weight_decay: float = 0.01
    schedule: str = "constant"
    warmup: float = 0.0
    gradient_clip: float = 1.0
    hardness: float = 5.0
    hide_statistics: float = 0.0
    monitor: str = "top_1"
    validation_targets: int = 500
