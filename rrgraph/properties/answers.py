"""One predicted property of one composition, as numbers and as text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rrgraph.properties.names import class_name
from rrgraph.properties.predictor import PropertyPrediction
from rrgraph.properties.tables.tasks import PropertyTask

__all__ = ["PropertyAnswer", "property_answer", "with_uncertainty"]

_SHOWN_CLASSES = 5
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class PropertyAnswer:
    """One property of one composition.

    Attributes:
        task: what is predicted.
        value: in its unit; None for classification.
        uncertainty: one standard deviation in that unit; None for classification.
        classes: for classification, the most probable classes: number (of a space group, as in the International
            Tables), name if it has one, and probability.
    """

    task: PropertyTask
    value: float | None = None
    uncertainty: float | None = None
    classes: tuple[tuple[int, str | None, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        if self.task.kind == "classification":
            names = ("class", "name", "probability")
            return {"classes": [dict(zip(names, values, strict=True)) for values in self.classes]}
        return {"value": self.value, "uncertainty": self.uncertainty, "unit": self.task.unit}


def property_answer(prediction: PropertyPrediction, index: int) -> PropertyAnswer:
    """Return one prediction of one composition, the `index`-th."""
    task = prediction.task
    if prediction.probabilities is None:
        return PropertyAnswer(task, _number(prediction.value[index]), _number(prediction.uncertainty[index]))
    probabilities = prediction.probabilities[index]
    best = np.argsort(-probabilities, kind="stable")[:_SHOWN_CLASSES].tolist()
    return PropertyAnswer(task, classes=tuple((*class_name(task, k), float(f"{probabilities[k]:.6g}")) for k in best))


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def with_uncertainty(value: float, deviation: float) -> str:
    """Return ``-3.46 ± 0.05``, ``1.23 ± 0.12`` or ``(3.2 ± 0.4)×10⁻⁵``.

    The deviation has one digit, or two if the first is 1 or 2, and the value is rounded to the same decimal place.
    """
    if not deviation > 0:
        return f"{value:z.4g}"
    largest = math.floor(math.log10(max(abs(value), deviation)))
    power = 0 if -3 <= largest < 6 else largest
    value, deviation = value / 10.0**power, deviation / 10.0**power
    first = math.floor(math.log10(deviation))
    decimals = (1 if deviation < 3 * 10.0**first else 0) - first
    shown = max(decimals, 0)
    text = f"{round(value, decimals):z.{shown}f} ± {round(deviation, decimals):.{shown}f}"
    return f"({text})×10{str(power).translate(_SUPERSCRIPTS)}" if power else text
