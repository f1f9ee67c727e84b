"""Frames of the columns of CSV, JSONL, Parquet and Excel files.

The suffix of a path decides the format; files are written whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from rrgraph.errors import DataError
from rrgraph.util.files import atomic_path, is_stream, open_text
from rrgraph.util.inputs import COMPRESSED, Budget, check_input, readable
from rrgraph.util.rows import Row, RowReader, column_name, open_rows
from rrgraph.util.sheets import CsvLines, neutral

__all__ = [
    "READ_SUFFIXES",
    "SUFFIXES",
    "check_suffix",
    "output_suffix",
    "read_frame",
    "read_numbered_frame",
    "write_frame",
]

#: Endings of the file names that can be written.
SUFFIXES = (".jsonl", ".csv", ".parquet", ".jsonl.gz", ".csv.gz")
#: Further endings of file names that can be read.
READ_SUFFIXES = (
    *(f"{name}{ending}" for name in (".csv", ".jsonl", ".tsv") for ending in COMPRESSED if ending != ".gz"),
    *(".tsv.gz", ".tsv", ".xlsx"),
)
_CELL, _TEXT, _REFUSED = 16, 100, 400
"""Bytes of memory of a cell in its column, of a text beside its characters, and of a row that is left out."""
_MOST_TEXTS = 1_000_000


def read_frame(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a file by its suffix.

    Text that merely looks like a missing value stays text (NaN is sodium nitride); only empty cells are missing.
    Columns of text become numbers when each cell is one and none is an identifier such as 007.

    Raises:
        DataError: the file is missing, of another format, or malformed; the message names the file and, where one
            line is at fault, that line.
    """
    return read_numbered_frame(path, exact=False)[0]


def read_numbered_frame(
    path: str | os.PathLike[str], *, refused: list[Row] | None = None, exact: bool = True
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Read a file as `read_frame` does, with the number of the line on which each row begins.

    Args:
        path: of the file; for a sheet of a workbook that is not its first one, ``FILE.xlsx:SHEET``.
        refused: takes the rows that are malformed; without it they are an error.
        exact: leave columns as text whose spelling numbers would not keep (1.10, 1E5, 19 digits).

    Raises:
        DataError: as `read_frame`.
    """
    suffix = _suffix(Path(path), (*SUFFIXES, *READ_SUFFIXES))
    if suffix == ".parquet" and (read := _read_parquet(path)) is not None:
        return read, np.arange(1, len(read) + 1)
    budget = Budget(f"'{path}'")
    lines: list[int] = []
    with open_rows(path) as rows:
        cells: dict[str, list[Any]] = {name: [] for name in rows.columns}
        texts: dict[str, str] = {}
        for row in rows:
            problem = _problem(row)
            if problem is None:
                for name in row.cells if rows.is_json else ():
                    if name not in cells:
                        cells[name] = [None] * len(lines)
                        budget.add(_CELL * len(lines))
                for name, column in cells.items():
                    column.append(_shared(row.cells.get(name), texts, budget))
                lines.append(row.line)
            elif refused is None:
                raise DataError(f"Line {row.line} of {rows.name}{problem}")
            else:
                refused.append(Row(row.line, row.cells, error=problem.lstrip(": "), text=row.text))
                budget.add(_REFUSED + len(row.text))
        frame = _frame(rows, cells, exact=exact)
    return frame, np.array(lines, dtype=np.int64)


def _shared(cell: Any, texts: dict[str, str], budget: Budget) -> Any:
    """Return a cell, an equal text as the same object, and count the memory it takes."""
    budget.add(_CELL)
    if not isinstance(cell, str):
        if isinstance(cell, list | dict):
            budget.add(_CELL * len(str(cell)) // 8)
        return cell
    known = texts.get(cell)
    if known is not None:
        return known
    budget.add(_TEXT + len(cell))
    if len(texts) < _MOST_TEXTS:
        texts[cell] = cell
    return cell


def output_suffix(path: str | os.PathLike[str], suffixes: Sequence[str]) -> str:
    """Return the suffix by which an output is written; a pipe or device without one takes the first; else empty.

    >>> output_suffix("plans.csv.gz", (".jsonl", ".csv", ".csv.gz"))
    '.csv.gz'
    """
    name = os.fspath(path).lower()
    return next(filter(name.endswith, suffixes), suffixes[0] if is_stream(path) else "")


def check_suffix(path: str | os.PathLike[str]) -> str:
    """Return the suffix by which a frame is written.

    Raises:
        DataError: there is none; the message names the file and the suffixes.
    """
    return output_suffix(path, SUFFIXES) or _suffix(Path(path), SUFFIXES)


def write_frame(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a frame in the format of the suffix, atomically.

    Raises:
        DataError: the suffix is unknown, or the file cannot be written.
    """
    suffix = check_suffix(path)
    with atomic_path(path) as temporary:
        if suffix == ".parquet":
            frame.to_parquet(temporary, index=False)
            return
        with open_text(temporary) as file:
            if suffix.startswith(".csv"):
                _neutral(frame).to_csv(cast(IO[str], CsvLines(file)), index=False, lineterminator=CsvLines.END)
            else:
                frame.to_json(file, orient="records", lines=True, force_ascii=False)


def _neutral(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose text no spreadsheet runs, see `rrgraph.util.sheets`."""
    texts = {str(name): frame[name].map(neutral) for name in frame if not is_numeric_dtype(frame[name].dtype)}
    return frame.assign(**texts).rename(columns=neutral)


def _read_parquet(path: str | os.PathLike[str]) -> pd.DataFrame | None:
    """Return the frame of a Parquet file with its types; None if some text is not to be shown, which rows tell apart.

    Raises:
        DataError: it is missing, damaged, or takes too much memory.
    """
    from rrgraph.util.rows.parquet import read_parquet

    check_input(path)
    with readable(f"'{path}'", "parquet"):
        table = read_parquet(path)
        return None if table is None else table.to_pandas()


def _problem(row: Row) -> str | None:
    """Return the end of a sentence on what is wrong with a row."""
    if row.error is not None:
        return f": {row.error}"
    if row.surplus:
        return " has more cells than the header has names; formulas of one set are joined by ';'."
    return None


def _frame(rows: RowReader, cells: Mapping[str, list[Any]], *, exact: bool) -> pd.DataFrame:
    if rows.is_json:
        frame = pd.DataFrame(cells)
        for name in frame.columns.difference(["target", "precursors", "year", "doi", "split"]):
            frame[name] = frame[name].convert_dtypes() if frame[name].isna().any() else frame[name]
        return frame
    return pd.DataFrame(
        {name: _column(name, values, exact=exact) for name, values in cells.items()}, columns=list(rows.columns)
    )


def _column(name: str, values: list[Any], *, exact: bool) -> pd.Series:
    """Return cells as numbers if each of them is one, else as they are; empty cells are None.

    With `exact` also the spelling has to be that of the numbers, so that they are written as they were read.
    """
    column = pd.Series([None if value == "" else value for value in values], dtype=object)
    texts = column.dropna()
    if column_name(name) in ("target", "precursors", "doi", "split") or texts.empty or not texts.map(_is_text).all():
        return column
    if texts.str.fullmatch(r"0|-?[1-9][0-9]{0,17}").all():
        return column.astype("Int64")
    if texts.str.contains(r"^[+-]?0\d|[^\d.eE+-]").any():
        return column
    numbers = pd.to_numeric(texts, errors="coerce")
    if numbers.isna().any():
        return column
    column = column.astype("float64")
    is_kept = not exact or [repr(number) for number in column.dropna().tolist()] == texts.tolist()
    return column if is_kept else texts.reindex(column.index)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _suffix(path: Path, suffixes: Sequence[str]) -> str:
    name = path.name.lower()
    for suffix in suffixes:
        if name.endswith(suffix) or (suffix == ".xlsx" and f"{suffix}:" in name):
            return suffix
    raise DataError(f"'{path}' is not a table: its name must end with one of {', '.join(suffixes)}.")
