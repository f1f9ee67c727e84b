"""Writer of a command's records as an Excel workbook; the same records give the same file."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from rrgraph.cli.common.writers import Layout, RowsWriter, as_text
from rrgraph.errors import DataError
from rrgraph.util.sheets import neutral

__all__ = ["ExcelWriter"]

_BEGINNING = datetime(1980, 1, 1)
"""The earliest date in a zip file, which stands for none."""

R = TypeVar("R")


class ExcelWriter(RowsWriter[R]):
    """Rows in the sheet of a workbook; text stays text, even if it looks like a formula of a spreadsheet."""

    def __init__(self, path: Path, layout: Layout[R]) -> None:
        try:
            from openpyxl import Workbook
        except ImportError:
            raise DataError("Writing .xlsx needs openpyxl: pip install 'rrgraph[xlsx]'.") from None

        super().__init__(layout)
        self.path = path
        self.workbook = Workbook(write_only=True)
        self.sheet = self.workbook.create_sheet("rrgraph")
        self.sheet.append([self._cell(name) for name in self.columns])

    def write(self, prepared: Any, cells: Mapping[str, Any] | None = None) -> None:
        for row in self.rows(prepared, cells or {}):
            self.sheet.append([self._cell(value) for value in row.values()])

    def close(self) -> None:
        """Write the file."""
        from openpyxl.writer.excel import ExcelWriter as WorkbookWriter

        self.workbook.properties.created = self.workbook.properties.modified = _BEGINNING
        content = io.BytesIO()
        with _UndatedZip(content, "w") as archive:  # one that is not finished complains when it is forgotten
            WorkbookWriter(self.workbook, archive).save()
        self.path.write_bytes(content.getbuffer())

    def _cell(self, value: Any) -> Any:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        if not isinstance(value, str):
            return value if isinstance(value, int | float | None) else as_text(value)
        cell = WriteOnlyCell(self.sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
        cell.data_type = "s"
        cell.quotePrefix = neutral(value) != value  # stays text also where it is edited
        return cell


class _UndatedZip(ZipFile):
    """A zip file whose entries bear no date."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        with self.open(_entry(zinfo_or_arcname), "w") as entry:
            entry.write(data.encode() if isinstance(data, str) else data)

    def write(self, filename: Any, arcname: Any = None, *_: Any, **__: Any) -> None:
        with Path(filename).open("rb") as source, self.open(_entry(arcname), "w", force_zip64=True) as entry:
            shutil.copyfileobj(source, entry)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _BEGINNING.timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    return entry
