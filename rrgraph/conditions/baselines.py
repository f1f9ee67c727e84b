"""Baselines of conditions: the median of a label, and the nearest recorded recipe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ATMOSPHERES
from rrgraph.conditions.model import LEVELS, Prediction
from rrgraph.conditions.tables import ConditionRows
from rrgraph.data import overlap_vectors

__all__ = ["nearest_recipe", "recorded_median"]

_BATCH_SIZE: Final = 512
_NUMBERS: Final = (1, 2, 3)


def recorded_median(train: ConditionRows, rows: ConditionRows) -> Prediction:
    """Return for each row the median of its label and the shares of classes, with intervals of training rows."""
    count = len(rows)
    value = {"temperature": np.zeros(count), "time": np.zeros(count)}
    widths = {name: np.zeros((count, len(LEVELS))) for name in value}
    for name, recorded in (("temperature", train.temperature), ("time", np.log10(train.time))):
        for label in np.unique(rows.label):
            own = recorded[np.isfinite(recorded) & (train.label == label)]
            own = own if len(own) else recorded[np.isfinite(recorded)]
            chosen = rows.label == label
            if not len(own):
                value[name][chosen] = widths[name][chosen] = np.nan
                continue
            value[name][chosen] = np.median(own)
            widths[name][chosen] = np.quantile(np.abs(own - np.median(own)), LEVELS)
    return Prediction(
        temperature=value["temperature"],
        widths=widths["temperature"],
        time=value["time"],
        time_widths=widths["time"],
        atmosphere=np.tile(_shares(train.atmosphere, [each.value for each in ATMOSPHERES]), (count, 1)),
        firings=np.tile(_shares(np.minimum(train.firings, _NUMBERS[-1]), list(_NUMBERS)), (count, 1)),
        classes=ATMOSPHERES,
        numbers=_NUMBERS,
    )


def nearest_recipe(train: ConditionRows, rows: ConditionRows) -> Prediction:
    """Return what the nearest training row of the same label records; of several, their median.

    The nearest has the most similar target (`rrgraph.data.similarity`) and, of these, most of the precursors. It gives
    no intervals of its own: those of `recorded_median` are kept.
    """
    plain = recorded_median(train, rows)
    known, asked = overlap_vectors(train.table.targets), overlap_vectors(rows.table.targets)
    sets, wanted = train.table.set_keys, rows.table.set_keys
    recorded = {"temperature": train.temperature, "time": np.log10(train.time)}
    usable = {name: np.isfinite(values) for name, values in recorded.items()}
    usable["atmosphere"] = np.array([each is not None for each in train.atmosphere])
    usable["firings"] = np.isfinite(train.firings)
    found = {"temperature": plain.temperature.copy(), "time": plain.time.copy()}
    shares = {"atmosphere": plain.atmosphere.copy(), "firings": plain.firings.copy()}
    names = [each.value for each in ATMOSPHERES]
    counts = np.minimum(train.firings, _NUMBERS[-1])
    for start in range(0, len(rows), _BATCH_SIZE):
        scores = np.round(asked[start : start + _BATCH_SIZE] @ known.T, 5)
        for offset, score in enumerate(scores):
            row = start + offset
            same = train.label == rows.label[row]
            for name, there in usable.items():
                chosen = np.flatnonzero(there & same)
                if not len(chosen):
                    continue
                nearest = chosen[score[chosen] == score[chosen].max()]
                shared = np.array([len(sets[each] & wanted[row]) for each in nearest])
                nearest = nearest[shared == shared.max()]
                if name in found:
                    found[name][row] = np.median(recorded[name][nearest])
                else:
                    values, classes = (train.atmosphere, names) if name == "atmosphere" else (counts, list(_NUMBERS))
                    shares[name][row] = _shares(values[nearest], classes)
    return replace(
        plain,
        temperature=found["temperature"],
        time=found["time"],
        atmosphere=shares["atmosphere"],
        firings=shares["firings"],
    )


def _shares(values: NDArray[Any], classes: list[Any]) -> NDArray[np.float64]:
    """Return the share of each class (classes,) among the values that are of one, all alike where none is."""
    counts = np.array([sum(value == each for value in values.tolist()) for each in classes], dtype=np.float64)
    return counts / counts.sum() if counts.sum() else np.full(len(classes), 1.0 / len(classes))
