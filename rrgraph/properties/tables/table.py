"""Compositions with the known values of their computed properties, and a report of how they were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rrgraph.errors import DataError, suggestion
from rrgraph.properties.tables.tasks import PropertyTask

__all__ = ["PropertyReport", "PropertyTable", "SourceReport"]


@dataclass(frozen=True, kw_only=True)
class SourceReport:
    """Counts of the cells of one source.

    Attributes:
        source: the table and column.
        task: name of the task.
        values: values in rows with a valid formula.
        unreadable: cells in rows with a valid formula that are neither empty nor a usable number.
        implausible: values outside the plausible range, dropped from training and validation.
        merged: values that were merged with another value of the same composition.
        labels: labelled compositions before the sources of a task are joined and labels are withheld.
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
        rows: number of rows by table.
        blank: rows without a formula.
        refused: rows whose formula is not valid.
        examples: messages about the first invalid formulas.
        doubtful: spellings with an offset of unknown size (`O3-δ`), which is set to zero.
        compositions: distinct compositions.
        sources: reports of the sources, in order.
        labels: number of labels by task and subset.
        withheld: number of labels by task that were removed from training and validation because they would reveal a
            test label of the same family.
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
            f"{self.blank:,} rows without a formula, {self.refused:,} with an invalid formula",
            *(f"  {example}" for example in self.examples),
            f"{'task':<24}{'train':>10}{'validation':>12}{'test':>10}{'withheld':>10}",
        ]
        for task, counts in self.labels.items():
            shown = f"{counts['train']:>10,}{counts['validation']:>12,}{counts['test']:>10,}"
            lines.append(f"{task:<24}{shown}{self.withheld.get(task, 0):>10,}")
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
        tasks: of the columns of `labels` and `subsets`.
        elements: (n, k) uint8, atomic numbers, padded by 0, as from `rrgraph.graph.featurise`.
        fractions: (n, k) float32, atomic fractions, padded by 0.
        labels: (n, tasks) float32 in the unit of each task, NaN where unknown; classes are whole numbers.
        subsets: (n, tasks) uint8, subset of each label: `TRAIN`, `VALIDATION` or `TEST`, 0 where unknown.
        formulas: n spellings, the first one of each composition.
        report: how it was read; a selection keeps the report of the whole table.
    """

    tasks: tuple[PropertyTask, ...]
    elements: NDArray[np.uint8]
    fractions: NDArray[np.float32]
    labels: NDArray[np.float32]
    subsets: NDArray[np.uint8]
    formulas: pa.ChunkedArray
    report: PropertyReport

    def __len__(self) -> int:
        return len(self.elements)

    def __repr__(self) -> str:
        return f"PropertyTable({len(self)} compositions, {len(self.tasks)} tasks)"

    def formula(self, row: int) -> str:
        """Return the formula of one composition."""
        return str(self.formulas[range(len(self))[row]].as_py())

    def column(self, task: str) -> int:
        """Return the column of a task in `labels` and `subsets`.

        Raises:
            DataError: there is no such task.
        """
        names = [item.name for item in self.tasks]
        if task not in names:
            near = suggestion(task, names)
            raise DataError(f"There is no property '{task}', expected one of {', '.join(names)}.{near}")
        return names.index(task)

    def rows(self, task: str, subset: int) -> NDArray[np.int64]:
        """Return the rows with a label for a task in one subset (`TRAIN`, `VALIDATION` or `TEST`)."""
        return np.flatnonzero(self.subsets[:, self.column(task)] == subset)

    def select(self, rows: NDArray[Any] | Sequence[int]) -> PropertyTable:
        """Return the rows of an index array or a boolean mask."""
        index = np.asarray(rows)
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
        return replace(
            self,
            elements=self.elements[index],
            fractions=self.fractions[index],
            labels=self.labels[index],
            subsets=self.subsets[index],
            formulas=self.formulas.take(pa.array(index)),
        )
