"""Large tables of properties read in pieces, so that memory holds one piece at a time.

Flows in: a CSV file (plain, gzipped or xz) or a Parquet file. Flows out: its column names, and frames of some rows.
"""

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

__all__ = ["CHUNK_ROWS", "number_columns", "property_path", "stream_frames", "table_columns"]

#: Endings of the file names that can be read.
SUFFIXES = (".csv", ".csv.gz", ".csv.xz", ".parquet")

#: Rows that are held at a time.
CHUNK_ROWS = 32_768

_BUFFER = 1 << 20  # bytes


def property_path(table: str | os.PathLike[str]) -> Path:
    """Return the file of a table: that of a catalogued name, or the path itself.

    Raises:
        DataError: there is neither such a file nor such a name, the file is missing, or of another kind.
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
        DataError: the file is missing, of another kind, or malformed.
    """
    path = property_path(table)
    with _readable(path):
        if _suffix(path) == ".parquet":
            return [str(name) for name in pq.read_schema(path).names]
        return [str(name) for name in _open_csv(path, nrows=0).columns]


def number_columns(table: str | os.PathLike[str]) -> list[str]:
    """Return the columns of numbers: by type in Parquet, by their first `CHUNK_ROWS` cells in CSV.

    Raises:
        DataError: the file is missing, of another kind, or malformed.
    """
    path = property_path(table)
    with _readable(path):
        if _suffix(path) == ".parquet":
            return [field.name for field in pq.read_schema(path) if _is_number(field.type)]
        head = _open_csv(path, nrows=CHUNK_ROWS)
    numeric = head.select_dtypes("number")
    return [str(name) for name in numeric.columns if numeric[name].notna().any()]


def stream_frames(
    table: str | os.PathLike[str],
    columns: Sequence[str],
    *,
    texts: Sequence[str] = (),
    chunk_rows: int = CHUNK_ROWS,
) -> Iterator[pd.DataFrame]:
    """Yield the named columns, some rows at a time; only empty cells of a CSV file are missing values.

    Args:
        table: catalogued name or path.
        columns: to read; a name may be repeated.
        texts: those of them that are text even where all cells of a CSV file look like numbers.
        chunk_rows: most rows of one frame.

    Raises:
        DataError: the file is missing, lacks a column, or is malformed.
    """
    path = property_path(table)
    present = table_columns(path)
    for name in columns:
        if name not in present:
            raise DataError(f"'{path}' has no column '{name}', found {', '.join(present)}.{suggestion(name, present)}")
    pieces = _pieces(path, list(dict.fromkeys(columns)), texts, chunk_rows)
    while True:
        with _readable(path):
            frame = next(pieces, None)
        if frame is None:
            return
        yield frame


def _pieces(path: Path, columns: list[str], texts: Sequence[str], chunk_rows: int) -> Iterator[pd.DataFrame]:
    if _suffix(path) == ".parquet":
        # Without a buffer size whole column chunks, often a million rows each, would be held.
        with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=chunk_rows, columns=columns):
                yield batch.to_pandas()
    else:
        # Told which columns to read, pandas would overlook rows with too many cells.
        with _open_csv(path, chunksize=chunk_rows, dtype=dict.fromkeys(texts, str)) as frames:
            for frame in frames:
                yield frame[columns]


def _open_csv(path: Path, **options: Any) -> Any:
    # NaN is sodium nitride: only an empty cell is nothing.
    return pd.read_csv(
        path, keep_default_na=False, na_values=[""], index_col=False, encoding="utf-8-sig", low_memory=False, **options
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what readers say of a malformed file into one sentence."""
    with warnings.catch_warnings():
        # Rows with more cells than the header has names would otherwise lose the last ones.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            yield
        except DataError:
            raise
        except (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError, pd.errors.ParserWarning) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise DataError(f"'{path}' cannot be read as {_suffix(path)[1:]}: {reason}.") from None


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _suffix(path: Path) -> str:
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    raise DataError(f"'{path}' is not a table of properties: its name must end with one of {', '.join(SUFFIXES)}.")
