"""Rows of text: CSV (comma, semicolon or tab), JSONL, or an entry a line."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from rrgraph.errors import DataError
from rrgraph.util.inputs import MAX_LINE
from rrgraph.util.json_files import parse_json
from rrgraph.util.rows.reader import ENTRY, MAX_COLUMNS, RawRow, Record, RowReader, column_name, unique_columns
from rrgraph.util.sheets import restored_cells

__all__ = ["Lines", "open_text"]

_DELIMITERS: Final = (",", ";", "\t")
_HEAD: Final = 100
"""Rows that are looked at for the columns of JSONL."""
_LONGEST_RECORD: Final = 50
"""Lines that one row of CSV may span; a quote that is open for longer was never closed."""


class Lines:
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


def open_text(reader: RowReader, lines: Lines, form: str | None, suffix: str, names: frozenset[str]) -> None:
    """Find out what text is, and set columns and rows."""
    first = _first_line(lines, names, keep=form == "jsonl")
    if form == "jsonl" or (form is None and first is not None and first.lstrip().startswith("{")):
        reader.is_json = True
        reader._rows = _json_rows(lines)
        found = dict.fromkeys(chain.from_iterable(row.cells for row in reader.head(_HEAD)))
        reader.columns = tuple(islice(found, MAX_COLUMNS))
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
    reader.columns = unique_columns(header, reader.name)
    reader._header = RawRow(lines.number, header)
    reader._rows = _csv_rows(lines, delimiter, len(header))


def _first_line(lines: Lines, names: frozenset[str], *, keep: bool) -> str | None:
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
    return any(column_name(cell.strip(' "')) in names for cell in islice(cells, MAX_COLUMNS))


def _is_header(line: str, delimiter: str, names: frozenset[str]) -> bool:
    return _known(line.split(delimiter), names)


def _delimiter(header: str, names: frozenset[str], usual: str) -> str:
    """Return what separates the cells of a header: by a known name between, or else by what is most frequent."""
    plain = re.sub(r'"[^"]*"', lambda quoted: re.sub(r"[,;\t]", "_", quoted[0]), header)
    known = [mark for mark in _DELIMITERS if mark in plain and _known(plain.split(mark), names)]
    counts = Counter(mark for mark in plain if mark in (known or _DELIMITERS))
    return max(_DELIMITERS, key=lambda mark: (counts[mark], mark == usual)) if counts else usual


def _entry_rows(lines: Lines) -> Iterator[RawRow]:
    while (line := lines.next()) is not None:
        entry = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if entry:
            yield RawRow(lines.number, [entry])


def _csv_rows(lines: Lines, delimiter: str, width: int) -> Iterator[RawRow]:
    while (line := lines.next()) is not None:
        if not line.strip():
            continue
        number = lines.number
        lines.put_back([line])
        cells = _record(lines, delimiter, width)
        if cells is None:
            yield RawRow(number, "a quote is not closed.", line.rstrip("\r\n"))
        elif not (line.lstrip().startswith("#") and len(cells) < max(width, 2)):
            yield RawRow(number, restored_cells(cells))


def _record(lines: Lines, delimiter: str, width: int | None) -> list[str] | None:
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
        is_short = len(more) < _LONGEST_RECORD and len(text) < MAX_LINE
        line = lines.next() if cells is None and is_short else None
        if line is None:
            lines.put_back(more)
            return None
        more.append(line)
        text += line


_OPEN: Final = re.compile(r' *"')
_QUOTED: Final = re.compile(r' *"((?:[^"]|"")*+)"')


def _cells(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """Return the cells, None where a quote is open, and whether every closing quote ends its cell."""
    if '"' not in text:
        return text.split(delimiter), True
    cells: list[str] = []
    start, is_strict = 0, True
    while True:
        quoted = _QUOTED.match(text, start)
        if quoted is None and _OPEN.match(text, start):
            return None, is_strict
        end = text.find(delimiter, quoted.end() if quoted else start)
        end = len(text) if end < 0 else end
        rest = text[quoted.end() : end] if quoted else ""
        is_strict = is_strict and not rest.strip()
        cells.append(quoted[1].replace('""', '"') + (rest if rest.strip() else "") if quoted else text[start:end])
        if end == len(text):
            return cells, is_strict
        start = end + 1


def _json_rows(lines: Lines) -> Iterator[RawRow]:
    while (line := lines.next()) is not None:
        if line.strip():
            yield RawRow(lines.number, _json_record(line), line.rstrip("\r\n"))


def _json_record(line: str) -> Record:
    try:
        record = parse_json(line, finite=False)
    except ValueError as error:
        return f"{error}."
    return record if isinstance(record, dict) else "not a JSON object."
