"""Reading of property sources into one `PropertyTable`; each file is read once, in batches, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rrgraph.data import TEST, Subset
from rrgraph.errors import DataError, suggestion
from rrgraph.properties.tables.cells import GatheredSource, HashSplit
from rrgraph.properties.tables.files import stream_frames
from rrgraph.properties.tables.index import CompositionRows
from rrgraph.properties.tables.table import PropertyReport, PropertyTable, SourceReport
from rrgraph.properties.tables.tasks import PropertySource, PropertyTask
from rrgraph.util.progress import track

__all__ = ["read_properties"]


def read_properties(
    sources: Sequence[PropertySource],
    *,
    withhold: Sequence[str] = (),
    validation_fraction: float = 0.05,
    test_fraction: float = 0.10,
) -> PropertyTable:
    """Read the labels of all sources, merged by composition.

    For each task, a composition is in one subset: that of the source's subset column (test before validation before
    training if rows disagree), or one drawn by a hash of its canonical key, the same for every source without such a
    column. Formulas that cannot be parsed are counted in the report. The memory is twice that of the result, plus one
    batch of rows, the values for medians, and 32 bytes for each composition.

    Args:
        sources: columns to read; if several are for one task, test labels have precedence, then the earlier source.
        withhold: names of tasks. A composition in the test subset of one of them has no training or validation label
            in any task of its family.
        validation_fraction: share of validation compositions for sources without a subset column.
        test_fraction: share of test compositions for these sources.

    Raises:
        DataError: no source, different tasks of one name, an unknown name in `withhold`, shares that leave no training
            rows, a file that is missing or malformed, or one without any valid formula.
    """
    tasks = _tasks(sources, withhold)
    split = HashSplit(validation=validation_fraction, test=test_fraction)
    compositions = CompositionRows()
    gathered = [GatheredSource(source) for source in sources]
    rows = _read_tables(gathered, compositions, split)
    labels, subsets, reports = _join(tasks, gathered, len(compositions))
    withheld = _withhold(tasks, withhold, labels, subsets)
    elements, fractions, formulas = compositions.release_arrays()
    report = PropertyReport(
        rows=rows,
        blank=compositions.blank,
        refused=compositions.refused,
        examples=tuple(compositions.examples),
        doubtful=compositions.doubtful,
        compositions=len(compositions),
        sources=reports,
        labels={
            task.name: {subset.word: int((subsets[:, column] == subset).sum()) for subset in Subset}
            for column, task in enumerate(tasks)
        },
        withheld=withheld,
    )
    return PropertyTable(tasks, elements, fractions, labels, subsets, formulas, report)


def _tasks(sources: Sequence[PropertySource], withhold: Sequence[str]) -> tuple[PropertyTask, ...]:
    """Return the tasks in the order of their first source, after checks."""
    tasks: dict[str, PropertyTask] = {}
    for source in sources:
        if tasks.setdefault(source.task.name, source.task) != source.task:
            raise DataError(f"Two sources describe property '{source.task.name}' differently.")
    if not tasks:
        raise DataError("There is no source of properties to read.")
    for name in withhold:
        if name not in tasks:
            raise DataError(
                f"Cannot withhold the test compositions of '{name}', expected one of {', '.join(tasks)}."
                f"{suggestion(name, tasks)}"
            )
    return tuple(tasks.values())


def _read_tables(gathered: Sequence[GatheredSource], compositions: CompositionRows, split: HashSplit) -> dict[str, int]:
    """Read each file once for all its sources and return the number of rows by table."""
    tables: dict[tuple[str, str], list[GatheredSource]] = {}
    for item in gathered:
        tables.setdefault((item.source.table, item.source.formula), []).append(item)
    rows: dict[str, int] = {}
    for (table, formula), members in tables.items():
        rows[table] = _read_table(table, formula, members, compositions, split)
    return rows


def _read_table(
    table: str, formula: str, members: Sequence[GatheredSource], compositions: CompositionRows, split: HashSplit
) -> int:
    """Read one file for all its sources and return its number of rows."""
    columns = [name for member in members for name in member.columns]
    texts = [formula, *(member.source.part for member in members if member.source.part)]
    count, readable, earlier = 0, False, len(compositions.examples)
    for frame in track(stream_frames(table, columns, texts=texts), f"reading {table}", unit="batch"):
        rows = compositions.rows(frame[formula])
        readable = readable or bool((rows >= 0).any())
        for member in members:
            member.gather(frame, rows, compositions.digests, split)
        count += len(frame)
    if not readable:
        examples = compositions.examples[earlier:]
        reason = f": {examples[0]}" if examples else "."
        raise DataError(f"Column '{formula}' of '{table}' has no valid formula{reason}")
    return count


def _join(
    tasks: Sequence[PropertyTask], gathered: list[GatheredSource], count: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8], tuple[SourceReport, ...]]:
    """Join the labels of all sources into one column for each task; `gathered` is emptied to free memory."""
    labels = np.full((count, len(tasks)), np.nan, dtype=np.float32)
    subsets = np.zeros((count, len(tasks)), dtype=np.uint8)
    columns = {task.name: column for column, task in enumerate(tasks)}
    reports = []
    while gathered:
        item = gathered.pop(0)
        values, own = item.labels.finish(count)
        column = columns[item.source.task.name]
        # An existing label is only replaced if this one is a test label and the other is not.
        better = (own > 0) & ((subsets[:, column] == 0) | ((own == TEST) & (subsets[:, column] != TEST)))
        labels[better, column] = values[better]
        subsets[better, column] = own[better]
        labelled = int((own > 0).sum())
        reports.append(
            SourceReport(
                source=f"{item.source.table}.{item.source.column}",
                task=item.source.task.name,
                values=item.labels.rows_used + item.implausible,
                unreadable=item.unreadable,
                implausible=item.implausible,
                merged=item.labels.rows_used - labelled,
                labels=labelled,
            )
        )
    return labels, subsets, tuple(reports)


def _withhold(
    tasks: Sequence[PropertyTask], names: Sequence[str], labels: NDArray[np.float32], subsets: NDArray[np.uint8]
) -> dict[str, int]:
    """Remove, in place, labels that reveal a test label of a named task; return their number by task."""
    withheld = {}
    families = {task.name: task.family for task in tasks}
    for family in dict.fromkeys(families[name] for name in names):
        tested = np.zeros(len(subsets), dtype=bool)
        for column, task in enumerate(tasks):
            if task.name in names and task.family == family:
                tested |= subsets[:, column] == TEST
        for column, task in enumerate(tasks):
            if task.family == family:
                revealing = tested & (subsets[:, column] != 0) & (subsets[:, column] != TEST)
                labels[revealing, column] = np.nan
                subsets[revealing, column] = 0
                withheld[task.name] = int(revealing.sum())
    return withheld
