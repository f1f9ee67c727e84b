"""Large tables of properties (CSV, plain or compressed by gzip or xz, or Parquet), read in batches of rows."""

from __future__ import annotations

import csv
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from rrgraph.data import CATALOGUE, data_path
from rrgraph.errors import DataError, suggestion
from rrgraph.util.files import suggest_file
from rrgraph.util.inputs import MAX_LINE, open_binary, read_errors
from rrgraph.util.rows import listed, unique_columns
from rrgraph.util.rows.parquet import parquet_batches

__all__ = ["BATCH_SIZE", "number_columns", "property_path", "stream_frames", "table_columns"]

#: Suffixes of files that can be read.
SUFFIXES = (".csv", ".csv.gz", ".csv.xz", ".csv.bz2", ".parquet")

#: Rows that are in memory at a time.
BATCH_SIZE = 32_768


def property_path(table: str | os.PathLike[str]) -> Path:
    """Return the file of a table: that of a catalogued name, or the path itself.

    Raises:
        DataError: there is neither such a file nor such a name, the file is missing, or of another format.
    """
    name = os.fspath(table)
    if name in CATALOGUE:
        return data_path(name)
    path = Path(name)
    if not path.exists():
        known = [entry.name for entry in CATALOGUE.values() if entry.path.startswith("properties/")]
        raise DataError(f"There is no file '{path}'.{suggest_file(path) or suggestion(name, known)}")
    if not path.is_file():
        raise DataError(f"'{path}' is not a regular file, as a table of properties has to be, since it is read twice.")
    _suffix(path)
    return path


def table_columns(table: str | os.PathLike[str]) -> list[str]:
    """Return the names of the columns of a table.

    Raises:
        DataError: the file is missing, of another format, or malformed.
    """
    path = property_path(table)
    with _reader_errors(path):
        is_parquet = _suffix(path) == ".parquet"
        names = pq.read_schema(path).names if is_parquet else _header(path)
        unique_columns(names, f"'{path}'")
        if not is_parquet:
            return [str(name) for name in _read_csv(path, nrows=0).columns]
        if len(set(names)) < len(names):
            raise DataError(f"'{path}' has several columns of one name, so it is not known which is meant.")
        return [str(name) for name in names]


def number_columns(table: str | os.PathLike[str]) -> list[str]:
    """Return the columns of numbers: by type in Parquet, by their first `BATCH_SIZE` cells in CSV.

    Raises:
        DataError: the file is missing, of another format, or malformed.
    """
    path = property_path(table)
    table_columns(path)
    with _reader_errors(path):
        if _suffix(path) == ".parquet":
            return [field.name for field in pq.read_schema(path) if _is_number(field.type)]
        head = _read_csv(path, nrows=BATCH_SIZE)
    numeric = head.select_dtypes("number")
    return [str(name) for name in numeric.columns if numeric[name].notna().any()]


def stream_frames(
    table: str | os.PathLike[str],
    columns: Sequence[str],
    *,
    texts: Sequence[str] = (),
    batch_size: int = BATCH_SIZE,
) -> Iterator[pd.DataFrame]:
    """Yield the named columns in batches of rows; only empty cells of a CSV file are missing values.

    Args:
        table: catalogued name or path.
        columns: to read; a name may be repeated.
        texts: those of them that are text even if all cells of a CSV file look like numbers.
        batch_size: largest number of rows in a frame.

    Raises:
        DataError: the file is missing, lacks a column, or is malformed.
    """
    path = property_path(table)
    present = table_columns(path)
    for name in columns:
        if name not in present:
            raise DataError(f"'{path}' has no column '{name}', found {listed(present)}.{suggestion(name, present)}")
    batches = _batches(path, list(dict.fromkeys(columns)), texts, batch_size)
    while True:
        with _reader_errors(path):
            frame = next(batches, None)
        if frame is None:
            return
        yield frame


def _batches(path: Path, columns: list[str], texts: Sequence[str], batch_size: int) -> Iterator[pd.DataFrame]:
    if _suffix(path) == ".parquet":
        with path.open("rb") as file:
            schema = pa.schema([field for field in pq.read_schema(file) if field.name in columns])
            file.seek(0)
            for batch in parquet_batches(file, f"'{path}'", columns=columns, batch_size=batch_size):
                yield batch.select(schema.names).cast(schema).to_pandas()
    else:
        # With `usecols`, pandas would not notice rows with too many cells.
        with _lines(path) as lines, _open_csv(lines, chunksize=batch_size, dtype=dict.fromkeys(texts, str)) as frames:
            for frame in frames:
                yield frame[columns]


def _header(path: Path) -> list[str]:
    """Return the cells of the first line, which pandas would take minutes for if they are very many."""
    with _lines(path) as lines:
        line = lines.readline(MAX_LINE).decode("utf-8-sig")
    try:
        return next(csv.reader([line]), [])
    except csv.Error as error:
        raise ValueError(str(error)) from None


def _read_csv(path: Path, **options: Any) -> pd.DataFrame:
    with _lines(path) as lines:
        frame: pd.DataFrame = _open_csv(lines, **options)
    return frame


def _open_csv(lines: IO[bytes], **options: Any) -> Any:
    # NaN is sodium nitride: only an empty cell is a missing value.
    return pd.read_csv(
        lines, keep_default_na=False, na_values=[""], index_col=False, encoding="utf-8-sig", low_memory=False, **options
    )


def _lines(path: Path) -> IO[bytes]:
    return io.BufferedReader(_Lines(open_binary(path), path))


class _Lines(io.RawIOBase):
    """A file of which a line that is too long, or a quote that is never closed, is an error before it is in memory."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file, self._path = file, path
        self._line = self._quoted = 0  # bytes since the last line break, and since the last quote
        self._quotes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._quotes += chunk.count(b'"')
        self._line = _since(chunk, b"\n", self._line)
        self._quoted = _since(chunk, b'"', self._quoted)
        if self._line > MAX_LINE:
            raise DataError(f"A line of '{self._path}' is longer than {MAX_LINE:,} bytes.")
        if self._quotes % 2 and self._quoted > MAX_LINE:
            raise DataError(f"'{self._path}' has a quote that is not closed.")
        return len(chunk)

    def close(self) -> None:
        self._file.close()
        super().close()


def _since(chunk: bytes, mark: bytes, before: int) -> int:
    """Return how many bytes follow the last mark."""
    place = chunk.rfind(mark)
    return before + len(chunk) if place < 0 else len(chunk) - place - 1


@contextmanager
def _reader_errors(path: Path) -> Iterator[None]:
    """Turn the errors of readers about a malformed file into a `DataError` of one sentence."""
    with warnings.catch_warnings():
        # Otherwise the last cells of rows that are longer than the header would be lost.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        with read_errors(f"'{path}'", _suffix(path)[1:]):
            try:
                yield
            except pd.errors.ParserWarning as warning:
                raise ValueError(str(warning)) from None


def _is_number(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_integer(dtype) or pa.types.is_floating(dtype) or pa.types.is_decimal(dtype))


def _suffix(path: Path) -> str:
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    raise DataError(f"'{path}' is not a table of properties: its name must end with one of {', '.join(SUFFIXES)}.")
