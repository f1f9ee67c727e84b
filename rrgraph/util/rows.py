"""Rows of a table or list: CSV (comma, semicolon or tab), JSONL, text with an entry a line, Excel workbooks, Parquet.

Files are streamed and every row knows its line. Whatever is wrong with a row leaves the others alone: a quoted cell may
contain line breaks, but a quote that is never closed makes one bad row and does not swallow the rest of the file.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import os
import re
import sys
import warnings
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, TypeAlias

from rrgraph.errors import DataError, DataWarning, suggestion
from rrgraph.util.files import suggest_file
from rrgraph.util.sheets import restored_cells

__all__ = ["ENTRY", "Row", "RowReader", "column_name", "count_rows", "named_column", "open_rows"]

ENTRY: Final = "entry"
"""The only column of a text file with an entry a line."""

_DELIMITERS: Final = (",", ";", "\t")
_HEAD: Final = 100
"""Rows that are looked at for the columns of JSONL."""
_LONGEST_RECORD: Final = 50
"""Lines that one row of CSV may span; a quote that is open for longer was never closed."""
_FORMATS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}
_OTHER: Final = (".xls", ".ods", ".json", ".pdf", ".docx", ".doc", ".zip", ".xz", ".npz", ".pkl", ".feather")
_PARQUET_BATCH: Final = 4096

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


class _Raw(NamedTuple):
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
        self._header: _Raw | None = None
        self._rows: Iterator[_Raw] = iter(())
        self._ahead: deque[_Raw] = deque()

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
        ahead: list[_Raw] = []
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

    def _next(self) -> _Raw | None:
        if self._ahead:
            return self._ahead.popleft()
        try:
            return next(self._rows, None)
        except DataError:
            raise
        except (EOFError, OSError, ValueError, zlib.error, zipfile.BadZipFile) as error:
            raise DataError(f"Cannot read {self.name}: {' '.join(str(error).split())}.") from None

    def _row(self, raw: _Raw) -> Row:
        if isinstance(raw.record, str):
            return Row(raw.line, error=raw.record, text=raw.text)
        if isinstance(raw.record, Mapping):
            return Row(raw.line, raw.record)
        width = len(self.columns)
        cells = [*raw.record, *[""] * (width - len(raw.record))]
        surplus = tuple(cell for cell in cells[width:] if cell not in ("", None))
        return Row(raw.line, dict(zip(self.columns, cells, strict=False)), surplus=surplus)


def open_rows(path: str | os.PathLike[str], *, names: Collection[str] = ()) -> RowReader:
    """Open a table or list; ``.gz`` is read through, and ``-`` is standard input.

    ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet`` and ``.xlsx`` (its first sheet, or that of ``FILE.xlsx:SHEET``) are
    read as what they are called. Anything else is text with an entry a line, or CSV or JSONL where it looks so.

    Args:
        path: of the file.
        names: column names, lower case; text whose first line has one of them is CSV.

    Raises:
        DataError: the file is missing, of a format that is not read, empty where a header is expected, or damaged.
    """
    text = os.fspath(path)
    found, sheet = _with_sheet(text)
    name = "standard input" if text == "-" else f"'{text}'"
    if text != "-" and not Path(found).is_file():
        raise DataError(f"There is no file '{text}'.{suggest_file(text)}")
    suffix = Path(found.lower().removesuffix(".gz")).suffix
    if suffix in _OTHER:
        raise DataError(
            f"{name} is not a table or list that can be read: expected .csv, .tsv, .txt, .jsonl, .parquet (each also "
            "with .gz) or .xlsx."
        )
    with ExitStack() as stack:
        reader = RowReader(name, stack)
        try:
            match _FORMATS.get(suffix):
                case "parquet":
                    _open_parquet(reader, stack.enter_context(_seekable(found)))
                case "xlsx":
                    _open_workbook(reader, stack.enter_context(_seekable(found)), sheet)
                case form:
                    lines = _Lines(_text_lines(found, name, stack))
                    _open_text(reader, lines, form, suffix, frozenset(names))
        except DataError:
            raise
        except (EOFError, OSError, ValueError, zlib.error, zipfile.BadZipFile) as error:
            raise DataError(f"Cannot read {name}: {' '.join(str(error).split())}.") from None
        reader._opened = stack.pop_all()
    return reader


def count_rows(path: str) -> int | None:
    """Return about how many rows a file has, None for standard input and for what cannot be counted quickly."""
    found, _ = _with_sheet(path)
    suffix = Path(found.lower().removesuffix(".gz")).suffix
    if path == "-" or _FORMATS.get(suffix) in ("parquet", "xlsx"):
        return None
    try:
        with _binary(found) as handle:
            return sum(1 for _ in handle)
    except (EOFError, OSError, zlib.error):
        return None


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
        raise DataError(
            f"{source} has no column '{name}'{asked}, found {', '.join(columns) or 'none'}.{suggestion(name, columns)}"
        )
    return found


def _with_sheet(path: str) -> tuple[str, str | None]:
    """Divide ``FILE.xlsx:SHEET``."""
    found = re.fullmatch(r"(.+\.xls[xm](?:\.gz)?):(.+)", path, re.IGNORECASE)
    return (found[1], found[2]) if found and not Path(path).is_file() else (path, None)


def _binary(path: str) -> IO[bytes]:
    opener: Any = gzip.open if path.lower().endswith(".gz") else open
    handle: IO[bytes] = opener(path, "rb")
    return handle


def _seekable(path: str) -> IO[bytes]:
    if not path.lower().endswith(".gz"):
        return _binary(path)
    with _binary(path) as handle:
        return io.BytesIO(handle.read())


class _Lines:
    """Numbered lines of which some can be put back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._back: deque[str] = deque()
        self.number = 0

    def next(self) -> str | None:
        """Return the next line with its line break, None at the end; `number` becomes its number."""
        line = self._back.popleft() if self._back else next(self._lines, None)
        self.number += line is not None
        return line

    def put_back(self, lines: Sequence[str]) -> None:
        """Put lines back in front of the others."""
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)


def _text_lines(path: str, name: str, stack: ExitStack) -> Iterator[str]:
    """Return the lines of a file or of standard input, whatever their encoding."""
    if path == "-" and sys.stdin is None:
        raise DataError("Cannot read standard input: it is closed.")
    if path == "-" and not hasattr(sys.stdin, "buffer"):
        return iter(sys.stdin)
    handle: Any = sys.stdin.buffer if path == "-" else stack.enter_context(_binary(path))
    start = handle.peek(4096)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        stream = io.TextIOWrapper(handle, encoding="utf-16", errors="replace", newline="")
    else:
        if b"\0" in start:
            raise DataError(f"{name} is not text, or in an encoding that is not read; expected UTF-8.")
        stream = io.TextIOWrapper(handle, encoding="utf-8-sig", errors="surrogateescape", newline="")
    stack.callback(stream.detach)  # closing it would close standard input
    return _decoded(stream, name)


def _decoded(lines: Iterable[str], name: str) -> Iterator[str]:
    """Read lines that are not UTF-8 as Windows-1252, the encoding that spreadsheets save besides."""
    noted = False
    for line in lines:
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError:
                line = line.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
                if not noted:
                    noted = True
                    _note(f"{name} is not UTF-8 text throughout; such lines are read as Windows-1252 (Latin-1).")
        yield line


def _note(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=2)


def _open_text(reader: RowReader, lines: _Lines, form: str | None, suffix: str, names: frozenset[str]) -> None:
    """Find out what text is, and set columns and rows."""
    first = _first_line(lines, names, keep=form == "jsonl")
    if form == "jsonl" or (form is None and first is not None and first.lstrip().startswith("{")):
        reader.is_json = True
        reader._rows = _json_rows(lines)
        reader.columns = tuple(dict.fromkeys(chain.from_iterable(row.cells for row in reader.head(_HEAD))))
        return
    delimiter = _delimiter(first or "", names, "\t" if suffix in (".tsv", ".tab") else ",")
    if form is None and not (first and _is_header(first, delimiter, names)):
        reader.is_list, reader.columns = True, (ENTRY,)
        reader._rows = _entry_rows(lines)
        return
    if first is None:
        raise DataError(f"{reader.name} is empty, expected a header with the names of the columns.")
    header = _record(lines, delimiter, None)
    if header is None:
        raise DataError(f"The header of {reader.name}, line {lines.number}: a quote is not closed.")
    header = restored_cells(header)
    reader.columns = _unique(header)
    reader._header = _Raw(lines.number, header)
    reader._rows = _csv_rows(lines, delimiter, len(header))


def _first_line(lines: _Lines, names: frozenset[str], *, keep: bool) -> str | None:
    """Return the line of the header, which is read next; blank lines, comments and ``sep=;`` before it are skipped."""
    while (line := lines.next()) is not None:
        text = line.strip()
        if keep or (text and not re.fullmatch(r"sep=.", text) and not _is_leading_comment(text, names)):
            if (
                text.startswith("#")
                and not _is_number_sign(text, names)
                and _known(_split(text.lstrip("# "), names), names)
            ):
                line = line.lstrip().lstrip("# ")
            lines.put_back([line])
            return line
    return None


def _is_leading_comment(text: str, names: frozenset[str]) -> bool:
    """Whether a line above the header is a comment, and not a header behind a number sign."""
    if not text.startswith("#") or _is_number_sign(text, names):
        return False
    return not _known(_split(text.lstrip("# "), names), names)


def _is_number_sign(header: str, names: frozenset[str]) -> bool:
    """Whether the first of several columns is called ``#``."""
    cells = _split(header, names)
    return len(cells) > 1 and cells[0].strip(' "') == "#"


def _split(line: str, names: frozenset[str]) -> list[str]:
    return line.split(_delimiter(line, names, ","))


def _known(cells: Iterable[str], names: frozenset[str]) -> bool:
    return any(column_name(cell.strip(' "')) in names for cell in cells)


def _is_header(line: str, delimiter: str, names: frozenset[str]) -> bool:
    return _known(line.split(delimiter), names)


def _delimiter(header: str, names: frozenset[str], usual: str) -> str:
    """Return what separates the cells of a header: by a known name between, or else by what is most frequent."""
    plain = re.sub(r'"[^"]*"', lambda quoted: re.sub(r"[,;\t]", "_", quoted[0]), header)
    known = [mark for mark in _DELIMITERS if mark in plain and _known(plain.split(mark), names)]
    counts = Counter(mark for mark in plain if mark in (known or _DELIMITERS))
    return max(_DELIMITERS, key=lambda mark: (counts[mark], mark == usual)) if counts else usual


def _unique(header: Sequence[object]) -> tuple[str, ...]:
    """Return column names without surrounding blanks; nameless ones get a number, repeated ones a suffix."""
    columns: list[str] = []
    for number, cell in enumerate(header, start=1):
        name = base = ("" if cell is None else str(cell).strip()) or f"column {number}"
        repeated = 0
        while name in columns:
            repeated += 1
            name = f"{base}.{repeated}"
        columns.append(name)
    return tuple(columns)


def _entry_rows(lines: _Lines) -> Iterator[_Raw]:
    while (line := lines.next()) is not None:
        entry = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if entry:
            yield _Raw(lines.number, [entry])


def _csv_rows(lines: _Lines, delimiter: str, width: int) -> Iterator[_Raw]:
    while (line := lines.next()) is not None:
        if not line.strip():
            continue
        number = lines.number
        lines.put_back([line])
        cells = _record(lines, delimiter, width)
        if cells is None:
            yield _Raw(number, "a quote is not closed.", line.rstrip("\r\n"))
        elif not (line.lstrip().startswith("#") and len(cells) < max(width, 2)):
            yield _Raw(number, restored_cells(cells))


def _record(lines: _Lines, delimiter: str, width: int | None) -> list[str] | None:
    """Return the cells of the next row, None where a quote is never closed; then only the first line is used up.

    A row of several lines must have as many cells as the header: where it has not, the closing quote is that of
    another cell.
    """
    text = lines.next() or ""
    more: list[str] = []
    while True:
        cells, is_strict = _cells(text.rstrip("\r\n"), delimiter)
        if cells is not None and not more:
            return cells
        if cells is not None and is_strict and width in (None, len(cells)):
            return cells
        line = lines.next() if cells is None and len(more) < _LONGEST_RECORD else None
        if line is None:
            lines.put_back(more)
            return None
        more.append(line)
        text += line


_QUOTED: Final = re.compile(r' *"((?:[^"]|"")*+)"')


def _cells(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """Return the cells, None where a quote is open, and whether every closing quote ends its cell."""
    if '"' not in text:
        return text.split(delimiter), True
    cells: list[str] = []
    start, is_strict = 0, True
    while True:
        quoted = _QUOTED.match(text, start)
        if quoted is None and text[start:].lstrip(" ").startswith('"'):
            return None, is_strict
        end = text.find(delimiter, quoted.end() if quoted else start)
        end = len(text) if end < 0 else end
        rest = text[quoted.end() : end] if quoted else ""
        is_strict = is_strict and not rest.strip()
        cells.append(quoted[1].replace('""', '"') + (rest if rest.strip() else "") if quoted else text[start:end])
        if end == len(text):
            return cells, is_strict
        start = end + 1


def _json_rows(lines: _Lines) -> Iterator[_Raw]:
    while (line := lines.next()) is not None:
        if line.strip():
            yield _Raw(lines.number, _json_record(line), line.rstrip("\r\n"))


def _json_record(line: str) -> Record:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        return f"not valid JSON ({error.msg} at column {error.colno})."
    except (RecursionError, ValueError):  # nested or numbers too long to decode
        return "not JSON that can be decoded."
    return record if isinstance(record, dict) else "not a JSON object."


def _open_parquet(reader: RowReader, handle: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(handle)
    reader.columns = tuple(file.schema_arrow.names)
    reader.types = {each.name: each.type for each in file.schema_arrow if not pa.types.is_nested(each.type)}
    batches = file.iter_batches(batch_size=_PARQUET_BATCH)
    rows = chain.from_iterable(batch.to_pylist() for batch in batches)
    reader._rows = (_Raw(number, row) for number, row in enumerate(rows, start=1))


def _open_workbook(reader: RowReader, handle: IO[bytes], sheet: str | None) -> None:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise DataError(f"Reading {reader.name} needs openpyxl: pip install 'rrgraph[xlsx]'.") from None

    try:
        workbook = load_workbook(handle, read_only=True, data_only=True)
    except (KeyError, TypeError) as error:
        raise DataError(f"{reader.name} cannot be read as an Excel workbook: {error}.") from None
    reader._opened.callback(workbook.close)
    names = [found.title for found in workbook.worksheets]
    if sheet is not None and sheet not in names:
        raise DataError(f"{reader.name} has no sheet '{sheet}', found {', '.join(names)}.{suggestion(sheet, names)}")
    found = workbook.worksheets[0] if sheet is None else workbook[sheet]
    found.reset_dimensions()  # some programs write wrong ones
    rows = (
        _Raw(number, [_plain(cell) for cell in cells])
        for number, cells in enumerate(found.iter_rows(values_only=True), start=1)
        if any(cell is not None and str(cell).strip() for cell in cells)
    )
    header = next((row for row in rows if not _is_note(row.record, 2)), None)
    if header is None:
        raise DataError(f"{reader.name} is empty, expected a header with the names of the columns.")
    filled = list(header.record)
    while filled[-1] in ("", None):
        filled.pop()
    reader.columns, reader._header = _unique(filled), header
    reader._rows = (row for row in rows if not _is_note(row.record, len(filled)))


def _is_note(record: Record, width: int) -> bool:
    """Whether the row of a sheet is a comment."""
    filled = [cell for cell in record if cell not in ("", None)]
    return len(filled) < max(width, 2) and str(filled[0]).lstrip().startswith("#")


def _plain(value: Any) -> Any:
    """Return the value of a cell of a sheet: dates and times as text."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else value
