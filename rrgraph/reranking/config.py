"""The settings of the re-ranker's training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rrgraph.errors import ConfigError
from rrgraph.training import LoopConfig
from rrgraph.util.settings import setting

__all__ = ["LEAST_TEMPERATURE", "MOST_CANDIDATES", "MOST_TEMPERATURE", "RerankingConfig"]

MOST_CANDIDATES: Final = 10_000
"""Sets in a list at most."""
LEAST_TEMPERATURE: Final = 1e-3
"""Of a smaller one, scores overflow."""
MOST_TEMPERATURE: Final = 1e3
"""Of a larger one, all scores become alike."""


@dataclass
class RerankingConfig(LoopConfig):
    """How the re-ranker learns: the loop, with lists of candidate sets as examples.

    Attributes:
        patience: not used, for no epoch is validated; other values than the default are refused.
        monitor: not used either: the last epoch is kept.
        candidates: number of sets in each list, the most probable ones of the link model.
        temperature: what scores are divided by to be calibrated where sets of several sizes compete; 0 fits it, and the
            next one, on the validation rows (1 without any).
        known_size_temperature: the same where the set size is known; 0 takes `temperature`.
    """

    epochs: int = setting(3, at_least=1)
    patience: int = setting(0, at_least=0)
    batch_size: int = setting(48, at_least=1)
    learning_rate: float = setting(1e-3, at_least=0, at_most=10)
    weight_decay: float = setting(0.02, at_least=0, at_most=10)
    schedule: str = setting("cosine", choices=("constant", "cosine"))
    warmup: float = setting(0.05, at_least=0, at_most=1)
    gradient_clip: float = setting(5.0, at_least=0)
    ema_decay: float = setting(0.995, at_least=0, below=1, alias="average")
    candidates: int = setting(64, at_least=1, at_most=MOST_CANDIDATES)
    temperature: float = setting(0.0, at_least=0, at_most=MOST_TEMPERATURE)
    known_size_temperature: float = setting(0.0, at_least=0, at_most=MOST_TEMPERATURE, alias="told_temperature")

    def cross_check(self, prefix: str) -> None:
        """Refuse temperatures at which scores overflow, and a choice among epochs, by a `ConfigError`."""
        for name in ("monitor", "patience"):
            if getattr(self, name) != getattr(RerankingConfig, name):
                raise ConfigError(
                    f"Configuration value {prefix}{name} has no effect, for no epoch of the re-ranker is validated and "
                    "the last one is kept: leave it out."
                )
        for name in ("temperature", "known_size_temperature"):
            if 0 < getattr(self, name) < LEAST_TEMPERATURE:
                raise ConfigError(
                    f"Configuration value {prefix}{name} is {getattr(self, name)}, expected 0 or at least "
                    f"{LEAST_TEMPERATURE}."
                )
