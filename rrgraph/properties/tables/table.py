"""Compositions with the computed properties known of them, and a report of how they were read.

Flows in: arrays from the reader. Flows out: rows by task and part, formulas, counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rrgraph.errors import DataError, suggestion
from rrgraph.properties.tables.tasks import TEST, TRAIN, VALIDATION, PropertyTask

__all__ = ["PropertyReport", "PropertyTable", "SourceReport"]

PART_NAMES = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}


@dataclass(frozen=True, kw_only=True)
class SourceReport:
    """What became of the cells of one source.

    Attributes:
        source: the table and column.
        task: name of the task it feeds.
        values: numbers found beside a readable formula.
        unreadable: cells beside a readable formula that are neither empty nor a number the task can use.
        implausible: values outside the plausible range, dropped from training and validation.
        merged: values that were merged with another of the same composition.
        labels: compositions labelled, before sources of one task are joined and labels withheld.
    """

    source: str
    task: str
    values: int
    unreadable: int
    implausible: int
    merged: int
    labels: int


@dataclass(frozen=True, kw_only=True)
class PropertyReport:
    """How tables of properties were read.

    Attributes:
        rows: rows read, by table.
        blank: rows without a formula.
        refused: rows whose formula is no composition.
        examples: what was wrong with the first of them.
        doubtful: spellings with an offset of unknown size (`O3-δ`), read as zero.
        compositions: distinct compositions.
        sources: of each source, in order.
        labels: number of labels by task and part.
        withheld: labels removed from training and validation, by task, because a test composition of the family
            would give its answer away.
    """

    rows: Mapping[str, int]
    blank: int
    refused: int
    examples: tuple[str, ...]
    doubtful: int
    compositions: int
    sources: tuple[SourceReport, ...]
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    withheld: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"{sum(self.rows.values()):,} rows of {len(self.rows)} tables, {self.compositions:,} compositions; "
            f"{self.blank:,} rows without formula, {self.refused:,} with a formula that is none",
            *(f"  {example}" for example in self.examples),
            f"{'task':<24}{'train':>10}{'validation':>12}{'test':>10}{'withheld':>10}",
        ]
        for task, counts in self.labels.items():
            numbers = f"{counts['train']:>10,}{counts['validation']:>12,}{counts['test']:>10,}"
            lines.append(f"{task:<24}{numbers}{self.withheld.get(task, 0):>10,}")
        lines += [
            f"{item.task} from {item.source}: {item.implausible:,} implausible, {item.unreadable:,} unreadable, "
            f"{item.merged:,} merged"
            for item in self.sources
            if item.implausible or item.unreadable or item.merged
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class PropertyTable:
    """n distinct compositions and their labels for some tasks.

    Attributes:
        tasks: what the columns of `labels` and `parts` mean.
        elements: (n, k) uint8, atomic numbers, 0 beyond the last element of a row, as `rrgraph.graph.featurise` does.
        fractions: (n, k) float32, atomic fractions, 0 beyond the last element.
        labels: (n, tasks) float32 in the unit of each task, NaN where unknown; classes are whole numbers.
        parts: (n, tasks) uint8, `TRAIN`, `VALIDATION` or `TEST`, 0 where unknown.
        formulas: n spellings, the first one met of each composition.
        report: how it was read; a selection keeps the report of the whole.
    """

    tasks: tuple[PropertyTask, ...]
    elements: NDArray[np.uint8]
    fractions: NDArray[np.float32]
    labels: NDArray[np.float32]
    parts: NDArray[np.uint8]
    formulas: pa.ChunkedArray
    report: PropertyReport

    def __len__(self) -> int:
        return len(self.elements)

    def __repr__(self) -> str:
        return f"PropertyTable({len(self)} compositions, {len(self.tasks)} tasks)"

    def formula(self, row: int) -> str:
        """Return the spelling of one composition."""
        return str(self.formulas[range(len(self))[row]].as_py())

    def column(self, task: str) -> int:
        """Return the column of a task in `labels` and `parts`.

        Raises:
            DataError: there is no such task.
        """
        names = [item.name for item in self.tasks]
        if task not in names:
            raise DataError(f"There is no property '{task}', only {', '.join(names)}.{suggestion(task, names)}")
        return names.index(task)

    def rows(self, task: str, part: int) -> NDArray[np.int64]:
        """Return the rows that a task has a label of in one part (`TRAIN`, `VALIDATION` or `TEST`)."""
        return np.flatnonzero(self.parts[:, self.column(task)] == part)

    def select(self, rows: NDArray[Any] | Sequence[int]) -> PropertyTable:
        """Return the rows of an index array or a boolean mask."""
        index = np.asarray(rows)
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
        return replace(
            self,
            elements=self.elements[index],
            fractions=self.fractions[index],
            labels=self.labels[index],
            parts=self.parts[index],
            formulas=self.formulas.take(pa.array(index)),
        )
