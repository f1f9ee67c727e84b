"""Large tables of properties (CSV, plain or compressed by gzip or xz, or Parquet), read in batches of rows."""

from __future__ import annotations

import lzma
import os
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from rrgraph.data import CATALOGUE, data_path
from rrgraph.errors import DataError, suggestion
from rrgraph.util.files import suggest_file

__all__ = ["BATCH_SIZE", "number_columns", "property_path", "stream_frames", "table_columns"]

#: Suffixes of files that can be read.
SUFFIXES = (".csv", ".csv.gz", ".csv.xz", ".parquet")

#: Rows that are in memory at a time.
BATCH_SIZE = 32_768

_BUFFER = 1 << 20  # bytes


def property_path(table: str | os.PathLike[str]) -> Path:
    """Return the file of a table: that of a catalogued name, or the path itself.

    Raises:
        DataError: there is neither such a file nor such a name, the file is missing, or of another format.
    """
    name = os.fspath(table)
    if name in CATALOGUE:
        return data_path(name)
    path = Path(name)
    if not path.is_file():
        known = [entry.name for entry in CATALOGUE.values() if entry.path.startswith("properties/")]
        raise DataError(f"There is no file '{path}'.{suggest_file(path) or suggestion(name, known)}")
    _suffix(path)
    return path


def table_columns(table: str | os.PathLike[str]) -> list[str]:
    """Return the names of the columns of a table.

    Raises:
        DataError: the file is missing, of another format, or malformed.
    """
    path = property_path(table)
    with _readable(path):
        if _suffix(path) == ".parquet":
            return [str(name) for name in pq.read_schema(path).names]
        return [str(name) for name in _open_csv(path, nrows=0).columns]


def number_columns(table: str | os.PathLike[str]) -> list[str]:
    """Return the columns of numbers: by type in Parquet, by their first `BATCH_SIZE` cells in CSV.

    Raises:
        DataError: the file is missing, of another format, or malformed.
    """
    path = property_path(table)
    with _readable(path):
        if _suffix(path) == ".parquet":
            return [field.name for field in pq.read_schema(path) if _is_number(field.type)]
        head = _open_csv(path, nrows=BATCH_SIZE)
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
            raise DataError(f"'{path}' has no column '{name}', found {', '.join(present)}.{suggestion(name, present)}")
    batches = _batches(path, list(dict.fromkeys(columns)), texts, batch_size)
    while True:
        with _readable(path):
            frame = next(batches, None)
        if frame is None:
            return
        yield frame


def _batches(path: Path, columns: list[str], texts: Sequence[str], batch_size: int) -> Iterator[pd.DataFrame]:
    if _suffix(path) == ".parquet":
        # Without a buffer size, whole column chunks of often a million rows would be in memory.
        with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=batch_size, columns=columns):
                yield batch.to_pandas()
    else:
        # With `usecols`, pandas would not notice rows with too many cells.
        with _open_csv(path, chunksize=batch_size, dtype=dict.fromkeys(texts, str)) as frames:
            for frame in frames:
                yield frame[columns]


def _open_csv(path: Path, **options: Any) -> Any:
    # NaN is sodium nitride: only an empty cell is a missing value.
    return pd.read_csv(
        path, keep_default_na=False, na_values=[""], index_col=False, encoding="utf-8-sig", low_memory=False, **options
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn the errors of readers about a malformed file into a `DataError` of one sentence."""
    with warnings.catch_warnings():
        # Otherwise the last cells of rows that are longer than the header would be lost.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            yield
        except DataError:
            raise
        except (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError, pd.errors.ParserWarning) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise DataError(f"'{path}' cannot be read as {_suffix(path)[1:]}: {reason}.") from None


def _is_number(dtype: pa.DataType) -> bool:
    return bool(pa.types.is_integer(dtype) or pa.types.is_floating(dtype) or pa.types.is_decimal(dtype))


def _suffix(path: Path) -> str:
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    raise DataError(f"'{path}' is not a table of properties: its name must end with one of {', '.join(SUFFIXES)}.")
