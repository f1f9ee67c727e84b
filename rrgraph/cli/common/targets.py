"""The compositions that a command is asked for, read from arguments and streamed files and checked row by row.

A row is a line. Whatever is wrong with one makes a bad row and leaves the others alone, so CSV is read line by line:
a quote that is never closed would otherwise swallow the rest of the file.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from rrgraph.chem import Composition, is_structure_file, parse_formula, read_structure
from rrgraph.errors import DataError, FormulaError, PlanningError, suggestion
from rrgraph.planning import MAX_SIZE
from rrgraph.util.files import suggest_file

__all__ = ["TargetRow", "count_lines", "read_targets", "size_column_of"]

_BATCH_SIZE = 256
_FORMULA_COLUMNS = ("target", "formula")
_SIZE_COLUMN = "column:"

Record = Mapping[str, Any] | DataError
"""A row by column, or what is wrong with its line."""


@dataclass(frozen=True)
class TargetRow:
    """One target as it was asked for.

    Attributes:
        text: the formula as typed.
        target: its composition, None when it cannot be read.
        size: known number of precursors, None when it is not known.
        error: why the row cannot be planned, with its line number when it came from a file.
    """

    text: str
    target: Composition | None
    size: int | None = None
    error: str | None = None


def size_column_of(set_size: str | None) -> str | None:
    """Return the column that `--set-size column:NAME` names, or None.

    Raises:
        PlanningError: the name is missing.
    """
    if set_size is None or not set_size.startswith(_SIZE_COLUMN):
        return None
    if set_size == _SIZE_COLUMN:
        raise PlanningError("--set-size is 'column:', expected the name of a column, such as column:size.")
    return set_size.removeprefix(_SIZE_COLUMN)


def read_targets(
    formulas: Sequence[str],
    path: str | None,
    size_column: str | None = None,
    *,
    formula_column: str | None = None,
    chunk: int = _BATCH_SIZE,
    dopants: bool = False,
) -> Iterator[list[TargetRow]]:
    """Return an iterator over the rows in order, some hundred at a time.

    Args:
        formulas: targets typed on the command line, formulas or structure files; used when `path` is None.
        path: a `.csv` or `.jsonl` file with a column `target` or `formula`, a text file with a formula a line (each
            optionally gzipped), or `-` for such text, or CSV, on standard input.
        size_column: column with the set size of each row: a number, or a precursor set whose members are counted.
        formula_column: the column with the formulas instead of `target` or `formula`.
        chunk: rows at a time.
        dopants: whether targets may name dopants, see `rrgraph.chem.parse_formula`.

    Raises:
        DataError: at once when the file is missing or of another kind, later when it lacks a column or is cut off.
    """
    if path is None:
        rows: Iterator[TargetRow] = (_typed(text) for text in formulas)
    else:
        named = _FORMULA_COLUMNS if formula_column is None else (formula_column,)
        rows = _file_rows(path, _reader(path, named), named, size_column)
    if not dopants:
        rows = map(_without_dopants, rows)
    return iter(lambda: list(islice(rows, chunk)), [])


def count_lines(path: str) -> int | None:
    """Return about how many rows a file has, None for standard input and for what cannot be read to its end."""
    if path == "-":
        return None
    try:
        with _opened(path) as handle:
            return sum(1 for _ in handle)
    except (EOFError, OSError, zlib.error):
        return None


def _file_rows(
    path: str,
    records: Callable[[IO[str]], Iterator[tuple[int, Record]]],
    named: Sequence[str],
    size_column: str | None,
) -> Iterator[TargetRow]:
    try:
        with _opened(path) as handle:
            for line, record in records(handle):
                where = f"line {line} of {_name(path)}"
                if isinstance(record, DataError):
                    yield TargetRow(text="", target=None, error=f"{where}: {record}")
                elif line == 0:
                    _check_columns(path, list(record), named, size_column)
                elif missing := _missing(record, named, size_column):
                    yield TargetRow(text="", target=None, error=f"{where}: no value for '{missing}'.")
                else:
                    text = next(record[name] for name in named if name in record)
                    size = None if size_column is None else record[size_column]
                    yield _row("" if text is None else str(text), size, where, known=size_column is not None)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"Cannot read {_name(path)}: {error}.") from None


def _typed(text: str) -> TargetRow:
    """Return the row of a formula, or of the CIF or POSCAR file of a name."""
    if not is_structure_file(text):
        return _row(text, None, None)
    try:
        target = read_structure(text)
    except DataError as error:
        return TargetRow(text=text, target=None, error=str(error))
    return TargetRow(text=target.formula, target=target)


def _row(text: str, size: object, where: str | None, *, known: bool = False) -> TargetRow:
    try:
        if is_structure_file(text):
            raise PlanningError(f"'{text}' is a structure file, which a list may not name; give it as an argument.")
        return TargetRow(text=text, target=parse_formula(text), size=_size(size) if known else None)
    except (FormulaError, PlanningError) as error:
        return TargetRow(text=text, target=None, error=f"{where}: {error}" if where else str(error))


def _without_dopants(row: TargetRow) -> TargetRow:
    if row.target is None or not row.target.dopants:
        return row
    problem = f"'{row.text}' names a dopant, which only a material to be made may have; write '{row.target.formula}'."
    return TargetRow(text=row.text, target=None, error=problem)


def _size(value: object) -> int:
    """Return a size that is given as a number, or as a precursor set whose members are counted."""
    members = value if isinstance(value, list) else None
    text = "" if value is None or members is not None else str(value).strip()
    if re.fullmatch(r"[0-9]{1,9}(\.0)?", text) and 1 <= int(text.removesuffix(".0")) <= MAX_SIZE:
        return int(text.removesuffix(".0"))
    if members is None and (";" in text or text[:1].isalpha() or text.startswith("(")):
        members = text.split(";")
    if not members:
        raise PlanningError(
            f"the set size is '{text[:80]}', expected a whole number from 1 to {MAX_SIZE} or a precursor set."
        )
    return len({parse_formula(str(member)).key for member in members})


def _opened(path: str) -> AbstractContextManager[IO[str]]:
    """Open a file or standard input; bytes that are no text make a bad row instead of an end."""
    if path == "-":
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        return nullcontext(sys.stdin)
    if path.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return Path(path).open(encoding="utf-8-sig", errors="replace", newline="")


def _reader(path: str, named: Sequence[str]) -> Callable[[IO[str]], Iterator[tuple[int, Record]]]:
    """Return the reader for a file: it yields (line number, row), and a CSV header as line 0."""
    if path == "-":
        return _stream_records if named == _FORMULA_COLUMNS else _csv_records
    if not Path(path).is_file():
        raise DataError(f"There is no file '{path}'.{suggest_file(path)}")
    readers = {".csv": _csv_records, ".jsonl": _json_records, ".txt": _text_records}
    suffix = Path(path.removesuffix(".gz")).suffix.lower()
    if suffix not in readers:
        raise DataError(f"'{path}' is not a list of formulas: its name must end with .csv, .jsonl or .txt (or .gz).")
    if readers[suffix] is _text_records and named != _FORMULA_COLUMNS:
        raise DataError(f"'{path}' is text with a formula a line and has no column '{named[0]}'.")
    return readers[suffix]


def _stream_records(lines: Iterator[str] | IO[str]) -> Iterator[tuple[int, Record]]:
    first = next(iter(lines), "")
    is_csv = any(name in first.strip().split(",") for name in _FORMULA_COLUMNS)
    return (_csv_records if is_csv else _text_records)(chain([first], lines))


def _text_records(lines: Iterator[str] | IO[str]) -> Iterator[tuple[int, Record]]:
    for line, text in enumerate(lines, start=1):
        if text.strip() and not text.startswith("#"):
            yield line, {_FORMULA_COLUMNS[0]: text.strip()}


def _csv_records(lines: Iterator[str] | IO[str]) -> Iterator[tuple[int, Record]]:
    csv.field_size_limit(2**31 - 1)
    header: list[str] | None = None
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        if text.count('"') % 2:
            yield line, DataError("a quote is not closed.")
            continue
        cells = next(csv.reader([text]))
        if header is None:
            header = [cell.strip() for cell in cells]
            yield 0, dict.fromkeys(header)
        else:
            yield line, dict(zip(header, [*cells, *[""] * len(header)], strict=False))


def _json_records(lines: Iterator[str] | IO[str]) -> Iterator[tuple[int, Record]]:
    for line, text in enumerate(lines, start=1):
        if text.strip():
            yield line, _json_record(text)


def _json_record(text: str) -> Record:
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        return DataError(f"not valid JSON ({error.msg} at column {error.colno}).")
    except (RecursionError, ValueError):  # nested or numbers too long to decode
        return DataError("not JSON that can be decoded.")
    return record if isinstance(record, dict) else DataError("not a JSON object with a 'target'.")


def _check_columns(path: str, columns: list[str], named: Sequence[str], size_column: str | None) -> None:
    """Refuse a CSV file without the columns that are needed."""
    missing = _missing(dict.fromkeys(columns), named, size_column)
    if missing:
        raise DataError(
            f"{_name(path)} has no column '{missing}', found {', '.join(columns)}.{suggestion(missing, columns)}"
        )


def _missing(record: Mapping[str, Any], named: Sequence[str], size_column: str | None) -> str | None:
    if not any(name in record for name in named):
        return named[0]
    return size_column if size_column is not None and size_column not in record else None


def _name(path: str) -> str:
    return "standard input" if path == "-" else f"'{path}'"
