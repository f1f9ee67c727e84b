"""What finished runs measured: one row of results a run, and the outcome of each row of their tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rrgraph.experiments.grid import Run, RunName
from rrgraph.metrics import RowRanks
from rrgraph.runs import workflow_of
from rrgraph.util.files import write_json, write_text
from rrgraph.util.sheets import csv_text

__all__ = ["RESULTS", "ResultRow", "read_outcomes", "record_seconds", "result_row", "write_results"]

RESULTS: Final = "results.csv"
"""Name of the table with one row a run."""

_SECONDS: Final = "seconds.json"

ResultRow = dict[str, str | int | float | None]
"""A row of the results: shares from 0 to 1, None where there is nothing to measure."""


def record_seconds(run: Run, seconds: float) -> None:
    """Write into the folder of a run how long it took, for its row of results."""
    write_json(run.folder / _SECONDS, round(seconds, 1))


def result_row(run: Run) -> ResultRow:
    """Return the row of a finished run; how long it took stays empty where nothing recorded it."""
    seconds = run.folder / _SECONDS
    measured = json.loads((run.folder / "metrics.json").read_text(encoding="utf-8"))[run.subset]
    values = workflow_of(run.config).columns(measured)
    return {
        "system": run.system,
        "split": run.split,
        "seed": run.seed,
        "rows": values.pop("rows"),
        "seconds": json.loads(seconds.read_text(encoding="utf-8")) if seconds.is_file() else None,
        **values,
    }


def write_results(folder: Path, rows: Iterable[ResultRow]) -> None:
    """Write the results of all finished runs, one row each."""
    write_text(folder / RESULTS, csv_text(rows))


def read_outcomes(run: Run, protocols: Sequence[str]) -> dict[RunName, Mapping[str, RowRanks]]:
    """Return what became of each row in a finished run by protocol, for each panel that rows of its split have."""
    ranks = json.loads((run.folder / "ranks.json").read_text(encoding="utf-8"))[run.subset]
    found = workflow_of(run.config).outcomes(run.split, ranks, protocols)
    return {(run.system, panel, run.seed): outcome for panel, outcome in found.items()}
