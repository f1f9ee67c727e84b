"""A screening: a table of any size is read as a stream, planned by many processes, and written shard by shard.

Processes get rows and return tables; only this one writes. So engines share the code and the bytes, and computers need
no folder in common.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa

from rrgraph.chem import anhydrous
from rrgraph.data import find_formula_column
from rrgraph.errors import PlanningError
from rrgraph.planning import SetConstraints, read_stock
from rrgraph.screening.answers import BATCH_ROWS, Answers, InputRow, Job, Reject, Task, answer, check
from rrgraph.screening.columns import SCHEMA
from rrgraph.screening.progress import Progress, watched
from rrgraph.screening.settings import ScreeningSettings, record
from rrgraph.screening.shards import Shards
from rrgraph.screening.summary import Summary, summarise
from rrgraph.util.engines import choose_engine
from rrgraph.util.environment import processors
from rrgraph.util.files import check_writable
from rrgraph.util.inputs import check_input
from rrgraph.util.locking import locked_folder
from rrgraph.util.parallel import parallel_map
from rrgraph.util.rows import Row, RowReader, count_rows, open_rows

__all__ = ["screen"]

_TRIES: Final = 3
"""How many processes may die of a shard before its rows are divided."""
_MOST_DEATHS: Final = 20
"""So many processes that die one after the other without an answer in between are no fault of rows; if that is more,
twice as many as there are processes, since a computer of a cluster may be lost with all of its own."""


def screen(
    settings: ScreeningSettings,
    folder: str | os.PathLike[str],
    *,
    engine: str = "local",
    jobs: int | None = None,
    address: str | None = None,
    resume: bool = False,
    restart: bool = False,
) -> Summary:
    """Plan all rows of a table and write the answers to a folder; return a summary, which is written beside them.

    Args:
        settings: what is asked.
        folder: new, or that of an earlier call.
        engine: ``local`` for processes of this computer, ``ray`` for those of a Ray cluster, ``serial`` for this one.
        jobs: number of processes, by default one for each processor core of this computer.
        address: of a Ray cluster that is running; by default one is started here.
        resume: go on with what an earlier call has left; shards that are done are not planned again.
        restart: discard what an earlier call has left.

    Raises:
        DataError: the input cannot be read, the folder holds something else, or cannot be written.
        ConfigError: an engine is not there, or another process works in the folder.
        RRGraphError: a setting cannot be used.
        PlanningError: processes die one after the other.
    """
    where = choose_engine(engine, address)
    folder = Path(folder)
    check_input(settings.input)
    check_writable(folder, folder=True)
    job = _job(settings)
    with open_rows(settings.input, names=[settings.column.lower()] if settings.column else ()) as rows:
        column = find_formula_column(rows, given=settings.column, hint=" --column NAME says which.")
        kept = _Kept(rows, settings.keep)
        with locked_folder(folder, option="--output"), _one_thread(restart or where is None):
            if restart:
                check(job)  # before anything is discarded
            shards = Shards(folder)
            shards.open(record(settings), resume=resume, restart=restart)
            jobs = 1 if where is None else jobs or processors()
            with watched(count_rows(settings.input)) as progress:
                work = _Work(settings, rows, column, kept, shards, progress, most_deaths=max(_MOST_DEATHS, 2 * jobs))
                answers = parallel_map(
                    partial(answer, job),
                    work.tasks(),
                    jobs=jobs,
                    threads=1,
                    again=work.again,
                    retire=lambda found: found.is_large,
                    engine=where,
                )
                with closing(answers):
                    for _, found in answers:
                        if isinstance(found, Answers):  # `again` deals with what died
                            work.take(found)
            return summarise(shards, shelf=job.shelf is not None)


def _job(settings: ScreeningSettings) -> Job:
    """Return what is the same for all tasks; files of formulas are read once, here."""
    constraints = SetConstraints().narrowed(
        exclude=settings.exclude, require=settings.require, stock=settings.stock, balanced=True
    )
    at_hand = settings.at_hand
    shelf = None
    if at_hand is not None:
        shelf = frozenset(anhydrous(item.composition).key for item in read_stock(at_hand))
    return Job(key=uuid4().hex, settings=settings, constraints=constraints, shelf=shelf)


@contextmanager
def _one_thread(here: bool) -> Iterator[None]:
    """Put back the number of threads of this process, if it plans itself."""
    if not here:
        yield
        return
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Kept:
    """Columns of the input that go along, below names that are not taken."""

    def __init__(self, rows: RowReader, names: Iterable[str]) -> None:
        self.columns = [rows.column(name, option="--keep") for name in dict.fromkeys(names)]
        taken = set(SCHEMA.names)
        self.fields = []
        for column in self.columns:
            name = column
            while name in taken:
                name += "_input"
            taken.add(name)
            self.fields.append(pa.field(name, rows.types.get(column, pa.string())))

    def cells(self, row: Row) -> tuple[Any, ...]:
        """Return the cells of a row."""
        return tuple(row.cells.get(column) for column in self.columns)

    def beside(self, table: pa.Table, cells: Mapping[int, tuple[Any, ...]]) -> pa.Table:
        """Return a table with the cells of its lines."""
        lines = table["line"].to_pylist()
        for index, each in enumerate(self.fields):
            values = [cells[line][index] for line in lines]
            if each.type == pa.string():
                values = [None if value is None else str(value) for value in values]
            table = table.append_column(each, pa.array(values, type=each.type))
        return table


@dataclass
class _Pending:
    """A shard that is being worked on.

    Attributes:
        rows: of the input.
        missing: how many of them are still to be planned.
        cells: that go along, by line.
        tables: answers.
        rejects: rows without one.
    """

    rows: int
    missing: int
    cells: dict[int, tuple[Any, ...]]
    tables: list[pa.Table] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class _Work:
    """Gives out shards as tasks, and writes them when they are answered."""

    def __init__(
        self,
        settings: ScreeningSettings,
        rows: RowReader,
        column: str,
        kept: _Kept,
        shards: Shards,
        progress: Progress,
        *,
        most_deaths: int,
    ) -> None:
        self.size, self.rows, self.column, self.kept = settings.shard_rows, iter(rows), column, kept
        self.shards, self.progress = shards, progress
        self.pending: dict[int, _Pending] = {}
        self.deaths, self.most_deaths = 0, most_deaths

    def tasks(self) -> Iterator[Task]:
        """Yield the shards that are not done.

        Raises:
            DataError: the input is damaged.
        """
        number = -1
        while rows := list(islice(self.rows, self.size)):
            number += 1
            if self.shards.done(number) is not None:
                self.progress.add(len(rows), before=True)
                continue
            good = [InputRow(row.line, self._text(row)) for row in rows if row.error is None]
            pending = _Pending(len(rows), len(good), {row.line: self.kept.cells(row) for row in rows})
            pending.rejects = [
                Reject.of(InputRow(row.line, row.text), row.error) for row in rows if row.error is not None
            ]
            self.pending[number] = pending
            if good:
                yield Task(shard=number, rows=tuple(good))
            else:
                self._write_if_whole(number)

    def take(self, found: Answers) -> None:
        """Keep answers, and write their shard if they are its last ones."""
        self.deaths = 0
        pending = self.pending[found.shard]
        pending.tables.append(found.table)
        pending.rejects += found.rejects
        pending.missing -= found.rows
        self._write_if_whole(found.shard)

    def again(self, task: Task) -> list[Task]:
        """Return what is tried in place of a task whose process died: the same, or after three tries its parts.

        A row of which alone three processes die is rejected.

        Raises:
            PlanningError: processes die one after the other.
        """
        self.deaths += 1
        if self.deaths >= self.most_deaths:
            raise PlanningError(f"{self.deaths} worker processes died one after the other (out of memory?).")
        if task.tries + 1 < _TRIES:
            return [replace(task, tries=task.tries + 1)]
        if len(task.rows) == 1:
            pending = self.pending[task.shard]
            pending.rejects.append(Reject.of(task.rows[0], "Every process that plans this row dies (out of memory?)."))
            pending.missing -= 1
            self._write_if_whole(task.shard)
            return []
        size = BATCH_ROWS if len(task.rows) > BATCH_ROWS else 1
        return [
            Task(shard=task.shard, rows=task.rows[start : start + size], tries=0 if size == 1 else _TRIES)
            for start in range(0, len(task.rows), size)
        ]

    def _text(self, row: Row) -> str:
        cell = row.cells.get(self.column)
        return "" if cell is None else str(cell).strip()

    def _write_if_whole(self, number: int) -> None:
        if self.pending[number].missing:
            return
        done = self.pending.pop(number)
        table = pa.concat_tables([SCHEMA.empty_table(), *done.tables]).sort_by("line")
        self.shards.write(number, self.kept.beside(table, done.cells), sorted(done.rejects), rows=done.rows)
        self.progress.add(done.rows)
