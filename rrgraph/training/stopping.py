"""Early stopping as bookkeeping over scores, without a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["EarlyStopping"]


@dataclass
class EarlyStopping:
    """Remember the best score, and say when too many epochs passed without a better one.

    Attributes:
        patience: epochs without improvement that are allowed; 0 never stops.
        best: best score so far, higher is better.
        best_epoch: its epoch.
    """

    patience: int
    best: float = -math.inf
    best_epoch: int = 0

    def update(self, score: float, epoch: int) -> bool:
        """Take note of an epoch's score and return whether it is the best so far."""
        improved = score > self.best
        if improved:
            self.best, self.best_epoch = score, epoch
        return improved

    def stop(self, epoch: int) -> bool:
        """Return whether training should end after `epoch`."""
        return self.patience > 0 and epoch - self.best_epoch >= self.patience
