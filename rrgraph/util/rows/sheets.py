"""Rows of a sheet of an Excel workbook, which is a zip archive of XML: its parts are checked before one is read."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO, Any, Final

from rrgraph.errors import DataError, suggestion
from rrgraph.util.inputs import Budget, check_expansion
from rrgraph.util.rows.reader import RawRow, Record, RowReader, unique_columns

__all__ = ["open_workbook"]

_FREE: Final = 1 << 20
"""Bytes that a part which is not a sheet may have however well it was compressed."""
_LONGEST_ROW: Final = 1 << 24
"""Bytes of XML without the end of a row."""
_MAX_CELLS: Final = 50_000_000
"""Cells that a sheet may span, empty ones included."""
_CHUNK: Final = 1 << 20


def open_workbook(reader: RowReader, handle: IO[bytes], sheet: str | None) -> None:
    """Set the columns and rows of a reader to those of a sheet, the first if it has no name.

    Raises:
        DataError: openpyxl is not installed; the file is no workbook, damaged, or gives too much when it is
            decompressed; it has no such sheet, or the sheet is empty.
    """
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise DataError(f"Reading {reader.name} needs openpyxl: pip install 'rrgraph[xlsx]'.") from None

    _check_parts(handle, reader.name)
    try:
        workbook = load_workbook(handle, read_only=True, data_only=True, keep_links=False)
    except (KeyError, TypeError, AttributeError, IndexError, SyntaxError) as error:  # SyntaxError: of XML
        raise DataError(f"{reader.name} cannot be read as an Excel workbook: {error}.") from None
    reader._opened.callback(workbook.close)
    names = [found.title for found in workbook.worksheets]
    if sheet is not None and sheet not in names:
        raise DataError(f"{reader.name} has no sheet '{sheet}', found {', '.join(names)}.{suggestion(sheet, names)}")
    if not names:
        raise DataError(f"{reader.name} has no sheet of cells.")
    found = workbook.worksheets[0] if sheet is None else workbook[sheet]
    found.reset_dimensions()  # some programs write wrong ones
    rows = _rows(found, reader.name)
    header = next((row for row in rows if not _is_note(row.record, 2)), None)
    if header is None:
        raise DataError(f"{reader.name} is empty, expected a header with the names of the columns.")
    filled = list(header.record)
    while filled[-1] in ("", None):
        filled.pop()
    reader.columns, reader._header = unique_columns(filled, reader.name), header
    reader._rows = (row for row in rows if not _is_note(row.record, len(filled)))


def _rows(sheet: Any, name: str) -> Iterator[RawRow]:
    """Yield the rows that are not empty.

    Raises:
        DataError: the sheet is damaged, or spans too many cells.
    """
    seen = 0
    try:
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            seen += len(cells)
            if seen > _MAX_CELLS:
                raise DataError(f"The sheet of {name} spans more than {_MAX_CELLS:,} cells.")
            if any(cell is not None and str(cell).strip() for cell in cells):
                yield RawRow(number, [_plain(cell) for cell in cells])
    except (KeyError, TypeError, AttributeError, IndexError, SyntaxError, OverflowError) as error:
        raise DataError(f"{name} is not a valid Excel workbook: {error}.") from None


def _check_parts(handle: IO[bytes], name: str) -> None:
    """Check what the parts of a workbook that are read give when they are decompressed.

    Raises:
        DataError: it is too much.
    """
    budget = Budget(name)
    with zipfile.ZipFile(handle) as archive:
        for part in archive.infolist():
            if not part.filename.endswith((".xml", ".rels")):
                continue
            is_sheet = "worksheets/" in part.filename
            check_expansion(name, part.file_size, part.compress_size, **({} if is_sheet else {"free": _FREE}))
            if not is_sheet:  # in memory, the texts of cells as such, the others as trees
                budget.add(part.file_size * (4 if part.filename.endswith("sharedStrings.xml") else 20))
            elif part.file_size > _LONGEST_ROW:
                _check_rows(archive, part, name)
    handle.seek(0)


def _check_rows(archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str) -> None:
    """Check that the rows of a sheet end, since a row is in memory as a tree.

    Raises:
        DataError: one is too long.
    """
    since = 0
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            ends = [end.end() for end in re.finditer(rb"row[ />]", chunk)]
            since = len(chunk) - ends[-1] if ends else since + len(chunk)
            if since > _LONGEST_ROW:
                raise DataError(f"A row of the sheet of {name} is larger than {_LONGEST_ROW >> 20} MB.")


def _is_note(record: Record, width: int) -> bool:
    """Whether the row of a sheet is a comment."""
    filled = [cell for cell in record if cell not in ("", None)]
    return len(filled) < max(width, 2) and str(filled[0]).lstrip().startswith("#")


def _plain(value: Any) -> Any:
    """Return the value of a cell of a sheet: dates and times as text."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else value
