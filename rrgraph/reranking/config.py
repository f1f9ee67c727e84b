"""The choices that define how the re-ranker learns."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RerankingConfig"]

from rrgraph.training import LoopConfig


@dataclass
class RerankingConfig(LoopConfig):
    """How the set scorer learns: the loop, with lists of candidate sets as examples.

    Attributes:
        candidates: sets of each list, the most probable ones of the link model.
        temperature: what scores are divided by to be calibrated where sets of several sizes compete; 0 fits it, and the
            next one, on the validation part (1 without one).
        told_temperature: the same where the set size is told; 0 takes `temperature`.
    """

    epochs: int = 3
    patience: int = 0
    batch_size: int = 48
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    schedule: str = "cosine"
    warmup: float = 0.05
    gradient_clip: float = 5.0
    average: float = 0.995
    candidates: int = 64
    temperature: float = 0.0
    told_temperature: float = 0.0
