"""An open file of rows, and one row with its line, cells, or what is wrong with it."""

from __future__ import annotations

import re
import warnings
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

from rrgraph.errors import DataError, DataWarning, suggestion
from rrgraph.util.inputs import capital, cell_fault, unicode_text

__all__ = [
    "ENTRY",
    "MAX_COLUMNS",
    "RawRow",
    "Record",
    "Row",
    "RowReader",
    "column_name",
    "listed",
    "named_column",
    "unique_columns",
]

ENTRY: Final = "entry"
"""The only column of a text file with an entry a line."""

MAX_COLUMNS: Final = 10_000
"""Columns that a table may have."""
_MOST_LISTED: Final = 30

Record: TypeAlias = "Sequence[Any] | Mapping[str, Any] | str"
"""Cells in the order of the columns, or by column, or (as text) what is wrong with a row."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        line: where it begins in the file; in Parquet the number of the row. Both count from 1.
        cells: values by column; cells of CSV are the text between the delimiters, without quotes.
        error: why it cannot be used, None if it can.
        text: a row with an error as it stands in the file.
        surplus: cells beyond the columns, without empty ones.
    """

    line: int
    cells: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    text: str = ""
    surplus: tuple[Any, ...] = ()


class RawRow(NamedTuple):
    """A row before it is known what its columns are called."""

    line: int
    record: Record
    text: str = ""


class RowReader:
    """Iterates over the rows of an open file; a context manager that closes it.

    Attributes:
        name: of the file, for messages.
        columns: in order, without surrounding blanks; of JSONL those of the first rows.
        is_list: whether it is text with an entry a line, whose only column is `ENTRY`.
        is_json: whether each row names its own columns.
        types: the Arrow types of the columns of Parquet, without nested ones.
    """

    def __init__(self, name: str, opened: ExitStack) -> None:
        self.name = name
        self.columns: tuple[str, ...] = ()
        self.is_list = self.is_json = False
        self.types: Mapping[str, Any] = {}
        self._opened = opened
        self._header: RawRow | None = None
        self._rows: Iterator[RawRow] = iter(())
        self._ahead: deque[RawRow] = deque()

    def __enter__(self) -> RowReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows that are left.

        Raises:
            DataError: the file is cut off or damaged.
        """
        while (raw := self._next()) is not None:
            yield self._row(raw)

    def head(self, count: int) -> list[Row]:
        """Return the next rows, which stay to be iterated over.

        Raises:
            DataError: the file is cut off or damaged.
        """
        ahead: list[RawRow] = []
        while len(ahead) < count and (raw := self._next()) is not None:
            ahead.append(raw)
        self._ahead.extendleft(reversed(ahead))
        return [self._row(raw) for raw in ahead]

    def where(self, row: Row) -> str:
        """Return the origin of a row for messages: ``line 7 of 'targets.csv'``."""
        return f"line {row.line} of {self.name}"

    def column(self, name: str, *, option: str = "") -> str:
        """Return the column of a name, see `named_column`.

        Raises:
            DataError: there is none.
        """
        if self.is_list:
            raise DataError(f"{self.name} is text with an entry a line and has no column '{name}'.")
        if self.is_json and not self.columns:
            return name
        return named_column(name, self.columns, source=self.name, option=option)

    def drop_header(self) -> None:
        """Take the header for a row, for a table without one; the columns are then called ``column 1``, ..."""
        if self._header is not None:
            self._ahead.appendleft(self._header)
            self.columns = tuple(f"column {number}" for number in range(1, len(self.columns) + 1))
            self._header = None

    def _next(self) -> RawRow | None:
        if self._ahead:
            return self._ahead.popleft()
        return next(self._rows, None)

    def _row(self, raw: RawRow) -> Row:
        if isinstance(raw.record, str):
            return Row(raw.line, error=raw.record, text=unicode_text(raw.text))
        if isinstance(raw.record, Mapping):
            row = Row(raw.line, raw.record)
        else:
            width = len(self.columns)
            cells = [*raw.record, *[""] * (width - len(raw.record))]
            surplus = tuple(cell for cell in cells[width:] if cell not in ("", None))
            row = Row(raw.line, dict(zip(self.columns, cells, strict=False)), surplus=surplus)
        fault = next(filter(None, map(cell_fault, (*row.cells, *row.cells.values(), *row.surplus))), None)
        if fault is None and len(row.cells) > MAX_COLUMNS:
            fault = f"has more than {MAX_COLUMNS:,} columns."
        return row if fault is None else Row(raw.line, _shown(row.cells), error=fault, text=unicode_text(raw.text))


def column_name(text: str) -> str:
    """Return a column name for comparison: lower case, words joined by single blanks.

    >>> column_name(" Chemical_Formula ")
    'chemical formula'
    """
    return " ".join(re.split(r"[\s_\-]+", text.strip().casefold())).strip()


def named_column(name: str, columns: Sequence[str], *, source: str, option: str = "") -> str:
    """Return the column of a name, which may differ in capitals and surrounding blanks.

    Args:
        name: as asked for.
        columns: that there are.
        source: of the columns, for the message.
        option: that asked for it, for the message.

    Raises:
        DataError: there is none; the message lists the columns and suggests the nearest.
    """
    if name in columns:
        return name
    found = next((column for column in columns if column_name(column) == column_name(name)), None)
    if found is None:
        asked = f", which {option} asks for" if option else ""
        raise DataError(f"{source} has no column '{name}'{asked}, found {listed(columns)}.{suggestion(name, columns)}")
    return found


def listed(columns: Sequence[str]) -> str:
    """Return the names of columns for a message, of many the first ones.

    >>> listed(["a", "b"]), listed([])
    ('a, b', 'none')
    """
    shown = ", ".join(name[:100] for name in columns[:_MOST_LISTED])
    more = len(columns) - _MOST_LISTED
    return f"{shown} and {more:,} more" if more > 0 else shown or "none"


def _shown(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a row that cannot be used as they can be shown and written."""
    return {
        unicode_text(name): unicode_text(cell) if isinstance(cell, str) else None if cell_fault(cell) else cell
        for name, cell in islice(cells.items(), MAX_COLUMNS)
    }


def unique_columns(header: Sequence[object], name: str) -> tuple[str, ...]:
    """Return column names without surrounding blanks; nameless ones get a number, repeated ones a suffix.

    Args:
        header: the cells.
        name: of the file, for messages.

    Raises:
        DataError: there are too many columns, or a name is not text.
    """
    if len(header) > MAX_COLUMNS:
        raise DataError(f"{capital(name)} has {len(header):,} columns, at most {MAX_COLUMNS:,} are read.")
    columns: dict[str, None] = {}
    repeated: Counter[str] = Counter()
    for number, cell in enumerate(header, start=1):
        text = "" if cell is None else str(cell).strip()
        if fault := cell_fault(text):
            raise DataError(f"The header of {name}: the name of column {number} {fault}")
        column = base = text or f"column {number}"
        while column in columns:
            repeated[base] += 1
            column = f"{base}.{repeated[base]}"
        columns[column] = None
    if twice := next((base for base in repeated if base in header), None):
        message = f"{capital(name)} has the column '{twice}' more than once; the second is called '{twice}.1'."
        warnings.warn(message, DataWarning, stacklevel=2)
    return tuple(columns)
