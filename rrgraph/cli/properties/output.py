"""Output of `rrgraph properties`: tables for people and rows of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rrgraph.cli.common.show import show_table
from rrgraph.cli.common.writers import Layout, Writer
from rrgraph.properties import (
    PropertyAnswer,
    PropertyTask,
    is_built_in,
    property_answer,
    property_name,
    with_uncertainty,
)

if TYPE_CHECKING:
    from rrgraph.chem import Composition
    from rrgraph.cli.common.targets import TargetRow
    from rrgraph.properties import PropertyPrediction

__all__ = [
    "PropertyRecord",
    "PropertyTableWriter",
    "describe_properties",
    "property_layout",
]


@dataclass(frozen=True)
class PropertyRecord:
    """The properties of one formula, or a message if it is not valid."""

    formula: str
    answers: tuple[PropertyAnswer, ...] = ()
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
            yield PropertyRecord(row.text, tuple(property_answer(predictions[task.name], index) for task in tasks))
            index += 1


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


def _table_rows(answer: PropertyAnswer) -> Iterator[list[str]]:
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
