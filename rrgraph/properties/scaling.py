"""Standardisation of labels: a transform, a centre and a scale for each task, and their inverse for predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rrgraph.properties.tables.tasks import PropertyTask

__all__ = ["TargetScale"]

Floats = NDArray[np.float64]

_SMALLEST = 1e-12


class TargetScale:
    """Robust standardisation: transform, subtract the median, divide by the mean absolute deviation from it.

    Args:
        tasks: the regression tasks.
        center: (tasks,) medians of the transformed training labels.
        scale: (tasks,) mean absolute deviations of them.
    """

    def __init__(self, tasks: Sequence[PropertyTask], center: Floats, scale: Floats) -> None:
        self.tasks = tuple(tasks)
        self.center = np.asarray(center, dtype=np.float64)
        self.scale = np.asarray(scale, dtype=np.float64)

    @classmethod
    def fit(cls, tasks: Sequence[PropertyTask], labels: NDArray[np.floating]) -> TargetScale:
        """Fit to training labels (n, tasks), NaN where unknown; a task without labels has centre 0 and scale 1."""
        center, scale = np.zeros(len(tasks)), np.ones(len(tasks))
        for column, task in enumerate(tasks):
            known = labels[:, column][~np.isnan(labels[:, column])].astype(np.float64)
            if len(known):
                transformed = _forward(task.transform, known)
                center[column] = np.median(transformed)
                scale[column] = np.abs(transformed - center[column]).mean() or 1.0
        return cls(tasks, center, scale)

    def encode(self, labels: NDArray[np.floating]) -> Floats:
        """Return the standardised labels (n, tasks); NaN stays NaN."""
        columns = [_forward(task.transform, labels[:, column]) for column, task in enumerate(self.tasks)]
        return (np.stack(columns, axis=1) - self.center) / self.scale if columns else np.empty((len(labels), 0))

    def decode(self, encoded: NDArray[np.floating], deviation: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Return values and standard deviations in the unit of each task.

        Deviations are transformed to first order; values respect the bound of their task.

        Args:
            encoded: (n, tasks), standardised.
            deviation: (n, tasks), their standard deviations.
        """
        values, deviations = np.empty(encoded.shape), np.empty(encoded.shape)
        for column, task in enumerate(self.tasks):
            transformed = encoded[:, column] * self.scale[column] + self.center[column]
            value = _inverse(task.transform, transformed)
            deviations[:, column] = deviation[:, column] * self.scale[column] * _slope(task.transform, value)
            values[:, column] = value if task.lowest is None else np.maximum(value, task.lowest)
        return values, deviations


def _forward(transform: str, values: NDArray[np.floating]) -> Floats:
    wide: Floats = np.asarray(values, dtype=np.float64)
    if transform == "log":
        return np.log(np.maximum(wide, _SMALLEST))
    return np.arcsinh(wide) if transform == "asinh" else wide


def _inverse(transform: str, values: Floats) -> Floats:
    if transform == "log":
        return np.exp(np.minimum(values, 50.0))
    return np.sinh(np.clip(values, -50.0, 50.0)) if transform == "asinh" else values


def _slope(transform: str, values: Floats) -> Floats:
    """Return the derivative of the inverse transform at a value."""
    if transform == "log":
        return np.abs(values)
    return np.sqrt(1 + values**2) if transform == "asinh" else np.ones_like(values)
