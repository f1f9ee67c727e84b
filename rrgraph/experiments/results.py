"""What finished runs measured: one row of results a run, and the outcome of each row of their tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rrgraph.errors import DataError
from rrgraph.experiments.grid import Run, RunName
from rrgraph.metrics import RowRanks
from rrgraph.runs import workflow_of
from rrgraph.util.files import write_json, write_text
from rrgraph.util.json_files import read_json, value_errors
from rrgraph.util.sheets import csv_text

__all__ = ["RESULTS", "Measured", "ResultRow", "read_run", "record_seconds", "write_results"]

RESULTS: Final = "results.csv"
"""Name of the table with one row a run."""

_SECONDS: Final = "seconds.json"

ResultRow = dict[str, str | int | float | None]
"""A row of the results: shares from 0 to 1, None where there is nothing to measure."""


def record_seconds(run: Run, seconds: float) -> None:
    """Write into the folder of a run how long it took, for its row of results."""
    write_json(run.folder / _SECONDS, round(seconds, 1))


@dataclass(frozen=True)
class Measured:
    """What a finished run left.

    Attributes:
        row: its row of the results; how long it took stays empty where nothing recorded it.
        outcomes: what became of each row by protocol, for each panel that rows of its split have.
        values: of the metrics by protocol and name, over all rows.
    """

    row: ResultRow
    outcomes: Mapping[RunName, Mapping[str, RowRanks]]
    values: Mapping[str, Mapping[str, float]]


def read_run(run: Run, protocols: Sequence[str]) -> Measured:
    """Return what a finished run measured.

    Raises:
        DataError: one of its files is damaged, or they do not fit each other.
    """
    with value_errors(f"What the run in '{run.folder}' measured"):
        metrics = read_json(run.folder / "metrics.json")[run.subset]
        row, outcomes = _row(run, metrics), _outcomes(run, protocols)
        values = workflow_of(run.config).values(metrics, protocols)
        for protocol, ranks in outcomes[run.key].items():
            if len(ranks.targets) != row["rows"]:
                raise DataError(f"ranks.json has {len(ranks.targets)} rows of {protocol}, not {row['rows']}.")
    return Measured(row, outcomes, values)


def _row(run: Run, metrics: Mapping[str, Any]) -> ResultRow:
    seconds = run.folder / _SECONDS
    values = workflow_of(run.config).columns(metrics)
    rows, took = values.pop("rows"), read_json(seconds) if seconds.is_file() else None
    if type(rows) is not int or not (took is None or (type(took) in (int, float) and took >= 0)):
        raise DataError(f"it took {took!a:.40} seconds for {rows!a:.40} rows.")
    for name, share in values.items():
        if share is not None and not 0 <= share <= 1:
            raise DataError(f"{name} is {share!a:.40}, expected a share.")
    return {"system": run.system, "split": run.split, "seed": run.seed, "rows": rows, "seconds": took, **values}


def write_results(folder: Path, rows: Iterable[ResultRow]) -> None:
    """Write the results of all finished runs, one row each."""
    write_text(folder / RESULTS, csv_text(rows))


def _outcomes(run: Run, protocols: Sequence[str]) -> dict[RunName, Mapping[str, RowRanks]]:
    ranks = read_json(run.folder / "ranks.json")[run.subset]
    found = workflow_of(run.config).outcomes(run.split, ranks, protocols)
    return {(run.system, panel, run.seed): outcome for panel, outcome in found.items()}
