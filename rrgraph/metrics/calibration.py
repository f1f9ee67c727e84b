"""Calibration of probabilities (of links, or of precursor sets): expected calibration error, Brier score and the
reliability table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rrgraph.errors import ScoreError

__all__ = ["Calibration", "ReliabilityBin", "calibration"]

BINS: Final = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """The probabilities between two edges.

    Attributes:
        low: lower edge; part of the bin only if no lower bin ends there.
        high: upper edge, part of the bin.
        count: number of probabilities.
        confidence: their mean.
        accuracy: share of true outcomes.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How well probabilities agree with outcomes; all three errors are 0 if they agree perfectly.

    Attributes:
        count: number of probabilities.
        ece_width: expected calibration error over bins of equal width.
        ece_mass: the same over bins that contain equally many probabilities, apart from ties.
        brier: mean squared difference of probability and outcome.
        bins: the reliability table with bins of equal width, without empty bins.
        mass_bins: the reliability table with bins of equal mass.
    """

    count: int
    ece_width: float
    ece_mass: float
    brier: float
    bins: tuple[ReliabilityBin, ...]
    mass_bins: tuple[ReliabilityBin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """Return the object that `to_dict` was called on."""
        tables = {name: tuple(ReliabilityBin(**entry) for entry in values[name]) for name in ("bins", "mass_bins")}
        return cls(**{**values, **tables})

    def __str__(self) -> str:
        return (
            f"calibration error {self.ece_width:.3f} (bins of equal width), {self.ece_mass:.3f} (of equal mass), "
            f"Brier score {self.brier:.3f}, {self.count} probabilities"
        )


def calibration(probabilities: ArrayLike, outcomes: ArrayLike, *, bins: int = BINS) -> Calibration:
    """Compare probabilities with outcomes.

    Equal probabilities are always in the same bin, so the result does not depend on their order; if many are equal,
    there are fewer bins of equal mass than `bins`.

    Args:
        probabilities: (n,) between 0 and 1.
        outcomes: (n,) true or false.
        bins: number of bins.

    Raises:
        ScoreError: there are no probabilities, a probability is outside [0, 1] or not a number, an outcome is
            neither true nor false, or lengths differ.
    """
    values, given = np.asarray(probabilities, dtype=np.float64), np.asarray(outcomes)
    if not np.isin(given, (False, True)).all():
        raise ScoreError("Outcomes must be true or false to be compared with probabilities.")
    outcome = given.astype(bool)
    if values.ndim != 1 or values.shape != outcome.shape:
        raise ScoreError(f"Got probabilities of shape {values.shape} for outcomes of shape {outcome.shape}.")
    if not len(values):
        raise ScoreError("Cannot measure the calibration of no probabilities.")
    outside = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if len(outside):
        raise ScoreError(f"Probability {outside[0] + 1} is {values[outside[0]]}, expected a value from 0 to 1.")
    if bins < 1:
        raise ScoreError(f"Cannot sort probabilities into {bins} bins, expected at least 1.")
    width_bins = _reliability(values, outcome, np.linspace(0.0, 1.0, bins + 1))
    # Observed values are the edges: no boundary falls between two equal probabilities.
    last = [-(-len(values) * number // bins) - 1 for number in range(1, bins + 1)]
    mass_bins = _reliability(values, outcome, np.concatenate([[0.0], np.sort(values)[last]]))
    return Calibration(
        count=len(values),
        ece_width=_expected_error(width_bins, len(values)),
        ece_mass=_expected_error(mass_bins, len(values)),
        brier=float(np.mean((values - outcome) ** 2)),
        bins=width_bins,
        mass_bins=mass_bins,
    )


def _reliability(
    values: NDArray[np.float64], outcome: NDArray[np.bool_], edges: NDArray[np.float64]
) -> tuple[ReliabilityBin, ...]:
    """Sort values into the bins (edge, next edge]; the first bin includes its lower edge."""
    highs = np.unique(edges[1:])
    lows = np.concatenate([edges[:1], highs[:-1]])
    index = np.searchsorted(highs, values, side="left")
    count = np.bincount(index, minlength=len(highs))
    confidence = np.bincount(index, weights=values, minlength=len(highs))
    accuracy = np.bincount(index, weights=outcome.astype(np.float64), minlength=len(highs))
    return tuple(
        ReliabilityBin(
            low=float(lows[bin_]),
            high=float(highs[bin_]),
            count=int(count[bin_]),
            confidence=float(confidence[bin_] / count[bin_]),
            accuracy=float(accuracy[bin_] / count[bin_]),
        )
        for bin_ in np.flatnonzero(count)
    )


def _expected_error(bins: tuple[ReliabilityBin, ...], total: int) -> float:
    return sum(entry.count * abs(entry.confidence - entry.accuracy) for entry in bins) / total
