"""Output of `rrgraph properties`: tables for people and rows of files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rrgraph.cli.common.show import show_table
from rrgraph.cli.common.writers import Layout, Writer
from rrgraph.cli.properties.names import class_name, is_built_in, property_name
from rrgraph.properties import PropertyTask

if TYPE_CHECKING:
    from rrgraph.chem import Composition
    from rrgraph.cli.common.targets import TargetRow
    from rrgraph.properties import PropertyPrediction

__all__ = [
    "Answer",
    "PropertyRecord",
    "PropertyTableWriter",
    "describe_properties",
    "property_layout",
    "with_uncertainty",
]

_SHOWN_CLASSES = 5
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Answer:
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


@dataclass(frozen=True)
class PropertyRecord:
    """The properties of one formula, or a message if it is not valid."""

    formula: str
    answers: tuple[Answer, ...] = ()
    message: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        line: dict[str, Any] = {
            "formula": self.formula,
            "properties": {answer.task.name: answer.to_json() for answer in self.answers},
        }
        return line if self.message is None else line | {"message": self.message}


def describe_properties(
    rows: Sequence[TargetRow[Composition]], predictions: Mapping[str, PropertyPrediction], tasks: Sequence[PropertyTask]
) -> Iterator[PropertyRecord]:
    """Yield the records of rows in order; predictions are those of the rows with a valid formula."""
    index = 0
    for row in rows:
        if row.target is None:
            yield PropertyRecord(row.text, message=row.error)
        else:
            yield PropertyRecord(row.text, tuple(_answer(predictions[task.name], index) for task in tasks))
            index += 1


def _answer(prediction: PropertyPrediction, index: int) -> Answer:
    task = prediction.task
    if prediction.probabilities is None:
        return Answer(task, _number(prediction.value[index]), _number(prediction.uncertainty[index]))
    probabilities = prediction.probabilities[index]
    best = np.argsort(-probabilities, kind="stable")[:_SHOWN_CLASSES].tolist()
    return Answer(task, classes=tuple((*class_name(task, k), float(f"{probabilities[k]:.6g}")) for k in best))


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


class PropertyTableWriter(Writer[PropertyRecord]):
    """One table a formula, for people."""

    def __init__(self) -> None:
        self.shown: set[PropertyTask] = set()

    def write(self, prepared: PropertyRecord, cells: Mapping[str, Any] | None = None) -> None:
        if prepared.message is None:
            self.shown |= {answer.task for answer in prepared.answers if answer.value is not None}
            rows = [row for answer in prepared.answers for row in _table_rows(answer)]
            show_table(["property", "prediction", "learned from"], rows, title=f"\n{prepared.formula}")

    def finish(self) -> None:
        """Print notes on how to read the tables, once below all of them."""
        if self.shown:
            print("\n± one standard deviation of the error")
        if any(is_built_in(task) for task in self.shown):
            print("learned from PBE calculations at 0 K, of the ground state of each composition")
        if any(is_built_in(task) and task.family == "gap" for task in self.shown):
            print("PBE gaps are smaller than measured ones, often by a third or more")


def _table_rows(answer: Answer) -> Iterator[list[str]]:
    task = answer.task
    name, source = property_name(task)
    if task.kind != "classification":
        shown = "-" if answer.value is None else with_uncertainty(answer.value, answer.uncertainty or 0.0)
        yield [name, f"{shown} {task.unit}".rstrip(), source]
    for rank, (number, label, probability) in enumerate(answer.classes):
        called = f"class {number}" if label is None else label
        if label is not None and task.name == "space_group":
            called += f" ({number})"
        percent = f"{100 * probability:.0f} %" if probability >= 0.005 else "< 1 %"
        yield ["" if rank else name, f"{called} {percent}", "" if rank else source]


def property_layout(tasks: Sequence[PropertyTask]) -> Layout[PropertyRecord]:
    """Return the columns of files, with units in parentheses; for classification, of the most probable class."""
    columns: dict[str, type] = {"row": int, "formula": str}
    for task in tasks:
        columns |= _columns(task)
    return Layout({**columns, "message": str}, "row", _file_rows, PropertyRecord.to_json, keys=("properties",))


def _columns(task: PropertyTask) -> dict[str, type]:
    if task.kind == "classification":
        named: dict[str, type] = {f"{task.name}_name": str} if is_built_in(task) else {}
        return {task.name: int, **named, f"{task.name}_probability": float}
    unit = f" ({task.unit})" if task.unit else ""
    return {f"{task.name}{unit}": float, f"{task.name}_uncertainty{unit}": float}


def _file_rows(record: PropertyRecord) -> Iterator[dict[str, Any]]:
    row: dict[str, Any] = {"formula": record.formula, "message": record.message}
    for answer in record.answers:
        values: tuple[Any, ...] = (answer.value, answer.uncertainty)
        if answer.task.kind == "classification":
            values = tuple(value for value in answer.classes[0] if value is not None)
        row |= zip(_columns(answer.task), values, strict=True)
    yield row
