"""Text in the cells of CSV files that a spreadsheet would otherwise run as a formula.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break, and is not a number, is written with an
apostrophe in front, by which spreadsheets know text, and loses it when it is read. A text that begins with an
apostrophe before such a character gets a second one, so that it comes back as well.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Final

__all__ = ["CsvLines", "SheetWriter", "csv_text", "neutral", "restored", "restored_cells", "restored_row"]

_RUN: Final = "[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]."  # also those of full width
_NUMBER: Final = r"[+-](?:[0-9][0-9.,]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)? ?%?"
_RISKY: Final = re.compile(f"(?!{_NUMBER}\\Z)'*{_RUN}", re.DOTALL)
_NEUTRAL: Final = re.compile(f"'+{_RUN}", re.DOTALL)


def neutral(value: Any) -> Any:
    """Return a cell as it is written: text that would be run behind an apostrophe, everything else as it is.

    >>> neutral("=1+1"), neutral("-1.5"), neutral(-1.5)
    ("'=1+1", '-1.5', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and _RISKY.match(value) else value


def restored(cell: Any) -> Any:
    """Return a cell that was read with the text that was written.

    >>> restored("'=1+1")
    '=1+1'
    """
    return cell[1:] if isinstance(cell, str) and _NEUTRAL.match(cell) else cell


def restored_cells(cells: Sequence[str]) -> list[str]:
    """Return the cells of a row of CSV with the texts that were written."""
    return [restored(cell) if cell[:1] == "'" else cell for cell in cells]


def restored_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of `csv.DictReader` with the texts that were written."""
    return {restored(name): restored(cell) for name, cell in row.items()}


class CsvLines:
    """What `csv.writer` writes to, so that it quotes both kinds of line break and ends rows with ``\\n`` alone."""

    END = "\r\n"

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def write(self, row: str) -> int:
        """Write one row, which ends with `END`."""
        return self.stream.write(f"{row.removesuffix(self.END)}\n")


class SheetWriter:
    """Writes rows of CSV whose text no spreadsheet runs.

    Args:
        stream: text file, opened with ``newline=""``.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._writer = csv.writer(CsvLines(stream), lineterminator=CsvLines.END)

    def write(self, cells: Iterable[Any]) -> None:
        """Write one row."""
        self._writer.writerow([neutral(cell) for cell in cells])


def csv_text(rows: Iterable[Mapping[str, Any]], columns: Iterable[str] = ()) -> str:
    """Return rows as CSV with a header: of `columns`, or of all names that occur; missing cells are empty."""
    listed = list(rows)
    names = list(columns) or list(dict.fromkeys(name for row in listed for name in row))
    text = io.StringIO()
    writer = SheetWriter(text)
    writer.write(names)
    for row in listed:
        writer.write(row.get(name, "") for name in names)
    return text.getvalue()
