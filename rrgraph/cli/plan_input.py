"""The targets that `rrgraph plan` is asked for: formulas and streamed files flow in, checked rows flow out."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from rrgraph.chem import Composition, parse_formula
from rrgraph.errors import DataError, FormulaError, PlanningError, near_match

__all__ = ["TargetRow", "read_targets", "told_column"]

_CHUNK = 256
_FORMULA_COLUMNS = ("target", "formula")
_SIZE_COLUMN = "column:"


@dataclass(frozen=True)
class TargetRow:
    """One target as it was asked for.

    Attributes:
        text: the formula as typed.
        target: its composition, None when it cannot be read.
        size: number of precursors that is told, None when it is open.
        error: why the row cannot be planned, with its line number when it came from a file.
    """

    text: str
    target: Composition | None
    size: int | None = None
    error: str | None = None


def told_column(set_size: str | None) -> str | None:
    """Return the column that `--set-size column:NAME` names, or None."""
    return set_size.removeprefix(_SIZE_COLUMN) if set_size and set_size.startswith(_SIZE_COLUMN) else None


def read_targets(formulas: list[str], path: str | None, set_size: str | None) -> Iterator[list[TargetRow]]:
    """Yield the rows in order, some hundred at a time.

    Args:
        formulas: targets typed on the command line; used when `path` is None.
        path: a `.csv` or `.jsonl` file (optionally gzipped) with a column `target` or `formula`, a text file with a
            formula a line, or `-` for such text, or CSV, on standard input.
        set_size: the `--set-size` option; `column:NAME` reads the size of each row.

    Raises:
        DataError: the file is missing, is not text, or lacks a column.
    """
    rows = _file_rows(path, told_column(set_size)) if path else (_row(text, None, None) for text in formulas)
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def _file_rows(path: str, size_column: str | None) -> Iterator[TargetRow]:
    with _opened(path) as handle:
        try:
            for line, record in _records(path, handle):
                if isinstance(record, DataError):
                    yield TargetRow(text="", target=None, error=f"line {line} of {_name(path)}: {record}")
                    continue
                column = _column(record, _FORMULA_COLUMNS, path)
                size = record[_column(record, (size_column,), path)] if size_column else None
                yield _row(str(record[column] or ""), size, f"line {line} of {_name(path)}", told=bool(size_column))
        except (UnicodeDecodeError, EOFError, OSError) as error:
            raise DataError(f"Cannot read {_name(path)}: {error}.") from None


def _row(text: str, size: object, where: str | None, *, told: bool = False) -> TargetRow:
    try:
        return TargetRow(text=text, target=parse_formula(text), size=_size(size) if told else None)
    except (FormulaError, PlanningError) as error:
        return TargetRow(text=text, target=None, error=f"{where}: {error}" if where else str(error))


def _size(value: object) -> int:
    """Return a size that is given as a number, or as a precursor set whose members are counted."""
    text = str(value if value is not None else "").strip()
    if text.removesuffix(".0").isdigit() and float(text) >= 1:
        return int(float(text))
    if ";" in text or (text and not text[0].isdigit() and not text.startswith("-")):
        return len({parse_formula(member).key for member in text.split(";")})
    raise PlanningError(f"the set size is '{text}', expected a whole number of at least 1 or a precursor set.")


@contextmanager
def _opened(path: str) -> Iterator[IO[str]]:
    if path == "-":
        yield sys.stdin
        return
    if not Path(path).is_file():
        beside = [str(other) for other in Path(path).parent.glob("*")] if Path(path).parent.is_dir() else []
        raise DataError(f"There is no file '{path}'.{near_match(path, beside)}")
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as handle:
        yield handle


def _records(path: str, handle: IO[str]) -> Iterator[tuple[int, Mapping[str, object] | DataError]]:
    """Yield (line number, row) of each row; a malformed JSON line is yielded as an error."""
    plain = path.removesuffix(".gz")
    if plain.endswith(".csv"):
        yield from _csv_records(handle)
    elif plain.endswith(".jsonl"):
        for line, text in enumerate(handle, start=1):
            if text.strip():
                yield line, _json_record(text)
    elif plain.endswith(".txt") or path == "-":
        first = handle.readline()
        if any(name in first.strip().split(",") for name in _FORMULA_COLUMNS):
            yield from _csv_records(_chained(first, handle))
            return
        for line, text in enumerate(_chained(first, handle), start=1):
            if text.strip() and not text.startswith("#"):
                yield line, {"target": text.strip()}
    else:
        raise DataError(f"'{path}' is not a list of targets: its name must end with .csv, .jsonl or .txt (or .gz).")


def _csv_records(lines: Iterator[str] | IO[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.DictReader(lines)
    for record in reader:
        yield reader.line_num, record


def _json_record(text: str) -> Mapping[str, object] | DataError:
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        return DataError(f"not valid JSON ({error.msg} at column {error.colno}).")
    return record if isinstance(record, dict) else DataError("not a JSON object with a 'target'.")


def _chained(first: str, rest: IO[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def _column(record: Mapping[str, object], names: tuple[str, ...], path: str) -> str:
    for name in names:
        if name in record:
            return name
    columns = [str(name) for name in record]
    raise DataError(
        f"{_name(path)} has no column '{names[0]}', found {', '.join(columns)}.{near_match(names[0], columns)}"
    )


def _name(path: str) -> str:
    return "standard input" if path == "-" else f"'{path}'"
