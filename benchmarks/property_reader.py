"""Reading a large table of properties: rows a second, and the largest memory that the process ever held.

A file of random formulas (two to six elements, one to sixteen atoms each) with eight columns of numbers is written by
a process of its own into a temporary folder, then read by this one. Run from the project's root:

    python benchmarks/property_reader.py --rows 2000000 --format parquet
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import rrgraph as rr

PIECE = 100_000
PROPERTIES = ("energy", "formation_energy", "e_above_hull", "band_gap", "volume", "sites", "magnetisation", "density")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--format", choices=("parquet", "csv", "csv.gz"), default="parquet")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"properties.{arguments.format}"
        writer = multiprocessing.get_context("spawn").Process(
            target=write_table, args=(path, arguments.rows, arguments.seed)
        )
        writer.start()
        writer.join()
        print(
            f"{arguments.rows:,} rows, {len(PROPERTIES)} properties, {path.stat().st_size / 2**20:.0f} MiB {path.name}"
        )
        before = _peak()
        started = time.perf_counter()
        table = rr.properties.read_properties(rr.properties.user_sources(path))
        seconds = time.perf_counter() - started
        peak = _peak()
    arrays = [table.elements, table.fractions, table.labels, table.subsets, table.formulas]
    held = sum(array.nbytes for array in arrays) / 2**20
    assert len(table.tasks) == len(PROPERTIES)
    print(f"{len(table):,} compositions in {seconds:.0f} s: {arguments.rows / seconds:,.0f} rows/s")
    print(f"peak resident memory {peak:.0f} MiB, of it {before:.0f} before reading; the result holds {held:.0f} MiB")


def write_table(path: Path, rows: int, seed: int) -> None:
    """Write random formulas and numbers, some of them missing, piece by piece."""
    generator = np.random.default_rng(seed)
    parquet = None
    for start in range(0, rows, PIECE):
        count = min(PIECE, rows - start)
        frame = pd.DataFrame({"formula": _formulas(generator, count)})
        for name in PROPERTIES:
            values = generator.normal(size=count)
            values[generator.random(count) < 0.1] = np.nan
            frame[name] = values
        if path.suffix == ".parquet":
            table = pa.Table.from_pandas(frame, preserve_index=False)
            parquet = parquet or pq.ParquetWriter(path, table.schema)
            parquet.write_table(table)
        else:
            frame.to_csv(path, mode="a", header=not start, index=False)
    if parquet:
        parquet.close()


def _formulas(generator: np.random.Generator, count: int) -> list[str]:
    symbols = np.array(list(rr.chem.ATOMIC_NUMBERS)[:94])
    sizes = generator.choice([2, 3, 4, 5, 6], size=count, p=[0.05, 0.4, 0.35, 0.15, 0.05])
    drawn = symbols[generator.random((count, len(symbols))).argpartition(6, axis=1)[:, :6]]
    amounts = generator.integers(1, 17, size=(count, 6))
    return [
        "".join(f"{symbol}{amount}" for symbol, amount in zip(row[:size], numbers[:size], strict=True))
        for row, numbers, size in zip(drawn.tolist(), amounts.tolist(), sizes.tolist(), strict=True)
    ]


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    main()
