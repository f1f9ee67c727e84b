"""Links of targets to candidates with their logits, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["TargetLinks"]


@dataclass(frozen=True, eq=False)
class TargetLinks:
    """Links of t targets to c candidates.

    Attributes:
        rows: (links,) int64, target of each link, ascending.
        columns: (links,) int64, candidate of each link, ascending within a target.
        log_odds: (links,) float64.
        energies: formation energies of the targets (t,) and of the candidates (c,), eV/atom, if they are known.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    log_odds: NDArray[np.float64]
    energies: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None

    def find(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the position of the link of each target to each candidate; they must be there."""
        width = int(self.columns.max(initial=0)) + 1
        return np.searchsorted(self.rows * width + self.columns, rows * width + columns)
