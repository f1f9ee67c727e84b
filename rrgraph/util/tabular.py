"""Frames of text columns in CSV, JSONL and Parquet files.

The suffix of a path decides the format; files are written whole or not at all.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, cast

import pandas as pd

from rrgraph.errors import DataError
from rrgraph.util.files import atomic_path, suggest_file

__all__ = ["SUFFIXES", "read_frame", "write_frame"]

#: Endings of the file names that can be read and written.
SUFFIXES = (".csv.gz", ".csv", ".jsonl.gz", ".jsonl", ".parquet")


def read_frame(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a file by its suffix.

    Text that merely looks like a missing value stays text (NaN is sodium nitride); only empty cells are missing.
    CSV columns become numbers when that changes none of their values, else they stay text.

    Raises:
        DataError: the file is missing, of another format, or malformed; the message names the file and, where one
            line is at fault, that line.
    """
    path = Path(path)
    suffix = _suffix(path)
    if not path.is_file():
        raise DataError(f"There is no file '{path}'.{suggest_file(path)}")
    try:
        if suffix.startswith(".csv"):
            return _read_csv(path)
        if suffix.startswith(".jsonl"):
            return _read_jsonl(path)
        return pd.read_parquet(path)
    except DataError:
        raise
    except (ValueError, OSError, EOFError, zlib.error) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise DataError(f"'{path}' cannot be read as {suffix[1:]}: {reason}.") from None


def write_frame(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a frame in the format of the suffix, atomically.

    Raises:
        DataError: the suffix is unknown, or the file cannot be written.
    """
    suffix = _suffix(Path(path))
    with atomic_path(path) as temporary:
        if suffix == ".parquet":
            frame.to_parquet(temporary, index=False)
            return
        with _writer(temporary, compressed=suffix.endswith(".gz")) as file:
            if suffix.startswith(".csv"):
                frame.to_csv(file, index=False, lineterminator="\n")
            else:
                frame.to_json(file, orient="records", lines=True, force_ascii=False)


@contextmanager
def _writer(path: Path, *, compressed: bool) -> Iterator[IO[str]]:
    """Open a text file; without name and time in the gzip header, equal tables make equal files."""
    with ExitStack() as stack:
        file: Any = stack.enter_context(path.open("wb"))
        if compressed:
            file = stack.enter_context(gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0))
        yield stack.enter_context(TextIOWrapper(file, encoding="utf-8", newline=""))


def _read_csv(path: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        # A row with more cells than the header has names would otherwise lose the last ones.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            frame = pd.read_csv(
                path, dtype=str, keep_default_na=False, na_values=[""], index_col=False, encoding="utf-8-sig"
            )
        except pd.errors.ParserWarning:
            raise DataError(_too_wide(path)) from None
    return frame.apply(_numbers) if len(frame) else frame


def _too_wide(path: Path) -> str:
    """Name the first line of a CSV file that has more cells than the header has names."""
    opener: Any = gzip.open if path.name.lower().endswith(".gz") else open
    with cast(IO[str], opener(path, "rt", encoding="utf-8-sig", newline="")) as file:
        rows = csv.reader(file)
        width = len(next(rows))
        line = next((rows.line_num for row in rows if len(row) > width), rows.line_num)
    return f"Line {line} of '{path}' has more cells than the header has names; formulas of one set are joined by ';'."


def _numbers(column: pd.Series) -> pd.Series:
    """Return the column as numbers if every cell is one and none is an identifier such as 007."""
    if column.name in ("target", "precursors", "doi", "split"):
        return column
    texts = column.dropna()
    if texts.empty or texts.str.contains(r"^[+-]?0\d|[^\d.eE+-]").any():
        return column
    numbers = pd.to_numeric(texts, errors="coerce")
    if numbers.isna().any():
        return column
    whole = texts.str.fullmatch(r"[+-]?\d{1,18}").all()
    return numbers.reindex(column.index).astype("Int64" if whole else "float64")


def _read_jsonl(path: Path) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    opener: Any = gzip.open if path.name.endswith(".gz") else open
    with cast(IO[str], opener(path, "rt", encoding="utf-8-sig")) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                raise DataError(f"Line {number} of '{path}' is blank, expected a JSON object.")
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(
                    f"Line {number} of '{path}' is not JSON: {error.msg} at column {error.colno}."
                ) from None
            if not isinstance(row, dict):
                raise DataError(f"Line {number} of '{path}' is not a JSON object.")
            rows.append(row)
    frame = pd.DataFrame.from_records(rows)
    for name in frame.columns.difference(["target", "precursors", "year", "doi", "split"]):
        frame[name] = frame[name].convert_dtypes() if frame[name].isna().any() else frame[name]
    return frame


def _suffix(path: Path) -> str:
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    raise DataError(f"'{path}' is not a table: its name must end with one of {', '.join(SUFFIXES)}.")
