"""Computes the embeddings of a batch of rows and writes them as Parquet or CSV, one column per dimension."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rrgraph.cli.common.targets import TargetRow
from rrgraph.models import Model
from rrgraph.properties import PropertyPredictor
from rrgraph.util.files import atomic_path

__all__ = ["EMBEDDING_SUFFIXES", "embed_rows", "open_embeddings"]

EMBEDDING_SUFFIXES = (".parquet", ".csv")

Write = Callable[[Sequence[str], NDArray[np.float32], NDArray[np.bool_]], None]


def embed_rows(
    predictor: PropertyPredictor | Model, rows: Sequence[TargetRow]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the embeddings (n, width) of rows, and which rows (n,) have none because they could not be read."""
    bad = np.array([row.target is None for row in rows])
    embeddings = np.zeros((len(rows), predictor.checkpoint.model.config.width), dtype=np.float32)
    embeddings[~bad] = np.asarray(predictor.embed([row.target for row in rows if row.target is not None]))
    return embeddings, bad


@contextmanager
def open_embeddings(path: str, width: int) -> Iterator[Write]:
    """Yield a function that writes formulas, embeddings (n, width) and a mask of missing ones (n,).

    The file appears once everything is written.

    Raises:
        DataError: it cannot be written.
    """
    schema = pa.schema([("formula", pa.string()), *((f"e{number}", pa.float32()) for number in range(width))])
    with atomic_path(path) as temporary, _writer(temporary, schema) as writer:

        def write(formulas: Sequence[str], embeddings: NDArray[np.float32], missing: NDArray[np.bool_]) -> None:
            columns = [pa.array(column, mask=missing) for column in np.ascontiguousarray(embeddings.T)]
            batch = pa.record_batch([pa.array(formulas, pa.string()), *columns], schema=schema)
            writer.write_batch(batch)

        yield write


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter | pyarrow.csv.CSVWriter:
    if path.suffix == ".csv":
        return pyarrow.csv.CSVWriter(path, schema)
    # Values hardly ever repeat, so dictionary encoding only costs time.
    return pq.ParquetWriter(path, schema, use_dictionary=False, compression="zstd")
