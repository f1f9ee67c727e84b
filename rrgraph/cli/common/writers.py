"""Writers of a command's records: JSON lines, CSV, Parquet, Excel, and the printed table of the command.

Columns of the input that a command does not use go along: each value as it was read, below a name that is not taken.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from rrgraph.errors import DataError, DataWarning, suggestion
from rrgraph.util.files import PathLike, atomic_path, check_files, open_text
from rrgraph.util.rows import Row
from rrgraph.util.sheets import SheetWriter
from rrgraph.util.tabular import output_suffix
from rrgraph.util.text import unicode_text

__all__ = [
    "SUFFIXES",
    "Layout",
    "Opener",
    "Reject",
    "Writer",
    "as_text",
    "check_outputs",
    "open_output",
    "open_rejects",
    "passed_columns",
    "summary_stream",
]

SUFFIXES = (".jsonl", ".csv", ".parquet", ".xlsx", ".jsonl.gz", ".csv.gz")
"""What names of tables may end in."""
_NOTHING: Mapping[str, Any] = {}
_GROUP = 10_000
"""Number of rows in a row group of Parquet."""


R = TypeVar("R")


@dataclass(frozen=True)
class Layout(Generic[R]):
    """How records become rows of columns, and lines of JSON.

    Attributes:
        columns: names in order with the types of their values (`int`, `float` or `str`); values may be missing.
        number: the column with the number of the record, from 1.
        rows: return the rows of one record; columns missing in a row are left empty.
        line: return one record as a JSON object.
        keys: of these objects, where they are not called as columns are.
        passed: columns of the input by the name they have there, with that in the output and the type (as in `columns`,
            or of Arrow).
    """

    columns: Mapping[str, Any]
    number: str
    rows: Callable[[R], Iterable[Mapping[str, Any]]]
    line: Callable[[R], Mapping[str, Any]]
    keys: Collection[str] = ()
    passed: Mapping[str, tuple[str, Any]] = field(default_factory=dict)


class Writer(ABC, Generic[R]):
    """Takes records one by one."""

    def prepare(self, record: R) -> Any:
        """Return what `write` takes; of writers of files it is ready for JSON, from which it may also come back."""
        return record

    @abstractmethod
    def write(self, prepared: Any, cells: Mapping[str, Any] = _NOTHING) -> None:
        """Show or write one record, whose row of the input has these cells."""


class JsonWriter(Writer[R]):
    """One JSON object a line."""

    def __init__(self, stream: IO[str] | None, layout: Layout[R]) -> None:
        self.stream, self.layout = stream, layout

    def prepare(self, record: R) -> Any:
        return dict(self.layout.line(record))

    def write(self, prepared: Any, cells: Mapping[str, Any] = _NOTHING) -> None:
        passed = {name: _as_json(cells.get(given)) for given, (name, _) in self.layout.passed.items()}
        print(json.dumps(prepared | passed, ensure_ascii=False, allow_nan=False), file=self.stream)


class RowsWriter(Writer[R]):
    """Rows in columns."""

    def __init__(self, layout: Layout[R]) -> None:
        self.layout = layout
        self.number = 0

    @property
    def columns(self) -> dict[str, Any]:
        """All columns with their types."""
        return {**self.layout.columns, **dict(self.layout.passed.values())}

    def prepare(self, record: R) -> Any:
        return [dict(row) for row in self.layout.rows(record)]

    def rows(self, prepared: Any, cells: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the rows of one record with all columns."""
        self.number += 1
        empty = dict.fromkeys(self.layout.columns)
        passed = {
            name: as_text(cells.get(given)) if kind is str else cells.get(given)
            for given, (name, kind) in self.layout.passed.items()
        }
        for row in prepared:
            whole = empty | row | {self.layout.number: self.number} | passed
            yield {name: unicode_text(cell) if isinstance(cell, str) else cell for name, cell in whole.items()}


class CsvWriter(RowsWriter[R]):
    """Rows as CSV."""

    def __init__(self, stream: IO[str], layout: Layout[R]) -> None:
        super().__init__(layout)
        self.writer = SheetWriter(stream)
        self.writer.write(self.columns)

    def write(self, prepared: Any, cells: Mapping[str, Any] = _NOTHING) -> None:
        for row in self.rows(prepared, cells):
            self.writer.write(row[name] for name in self.columns)


class ParquetWriter(RowsWriter[R]):
    """Rows as Parquet, a group of rows at a time."""

    def __init__(self, path: Path, layout: Layout[R]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        super().__init__(layout)
        types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
        self.schema = pa.schema([(name, types.get(each, each)) for name, each in self.columns.items()])
        self.file = pq.ParquetWriter(path, self.schema)
        self.waiting: list[dict[str, Any]] = []

    def write(self, prepared: Any, cells: Mapping[str, Any] = _NOTHING) -> None:
        self.waiting.extend(self.rows(prepared, cells))
        if len(self.waiting) >= _GROUP:
            self.flush()

    def flush(self) -> None:
        """Write the rows collected so far."""
        import pyarrow as pa

        if self.waiting:
            self.file.write_table(pa.Table.from_pylist(self.waiting, schema=self.schema))
        self.waiting = []

    def close(self) -> None:
        """Write the remaining rows and finish the file."""
        self.flush()
        self.file.close()


Opener = Callable[[Path, Layout[R]], AbstractContextManager[Writer[R]]]
"""Opens the writer of a kind of file that only one command writes."""


class Tee(Writer[R]):
    """Several writers at once."""

    def __init__(self, writers: Sequence[Writer[R]]) -> None:
        self.writers = writers

    def prepare(self, record: R) -> Any:
        return [writer.prepare(record) for writer in self.writers]

    def write(self, prepared: Any, cells: Mapping[str, Any] = _NOTHING) -> None:
        for writer, each in zip(self.writers, prepared, strict=True):
            writer.write(each, cells)


def check_outputs(
    arguments: argparse.Namespace,
    *,
    inputs: Mapping[str, PathLike | None] = _NOTHING,
    suffixes: Sequence[str] = SUFFIXES,
) -> None:
    """Check `--output` and `--rejects` before any work is done.

    Args:
        arguments: of a command that has these and `--input`.
        inputs: further files to read by option.
        suffixes: that the output may have.

    Raises:
        DataError: the name of the output does not end with one of the suffixes; there are no rows to reject; a file
            cannot be written, or is that of another option.
    """
    _check_suffix(arguments.output, suffixes)
    if arguments.rejects is not None and arguments.input is None:
        raise DataError("--rejects is for the rows of --input FILE, which is not given.")
    outputs = {"--output": arguments.output, "--rejects": arguments.rejects}
    check_files(outputs, {"--input": arguments.input, **inputs})


def _check_suffix(path: str | None, suffixes: Sequence[str]) -> None:
    if path is not None and not output_suffix(path, suffixes):
        raise DataError(
            f"--output is '{path}', expected a name that ends with {', '.join(suffixes[:-1])} or {suffixes[-1]}."
            f"{suggestion(''.join(Path(path).suffixes[-2:]), suffixes)}"
        )


def summary_stream(*outputs: str | None) -> AbstractContextManager[Any]:
    """Return a context in which what is printed goes to standard error if one of the outputs is standard output."""
    return redirect_stdout(sys.stderr) if any(map(_is_standard_output, outputs)) else nullcontext()


def _is_standard_output(path: str | None) -> bool:
    try:
        return path is not None and os.path.samestat(os.stat(path), os.fstat(1))  # noqa: PTH116
    except (OSError, ValueError):
        return False


@contextmanager
def open_output(
    path: str | None,
    layout: Layout[R],
    *,
    as_json: bool,
    table: Writer[R],
    more: Mapping[str, Any] = _NOTHING,
    openers: Mapping[str, Opener[R]] = _NOTHING,
) -> Iterator[Writer[R]]:
    """Yield a writer for `--output`, `--json`, both, or the terminal; the file appears once everything is written.

    Args:
        path: of the file, None for the terminal only.
        layout: the columns of CSV, Parquet and Excel, and the lines of JSON.
        as_json: print JSON lines.
        table: writer of the printed table, used if there is neither file nor JSON.
        more: columns of the input that go along, with their types.
        openers: of further kinds of files by suffix, or of these in another form.

    Raises:
        DataError: the file name does not end with .jsonl, .csv, .parquet or .xlsx, or the file cannot be written.
    """
    suffixes = tuple(dict.fromkeys((*SUFFIXES, *openers)))
    _check_suffix(path, suffixes)
    if path is not None or as_json:
        layout = replace(layout, passed=passed_columns(more, {*layout.columns, *layout.keys}))
    printer: Writer[R] = JsonWriter(None, layout) if as_json else table
    if path is None:
        yield printer
        return
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_path(path))
        suffix = output_suffix(path, suffixes)
        writer: Writer[R]
        if suffix in openers:
            writer = stack.enter_context(openers[suffix](temporary, layout))
        elif suffix == ".parquet":
            writer = parquet = ParquetWriter(temporary, layout)
            stack.callback(parquet.close)
        elif suffix == ".xlsx":
            from rrgraph.cli.common.excel import ExcelWriter

            writer = excel = ExcelWriter(temporary, layout)
            stack.callback(excel.close)
        else:
            stream = stack.enter_context(open_text(temporary))
            is_json = suffix.startswith(".jsonl")
            writer = JsonWriter(stream, layout) if is_json else CsvWriter(stream, layout)
        yield Tee([writer, printer]) if as_json else writer


def passed_columns(more: Mapping[str, Any], taken: Collection[str]) -> dict[str, tuple[str, Any]]:
    """Return the names and types that columns of the input have in the output; one that is taken ends in ``_input``."""
    used = {*taken, *more}
    passed = {}
    for given, kind in more.items():
        name = given
        while name in taken or (name != given and name in used):
            name += "_input"
        if name != given:
            warnings.warn(f"The column '{given}' of the input is '{name}' in the output.", DataWarning, stacklevel=2)
        used.add(name)
        passed[given] = name, kind
    return passed


Reject = Callable[[Row, str], None]
"""Writes a row that was rejected, and the reason."""


@contextmanager
def open_rejects(path: str | None, columns: Sequence[str]) -> Iterator[Reject]:
    """Yield a function that writes the rows which were rejected to the CSV file of `--rejects`, if there is one.

    Its columns are `line`, those of the input as they were read, and `reason`.

    Raises:
        DataError: the file cannot be written.
    """
    if path is None:
        yield lambda row, reason: None
        return
    columns = columns or ("text",)
    with atomic_path(path) as temporary, open_text(temporary) as stream:
        writer = SheetWriter(stream)
        names = passed_columns(dict.fromkeys(columns, str), ("line", "reason"))
        writer.write(["line", *(name for name, _ in names.values()), "reason"])

        def reject(row: Row, reason: str) -> None:
            cells = row.cells or {columns[0]: row.text}
            writer.write([row.line, *(as_text(cells.get(column)) for column in columns), reason])

        yield reject


def as_text(value: Any) -> str | None:
    """Return a value as it stands in a cell of text: what is not text as in JSON; None for what is missing."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and math.isnan(value):
        return None
    kept = isinstance(value, bool | int | float | list | dict)
    return json.dumps(value, ensure_ascii=False, default=str) if kept else str(value)


def _as_json(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | bool | int | float | None) else str(value)
