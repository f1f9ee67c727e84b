"""Tables of computed properties read into one table of compositions, in bounded memory.

Flows in: sources, several a file. Flows out: a `PropertyTable`, each file having been read once, a piece at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rrgraph.errors import DataError, suggestion
from rrgraph.properties.tables.cells import GatheredSource, HashSplit
from rrgraph.properties.tables.files import stream_frames
from rrgraph.properties.tables.index import CompositionRows
from rrgraph.properties.tables.table import PART_NAMES, PropertyReport, PropertyTable, SourceReport
from rrgraph.properties.tables.tasks import TEST, PropertySource, PropertyTask
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

    A composition is in one part of a task: that of the source's part column (test before validation before training
    where rows disagree), or one drawn by a hash of its canonical key, the same in every source without parts.
    Formulas that cannot be read are counted in the report. Memory is that of the result twice over, of one piece
    of a file, of values that a median still needs, and of 32 bytes a composition.

    Args:
        sources: columns to read; where several feed one task, test labels come first, then the earlier source.
        withhold: names of tasks. A composition in the test part of one of them has no training or validation label
            in any task of its family.
        validation_fraction: share of the compositions of a source without parts that validate.
        test_fraction: share of them that test.

    Raises:
        DataError: no source, different tasks of one name, an unknown name in `withhold`, shares that leave nothing to
            train on, a file that is missing or malformed, or one without any readable formula.
    """
    tasks = _tasks(sources, withhold)
    split = HashSplit(validation=validation_fraction, test=test_fraction)
    compositions = CompositionRows()
    gathered = [GatheredSource(source) for source in sources]
    rows = _read_tables(gathered, compositions, split)
    labels, parts, reports = _join(tasks, gathered, len(compositions))
    withheld = _withhold(tasks, withhold, labels, parts)
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
            task.name: {word: int((parts[:, column] == code).sum()) for code, word in PART_NAMES.items()}
            for column, task in enumerate(tasks)
        },
        withheld=withheld,
    )
    return PropertyTable(tasks, elements, fractions, labels, parts, formulas, report)


def _tasks(sources: Sequence[PropertySource], withhold: Sequence[str]) -> tuple[PropertyTask, ...]:
    """Return the tasks in order of their first source, after checks."""
    tasks: dict[str, PropertyTask] = {}
    for source in sources:
        if tasks.setdefault(source.task.name, source.task) != source.task:
            raise DataError(f"Two sources describe property '{source.task.name}' differently.")
    if not tasks:
        raise DataError("There is no source of properties to read.")
    for name in withhold:
        if name not in tasks:
            raise DataError(
                f"Cannot withhold the test compositions of '{name}', which is not read, only {', '.join(tasks)} are."
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
    count, readable, told = 0, False, len(compositions.examples)
    for frame in track(stream_frames(table, columns, texts=texts), f"reading {table}", unit="piece"):
        rows = compositions.rows(frame[formula])
        readable = readable or bool((rows >= 0).any())
        for member in members:
            member.gather(frame, rows, compositions.digests, split)
        count += len(frame)
    if not readable:
        examples = compositions.examples[told:]
        reason = f": {examples[0]}" if examples else "."
        raise DataError(f"No formula in column '{formula}' of '{table}' can be read{reason}")
    return count


def _join(
    tasks: Sequence[PropertyTask], gathered: list[GatheredSource], count: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8], tuple[SourceReport, ...]]:
    """Put the labels of all sources into columns of tasks; `gathered` is emptied on the way to free memory."""
    labels = np.full((count, len(tasks)), np.nan, dtype=np.float32)
    parts = np.zeros((count, len(tasks)), dtype=np.uint8)
    columns = {task.name: column for column, task in enumerate(tasks)}
    reports = []
    while gathered:
        item = gathered.pop(0)
        values, own = item.labels.finish(count)
        column = columns[item.source.task.name]
        # Not where both know it, unless only this source tests on it.
        better = (own > 0) & ((parts[:, column] == 0) | ((own == TEST) & (parts[:, column] != TEST)))
        labels[better, column] = values[better]
        parts[better, column] = own[better]
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
    return labels, parts, tuple(reports)


def _withhold(
    tasks: Sequence[PropertyTask], names: Sequence[str], labels: NDArray[np.float32], parts: NDArray[np.uint8]
) -> dict[str, int]:
    """Remove, in place, labels that give away a test label of a named task; return how many by task."""
    withheld = {}
    families = {task.name: task.family for task in tasks}
    for family in dict.fromkeys(families[name] for name in names):
        tested = np.zeros(len(parts), dtype=bool)
        for column, task in enumerate(tasks):
            if task.name in names and task.family == family:
                tested |= parts[:, column] == TEST
        for column, task in enumerate(tasks):
            if task.family == family:
                given_away = tested & (parts[:, column] != 0) & (parts[:, column] != TEST)
                labels[given_away, column] = np.nan
                parts[given_away, column] = 0
                withheld[task.name] = int(given_away.sum())
    return withheld
