"""Opens tables and lists, each as what it is called."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

from rrgraph.errors import DataError
from rrgraph.util.inputs import Budget, check_input, open_binary, plain_name, read_errors, text_lines
from rrgraph.util.rows.reader import RawRow, RowReader
from rrgraph.util.rows.sheets import open_workbook
from rrgraph.util.rows.text import Lines, open_text

__all__ = ["count_rows", "open_rows"]

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
_OTHER: Final = (".xls", ".ods", ".json", ".pdf", ".docx", ".doc", ".zip", ".npz", ".pkl", ".feather")
_CHUNK: Final = 1 << 20


def open_rows(path: str | os.PathLike[str], *, names: Collection[str] = ()) -> RowReader:
    """Open a table or list; ``.gz``, ``.xz`` and ``.bz2`` are read through, and ``-`` is standard input.

    ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet`` and ``.xlsx`` (its first sheet, or that of ``FILE.xlsx:SHEET``) are
    read as what they are called. Anything else is text with an entry a line, or CSV or JSONL where it looks so.

    Args:
        path: of the file, which may be a pipe.
        names: column names, lower case; text whose first line has one of them is CSV.

    Raises:
        DataError: the file is missing, of a format that is not read, empty where a header is expected, damaged, or
            gives too much when it is decompressed.
    """
    text = os.fspath(path)
    found, sheet = _with_sheet(text)
    name = "standard input" if text == "-" else f"'{text}'"
    if text != "-":
        check_input(text if sheet is None else found)
    suffix = Path(plain_name(found)).suffix
    if suffix in _OTHER:
        raise DataError(
            f"{name} is not a table or list that can be read: expected .csv, .tsv, .txt, .jsonl, .parquet (each also "
            "with .gz, .xz or .bz2) or .xlsx."
        )
    with ExitStack() as stack:
        reader = RowReader(name, stack)
        with read_errors(name):
            match _FORMATS.get(suffix):
                case "parquet":
                    from rrgraph.util.rows.parquet import open_parquet

                    open_parquet(reader, stack.enter_context(_seekable(found)))
                case "xlsx":
                    open_workbook(reader, stack.enter_context(_seekable(found)), sheet)
                case form:
                    open_text(reader, Lines(_lines(found, name, stack)), form, suffix, frozenset(names))
        reader._rows = _guarded(reader._rows, name)
        reader._opened = stack.pop_all()
    return reader


def _guarded(rows: Iterator[RawRow], name: str) -> Iterator[RawRow]:
    with read_errors(name):
        yield from rows


def _lines(path: str, name: str, stack: ExitStack) -> Iterator[str]:
    """Return the lines of a file or of standard input."""
    if path != "-":
        return text_lines(stack.enter_context(open_binary(path)), name, stack)
    if sys.stdin is None:
        raise DataError("Cannot read standard input: it is closed.")
    return text_lines(sys.stdin.buffer, name, stack) if hasattr(sys.stdin, "buffer") else iter(sys.stdin)


def count_rows(path: str) -> int | None:
    """Return about how many rows a file has, None for standard input and for what cannot be counted quickly."""
    found, _ = _with_sheet(path)
    form = _FORMATS.get(Path(plain_name(found)).suffix)
    if not Path(found).is_file() or form == "xlsx" or (form == "parquet" and plain_name(found) != found.lower()):
        return None
    try:
        if form == "parquet":
            import pyarrow.parquet as pq

            with read_errors(found):
                return int(pq.read_metadata(found).num_rows)
        with read_errors(found), open_binary(found) as handle:
            return _lines_in(iter(lambda: handle.read(_CHUNK), b""), quoted=form == "csv")
    except DataError:
        return None


def _lines_in(chunks: Iterator[bytes], *, quoted: bool) -> int:
    """Return the number of line ends, without those in quotes where they may be, unless a quote is never closed."""
    count = within = open_quotes = 0
    for chunk in chunks:
        count += chunk.count(b"\n")
        if quoted and (open_quotes or b'"' in chunk):
            inside = [piece.count(b"\n") for piece in chunk.split(b'"')]
            within += sum(inside[1 - open_quotes :: 2])
            open_quotes = (open_quotes + len(inside) - 1) % 2
    return count if open_quotes else count - within


def _with_sheet(path: str) -> tuple[str, str | None]:
    """Divide ``FILE.xlsx:SHEET``."""
    found = re.fullmatch(r"(.+\.xls[xm](?:\.gz)?):(.+)", path, re.IGNORECASE)
    return (found[1], found[2]) if found and not Path(path).is_file() else (path, None)


def _seekable(path: str) -> IO[bytes]:
    """Open a file at any place of which can be read; what is compressed or a pipe is read into memory."""
    file = open_binary(path)
    if file.seekable():
        return file
    budget = Budget(f"'{path}'")
    with file:
        content = file.read(budget.limit + 1)
    budget.add(len(content))
    return io.BytesIO(content)
