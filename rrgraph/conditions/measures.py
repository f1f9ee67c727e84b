"""How good predicted conditions are: errors, coverage of intervals, classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.conditions.model import LEVELS, Prediction
from rrgraph.conditions.tables import LABELS, ConditionRows
from rrgraph.metrics import calibration

__all__ = ["CLOSE_C", "measure", "summary"]

CLOSE_C: Final = 50.0
"""°C within which a temperature counts as met."""


def measure(found: Prediction, rows: ConditionRows, *, known_atmosphere: Prediction | None = None) -> dict[str, Any]:
    """Return metrics by label and quantity, JSON-ready; temperatures that stand alone also by themselves.

    Args:
        found: what is predicted for the rows.
        rows: with what is recorded.
        known_atmosphere: what is predicted where the recorded atmosphere is known, if it is.
    """
    report: dict[str, Any] = {"temperature": {}, "time": {}}
    for label in np.unique(rows.label):
        own = rows.label == label
        known = own & np.isfinite(rows.temperature)
        if known.any():
            report["temperature"][LABELS[label]] = _errors(rows.temperature, found.temperature, found.widths, known)
        if 0 < (alone := known & rows.alone).sum() < known.sum():
            report["temperature"][f"{LABELS[label]}, single-valued"] = _errors(
                rows.temperature, found.temperature, found.widths, alone
            )
        if known_atmosphere is not None and known.any():
            report["temperature"][f"{LABELS[label]}, known atmosphere"] = _errors(
                rows.temperature, known_atmosphere.temperature, known_atmosphere.widths, known
            )
        timed = own & np.isfinite(rows.time) & np.isfinite(found.time)
        if timed.any():
            report["time"][LABELS[label]] = _errors(np.log10(rows.time), found.time, found.time_widths, timed)
    both = np.isfinite(rows.temperature)
    if both.any():
        report["temperature"]["all"] = _errors(rows.temperature, found.temperature, found.widths, both)
    timed = np.isfinite(rows.time) & np.isfinite(found.time)
    if timed.any():
        report["time"]["all"] = _errors(np.log10(rows.time), found.time, found.time_widths, timed)
    # Rows of one recipe state the same atmosphere: those of the first label count.
    first = rows.label == rows.label.min()
    named = first & np.array([each is not None for each in rows.atmosphere])
    if named.any():
        classes = np.array([each.value for each in found.classes])
        report["atmosphere"] = _classes(rows.atmosphere[named].astype(str), classes, found.atmosphere[named])
    counted = first & np.isfinite(rows.firings)
    if counted.any():
        recorded = np.minimum(rows.firings[counted], found.numbers[-1]).astype(int).astype(str)
        report["firings"] = _classes(recorded, np.array(found.numbers).astype(str), found.firings[counted])
    return report


def _errors(
    recorded: NDArray[np.float64], value: NDArray[np.float64], widths: NDArray[np.float64], rows: NDArray[np.bool_]
) -> dict[str, float]:
    """Return errors and, for each level, the share that the interval holds and its median width."""
    truth, error = recorded[rows], np.abs(recorded - value)[rows]
    spread = float(((truth - truth.mean()) ** 2).sum())
    found = {
        "rows": int(rows.sum()),
        "mae": float(error.mean()),
        "median": float(np.median(error)),
        "r2": 1.0 - float((error**2).sum()) / spread if spread else 0.0,
        "within_50": float((error <= CLOSE_C).mean()),
    }
    for at, level in enumerate(LEVELS):
        found[f"coverage_{level:.0%}"] = float((error <= widths[rows, at]).mean())
        found[f"width_{level:.0%}"] = float(np.median(2 * widths[rows, at]))
    return found


def _classes(
    recorded: NDArray[np.str_], classes: NDArray[np.str_], probabilities: NDArray[np.float64]
) -> dict[str, Any]:
    """Return accuracy, the calibration error of the most probable class, the F1 of each recorded one, and their mean.

    Args:
        recorded: (n,) names.
        classes: (classes,) names of those that are distinguished.
        probabilities: (n, classes).
    """
    guessed = classes[probabilities.argmax(axis=1)]
    scores = {}
    for each in np.unique(recorded).tolist():
        right = float(((recorded == each) & (guessed == each)).sum())
        scores[each] = 2 * right / (float((recorded == each).sum()) + float((guessed == each).sum()))
    return {
        "rows": len(recorded),
        "accuracy": float((recorded == guessed).mean()),
        "ece": calibration(probabilities.max(axis=1), recorded == guessed).ece_mass,
        "macro_f1": float(np.mean(list(scores.values()))),
        "f1": scores,
    }


def summary(report: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of what `measure` reports, for people."""
    header = ["quantity", "rows", "MAE", "median", "R2", "within 50 °C", *(f"in {level:.0%}" for level in LEVELS)]
    body = []
    for quantity, unit in (("temperature", "°C"), ("time", "log10 h")):
        for label, each in report.get(quantity, {}).items():
            digits = 1 if quantity == "temperature" else 3
            close = f"{100 * each['within_50']:.1f} %" if quantity == "temperature" else "-"
            held = [f"{100 * each[f'coverage_{level:.0%}']:.1f} %" for level in LEVELS]
            body.append(
                [
                    f"{label} {quantity}, {unit}",
                    str(each["rows"]),
                    f"{each['mae']:.{digits}f}",
                    f"{each['median']:.{digits}f}",
                    f"{each['r2']:.2f}",
                    close,
                    *held,
                ]
            )
    for quantity in ("atmosphere", "firings"):
        if quantity in report:
            each = report[quantity]
            text = f"{quantity}: accuracy {100 * each['accuracy']:.1f} %, macro-F1 {each['macro_f1']:.2f}"
            body.append([text, str(each["rows"]), *["-"] * (len(header) - 2)])
    return header, body
