"""Writers of a command's records: JSON lines, CSV, Parquet, and the printed table of the command."""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, Protocol, TypeVar

from rrgraph.errors import DataError, suggestion
from rrgraph.util.files import atomic_path

__all__ = ["Layout", "Record", "Writer", "check_output", "open_output"]

_SUFFIXES = (".jsonl", ".csv", ".parquet")
_GROUP = 10_000
"""Number of rows in a row group of Parquet."""


class Record(Protocol):
    """The result of a command for one row of its input."""

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object."""


R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Layout(Generic[R]):
    """How records become rows of columns.

    Attributes:
        columns: names in order with the types of their values (`int`, `float` or `str`); values may be missing.
        rows: return the rows of one record, given its number from 1; columns missing in a row are left empty.
    """

    columns: Mapping[str, type]
    rows: Callable[[int, R], Iterable[Mapping[str, Any]]]


class Writer(ABC, Generic[R]):
    """Takes records one by one."""

    @abstractmethod
    def write(self, record: R) -> None:
        """Show or write one record."""


class JsonWriter(Writer[R]):
    """One JSON object a line."""

    def __init__(self, stream: IO[str] | None) -> None:
        self.stream = stream

    def write(self, record: R) -> None:
        print(json.dumps(record.to_json(), ensure_ascii=False, allow_nan=False), file=self.stream)


class RowsWriter(Writer[R]):
    """Rows in columns."""

    def __init__(self, layout: Layout[R]) -> None:
        self.layout = layout
        self.number = 0

    def rows(self, record: R) -> Iterator[dict[str, Any]]:
        """Yield the rows of one record with all columns."""
        self.number += 1
        empty = dict.fromkeys(self.layout.columns)
        for row in self.layout.rows(self.number, record):
            yield empty | dict(row)


class CsvWriter(RowsWriter[R]):
    """Rows as CSV."""

    def __init__(self, stream: IO[str], layout: Layout[R]) -> None:
        super().__init__(layout)
        self.writer = csv.DictWriter(stream, fieldnames=list(layout.columns), lineterminator="\n")
        self.writer.writeheader()

    def write(self, record: R) -> None:
        self.writer.writerows(self.rows(record))


class ParquetWriter(RowsWriter[R]):
    """Rows as Parquet, a group of rows at a time."""

    def __init__(self, path: Path, layout: Layout[R]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        super().__init__(layout)
        types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
        self.schema = pa.schema([(name, types[each]) for name, each in layout.columns.items()])
        self.file = pq.ParquetWriter(path, self.schema)
        self.waiting: list[dict[str, Any]] = []

    def write(self, record: R) -> None:
        self.waiting.extend(self.rows(record))
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


class Tee(Writer[R]):
    """Several writers at once."""

    def __init__(self, writers: Sequence[Writer[R]]) -> None:
        self.writers = writers

    def write(self, record: R) -> None:
        for writer in self.writers:
            writer.write(record)


def check_output(path: str | None, suffixes: Sequence[str] = _SUFFIXES) -> None:
    """Check the suffix of an output file before any work is done.

    Raises:
        DataError: the name does not end with one of the suffixes.
    """
    if path is not None and Path(path).suffix not in suffixes:
        raise DataError(
            f"--output is '{path}', expected a name that ends with {', '.join(suffixes[:-1])} or {suffixes[-1]}."
            f"{suggestion(Path(path).suffix, suffixes)}"
        )


@contextmanager
def open_output(path: str | None, layout: Layout[R], *, as_json: bool, table: Writer[R]) -> Iterator[Writer[R]]:
    """Yield a writer for `--output`, `--json`, both, or the terminal; the file appears once everything is written.

    Args:
        path: of the file, None for the terminal only.
        layout: the columns of CSV and Parquet.
        as_json: print JSON lines.
        table: writer of the printed table, used if there is neither file nor JSON.

    Raises:
        DataError: the file name does not end with .jsonl, .csv or .parquet, or the file cannot be written.
    """
    check_output(path)
    printer: Writer[R] = JsonWriter(None) if as_json else table
    if path is None:
        yield printer
        return
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_path(path))
        suffix = Path(path).suffix
        writer: Writer[R]
        if suffix == ".parquet":
            writer = parquet = ParquetWriter(temporary, layout)
            stack.callback(parquet.close)
        else:
            stream = stack.enter_context(temporary.open("w", encoding="utf-8", newline=""))
            writer = JsonWriter(stream) if suffix == ".jsonl" else CsvWriter(stream, layout)
        yield Tee([writer, printer]) if as_json else writer
