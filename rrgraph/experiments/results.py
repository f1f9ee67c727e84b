"""What finished runs measured: run folders flow in, one row of results a run and the outcome of each row flow out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rrgraph.evaluation import TOP_K, Metrics, RowRanks, TopK
from rrgraph.experiments.grid import Run, RunName
from rrgraph.files import write_text
from rrgraph.runs.config import MODEL

__all__ = ["RESULTS", "ResultRow", "read_outcome", "read_seconds", "result_row", "write_results"]

RESULTS: Final = "results.csv"
"""Name of the table with one row a run."""

ResultRow = dict[str, str | int | float | None]
"""A row of the results: shares from 0 to 1, None where there is nothing to measure."""


def result_row(run: Run, seconds: float | None) -> ResultRow:
    """Return the row of a finished run.

    Args:
        run: where it was carried out.
        seconds: how long it took, None if that is not known.
    """
    measured = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))[run.part]
    protocols = {name: Metrics.from_dict(systems[MODEL]) for name, systems in measured.items()}
    row: ResultRow = {
        "system": run.system,
        "split": run.split,
        "seed": run.seed,
        "rows": next(iter(protocols.values())).overall.rows,
        "seconds": None if seconds is None else round(seconds, 1),
    }
    for name, metrics in protocols.items():
        row |= _shares(name, metrics.overall) | _shares(f"{name}_unseen", metrics.unseen)
        row[f"{name}_ece"] = metrics.calibration.ece_width if metrics.calibration else None
    return row


def _shares(prefix: str, found: TopK | None) -> ResultRow:
    return {f"{prefix}_top{k}": found.top[k].value if found and k in found.top else None for k in TOP_K}


def write_results(folder: Path, rows: Iterable[ResultRow]) -> None:
    """Write the results of all finished runs, one row each."""
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in listed for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    write_text(folder / RESULTS, text.getvalue())


def read_seconds(folder: Path) -> dict[RunName, float]:
    """Return how long the runs in an earlier table of results took."""
    path = folder / RESULTS
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as handle:
        return {
            (row["system"], row["split"], int(row["seed"])): float(row["seconds"])
            for row in csv.DictReader(handle)
            if row["seconds"]
        }


def read_outcome(run: Run, protocols: Sequence[str]) -> Mapping[str, RowRanks]:
    """Return what became of each row in a finished run, by protocol."""
    outcomes = json.loads((run.folder / "ranks.json").read_text(encoding="utf-8"))[run.part]
    return {name: RowRanks.from_dict(outcomes[name]) for name in protocols}
