"""Measures a pretrained encoder on held-out compositions: properties, symmetry, hidden elements and fractions.

Errors stand beside published ones, accuracies beside those of counting baselines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rrgraph.data import TEST, TRAIN, VALIDATION
from rrgraph.metrics import TopK
from rrgraph.properties.predictor import PropertyPredictor
from rrgraph.properties.pretraining.cooccurrence import CooccurrenceBaseline, masked_slots
from rrgraph.properties.pretraining.prototypes import PrototypeBaseline
from rrgraph.properties.pretraining.scores import (
    PropertyComparison,
    PropertyScore,
    class_accuracy,
    compare_properties,
    score_property,
)
from rrgraph.properties.tables.table import PropertyTable

__all__ = ["EncoderMetrics", "measure_encoder"]

_MASKED_COMPOSITIONS = 10_000
"""Compositions whose elements are hidden in turn, at most, drawn once with a fixed seed."""


@dataclass(frozen=True)
class EncoderMetrics:
    """What a pretrained encoder is worth on compositions it was not trained on.

    Attributes:
        properties: each regression task on its test rows, beside CrabNet where its error is published.
        unlabelled: the same over the test rows whose composition has no training label in any task at all.
        classes: by class task, accuracies of the model and of the most frequent class of the prototype.
        hidden_elements: accuracies of the model and of two co-occurrence baselines, over every element of compositions
            without any training label, one hidden at a time.
        hidden_fractions: mean absolute error of the share of two hidden fractions, by system.
    """

    properties: tuple[PropertyComparison, ...]
    unlabelled: tuple[PropertyComparison, ...]
    classes: Mapping[str, Mapping[str, TopK]]
    hidden_elements: Mapping[str, TopK]
    hidden_fractions: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as JSON values."""
        return {
            "properties": {item.score.task: item.to_dict() for item in self.properties},
            "untaught": {item.score.task: item.to_dict() for item in self.unlabelled},
            "classes": {
                task: {system: top.to_dict() for system, top in systems.items()}
                for task, systems in self.classes.items()
            },
            "hidden_elements": {system: top.to_dict() for system, top in self.hidden_elements.items()},
            "hidden_fractions": dict(self.hidden_fractions),
        }


def measure_encoder(predictor: PropertyPredictor, table: PropertyTable) -> EncoderMetrics:
    """Measure a pretrained encoder on the test subset of a property table."""
    rows = np.flatnonzero((table.subsets == TEST).any(axis=1))
    unlabelled = ~(table.subsets[rows] == TRAIN).any(axis=1)
    predictions = predictor.predict_arrays(table.elements[rows], table.fractions[rows])
    scores: list[PropertyScore] = []
    apart: list[PropertyScore] = []
    classes = {}
    for column, task in enumerate(table.tasks):
        inside = table.subsets[rows, column] == TEST
        if not inside.any():
            continue
        prediction, truth = predictions[task.name], table.labels[rows, column]
        if prediction.probabilities is not None:
            classes[task.name] = _classes(table, column, rows[inside], prediction.probabilities[inside])
            continue
        for chosen, found in ((inside, scores), (inside & unlabelled, apart)):
            if chosen.any():
                value, deviation = prediction.value[chosen], prediction.uncertainty[chosen]
                found.append(
                    score_property(value, truth[chosen], task=task.name, unit=task.unit, uncertainty=deviation)
                )
    elements, fractions = _hidden(predictor, table)
    return EncoderMetrics(compare_properties(scores), compare_properties(apart), classes, elements, fractions)


def _classes(
    table: PropertyTable, column: int, rows: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> dict[str, TopK]:
    training = np.flatnonzero(table.subsets[:, column] == TRAIN)
    labels = table.labels[:, column]
    baseline = PrototypeBaseline.fit(
        table.fractions[training], labels[training].astype(np.int64), classes=table.tasks[column].classes
    )
    truth = labels[rows].astype(np.int64)
    return {
        "encoder": class_accuracy(probabilities, truth),
        "prototype": class_accuracy(baseline.probabilities(table.fractions[rows]), truth),
    }


def _hidden(predictor: PropertyPredictor, table: PropertyTable) -> tuple[dict[str, TopK], dict[str, float]]:
    """Hide every element, and a pair of fractions, of compositions the encoder was not trained on."""
    labelled = ((table.subsets == TRAIN) | (table.subsets == VALIDATION)).any(axis=1)
    unlabelled = np.flatnonzero(~labelled & ((table.elements > 0).sum(axis=1) > 1))
    if not len(unlabelled) or not labelled.any():
        return {}, {}
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.choice(unlabelled, min(len(unlabelled), _MASKED_COMPOSITIONS), replace=False))
    elements, fractions = table.elements[chosen], table.fractions[chosen]
    rows, slots = masked_slots(elements)
    truth = elements[rows, slots].astype(np.int64)
    baseline = CooccurrenceBaseline.fit(table.elements[labelled], table.fractions[labelled])
    given = elements[rows], fractions[rows]
    groups = rows.tolist()
    systems = {
        "encoder": predictor.hidden_elements(*given, slots),
        "co-occurrence": baseline.log_scores(*given, slots),
        "co-occurrence and stoichiometry": baseline.log_scores(*given, slots, detail="pattern"),
    }
    accuracy = {name: class_accuracy(scores, truth, groups=groups) for name, scores in systems.items()}
    pairs = np.tile(np.array([0, 1]), (len(chosen), 1))
    first, second = (np.take_along_axis(fractions, pairs[:, [side]], axis=1)[:, 0] for side in (0, 1))
    share = first / (first + second)
    predicted = predictor.hidden_fractions(elements, fractions, pairs)
    return accuracy, {
        "encoder": float(np.abs(predicted - share).mean()),
        "equal shares": float(np.abs(0.5 - share).mean()),
    }
