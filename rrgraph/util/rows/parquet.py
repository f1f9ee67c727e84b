"""Rows and batches of Parquet files; what a batch takes once it is decoded is known before it is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rrgraph.errors import DataError
from rrgraph.util.inputs import Budget, cell_fault, check_expansion
from rrgraph.util.rows.reader import RawRow, RowReader, unique_columns

__all__ = ["decoded_size", "open_parquet", "parquet_batches", "read_parquet"]

_BATCH_SIZE: Final = 4096
_BUFFER: Final = 1 << 20
_MOST: Final = 1 << 28
"""Bytes that a batch may take in memory."""
_OBJECT: Final = 40
"""Bytes of a number as an object of Python."""


def open_parquet(reader: RowReader, handle: IO[bytes]) -> None:
    """Set the columns, their types and the rows of a reader to those of a Parquet file.

    Raises:
        DataError: it is damaged, or gives too much when it is decoded.
    """
    schema = pq.read_schema(handle)
    handle.seek(0)
    reader.columns = unique_columns(schema.names, reader.name)
    fields = zip(reader.columns, schema.types, strict=True)
    reader.types = {name: each for name, each in fields if not pa.types.is_nested(each)}
    records = chain.from_iterable(_records(batch) for batch in parquet_batches(handle, reader.name))
    reader._rows = (RawRow(number, record) for number, record in enumerate(records, start=1))


def parquet_batches(
    source: IO[bytes], name: str, *, columns: Sequence[str] | None = None, batch_size: int = _BATCH_SIZE
) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches; texts are encoded by dictionaries, so that each is in memory once.

    Args:
        source: the file.
        name: of the file, for messages.
        columns: to read, by default all.
        batch_size: largest number of rows in a batch.

    Raises:
        DataError: a column gives too much when it is decoded.
    """
    with pq.ParquetFile(source) as plain:
        metadata = plain.metadata
        texts = [column.path for column in plain.schema if column.physical_type == "BYTE_ARRAY"]
        size = min([batch_size, *_sizes(metadata, name)])
    source.seek(0)
    # Without a buffer size, whole columns of often a million rows would be in memory.
    file = pq.ParquetFile(source, read_dictionary=texts, buffer_size=_BUFFER, pre_buffer=False)
    for batch in file.iter_batches(batch_size=size, columns=columns):
        yield from _small_batches(batch, name)


def _sizes(metadata: pq.FileMetaData, name: str) -> Iterator[int]:
    """Yield upper limits of the rows of a batch.

    Raises:
        DataError: a column gives too much when it is decoded.
    """
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            check_expansion(name, chunk.total_uncompressed_size, chunk.total_compressed_size)
            is_nested = chunk.num_values != metadata.row_group(group).num_rows
            Budget(name).add(max(chunk.total_uncompressed_size, 8 * chunk.num_values if is_nested else 0))
            if "DELTA_BYTE_ARRAY" in chunk.encodings:  # each value may be the one before and a letter
                yield max(1, _MOST // max(1, chunk.total_uncompressed_size))


def _small_batches(batch: pa.RecordBatch, name: str) -> Iterator[pa.RecordBatch]:
    """Divide a batch that takes too much once it is decoded.

    Raises:
        DataError: one row takes too much.
    """
    if sum(map(decoded_size, batch.columns)) <= _MOST:
        yield batch
    elif batch.num_rows == 1:
        raise DataError(f"A row of {name} is larger than {_MOST >> 20} MB.")
    else:
        half = batch.num_rows // 2
        yield from _small_batches(batch.slice(0, half), name)
        yield from _small_batches(batch.slice(half), name)


def decoded_size(array: pa.Array) -> int:
    """Return about how many bytes the values of an array take as objects of Python."""
    if pa.types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary).take(array.indices)
        return _OBJECT * len(array) + (pc.sum(lengths).as_py() or 0)
    if pa.types.is_struct(array.type):
        return sum(map(decoded_size, array.flatten()))
    if pa.types.is_nested(array.type):
        return _OBJECT * len(array) + decoded_size(array.flatten() if hasattr(array, "flatten") else array.values)
    return _OBJECT * len(array) + int(array.nbytes)


def read_parquet(path: str | os.PathLike[str]) -> pa.Table | None:
    """Return a table with its own types; None if a text has a NUL byte or is not UTF-8.

    Raises:
        DataError: it takes too much memory.
    """
    budget = Budget(f"'{path}'")
    with Path(path).open("rb") as file:
        schema = pq.read_schema(file)
        unique_columns(schema.names, budget.name)
        file.seek(0)
        batches = []
        for batch in parquet_batches(file, budget.name):
            budget.add(sum(map(decoded_size, batch.columns)))
            plain = batch.cast(schema)
            if not all(map(_is_clean, plain.columns)):
                return None
            batches.append(plain)
    return pa.Table.from_batches(batches, schema)


def _is_clean(array: pa.Array) -> bool:
    """Whether texts can be shown and written."""
    if pa.types.is_nested(array.type):
        return array.null_count == len(array) or all(cell_fault(value) is None for value in array.to_pylist())
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return True
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return not pc.any(pc.match_substring(array, "\0")).as_py()


def _records(batch: pa.RecordBatch) -> Iterator[Sequence[Any]]:
    return zip(*map(_values, batch.columns), strict=True)


def _values(array: pa.Array) -> list[Any]:
    """Return values as objects of Python, equal texts as one object; bytes that are not UTF-8 as surrogates."""
    if pa.types.is_dictionary(array.type):
        values = _values(array.dictionary)
        return [None if index is None else values[index] for index in array.indices.to_pylist()]
    try:
        return list(array.to_pylist())
    except UnicodeDecodeError:
        if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
            raise
        return [
            None if value is None else value.decode("utf-8", "surrogateescape")
            for value in array.cast(pa.large_binary()).to_pylist()
        ]
