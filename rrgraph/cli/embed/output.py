"""Computes the embeddings of a batch of rows and writes them as Parquet or CSV, one column per dimension."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.cli.common.targets import TargetRow
from rrgraph.cli.common.writers import as_text, passed_columns
from rrgraph.models import Model
from rrgraph.properties import PropertyPredictor
from rrgraph.util.files import atomic_path
from rrgraph.util.sheets import neutral
from rrgraph.util.tabular import output_suffix

__all__ = ["EMBEDDING_SUFFIXES", "embed_rows", "open_embeddings"]

EMBEDDING_SUFFIXES = (".parquet", ".csv")

Rows: TypeAlias = Sequence[TargetRow[Composition]]
Write: TypeAlias = Callable[[Rows, NDArray[np.float32], NDArray[np.bool_]], None]


def embed_rows(predictor: PropertyPredictor | Model, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the embeddings (n, width) of rows, and which rows (n,) have none because they could not be read."""
    bad = np.array([row.target is None for row in rows])
    embeddings = np.zeros((len(rows), predictor.checkpoint.model.config.width), dtype=np.float32)
    embeddings[~bad] = np.asarray(predictor.embed([row.target for row in rows if row.target is not None]))
    return embeddings, bad


@contextmanager
def open_embeddings(path: str, width: int, more: Mapping[str, Any]) -> Iterator[Write]:
    """Yield a function that writes rows, embeddings (n, width) and a mask of missing ones (n,).

    The file appears once everything is written.

    Args:
        path: of the file.
        width: of the embeddings.
        more: columns of the input that go along, with their types.

    Raises:
        DataError: it cannot be written.
    """
    numbers = [f"e{number}" for number in range(width)]
    passed = passed_columns(more, {"formula", *numbers})
    is_csv = output_suffix(path, EMBEDDING_SUFFIXES) == ".csv"
    text: Callable[[str | None], str | None] = neutral if is_csv else lambda cell: cell
    schema = pa.schema(
        [
            ("formula", pa.string()),
            *((text(name), pa.string() if kind is str else kind) for name, kind in passed.values()),
            *((name, pa.float32()) for name in numbers),
        ]
    )
    with atomic_path(path) as temporary, _writer(temporary, schema, is_csv=is_csv) as writer:

        def write(
            rows: Sequence[TargetRow[Composition]], embeddings: NDArray[np.float32], missing: NDArray[np.bool_]
        ) -> None:
            given: list[list[Any]] = [[text(row.text) for row in rows]]
            for name, (_, kind) in passed.items():
                cells = [row.cells.get(name) for row in rows]
                given.append([text(as_text(cell)) for cell in cells] if kind is str else cells)
            columns = [pa.array(cells, schema.field(index).type) for index, cells in enumerate(given)]
            columns += [pa.array(column, mask=missing) for column in np.ascontiguousarray(embeddings.T)]
            writer.write_batch(pa.record_batch(columns, schema=schema))

        yield write


def _writer(path: Path, schema: pa.Schema, *, is_csv: bool) -> pq.ParquetWriter | pyarrow.csv.CSVWriter:
    if is_csv:
        return pyarrow.csv.CSVWriter(path, schema)
    # Values hardly ever repeat, so dictionary encoding only costs time.
    return pq.ParquetWriter(path, schema, use_dictionary=False, compression="zstd")
