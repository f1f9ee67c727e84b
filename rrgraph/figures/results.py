"""Files of an experiment as figures and reports use them: what is damaged in them is left out and named."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from rrgraph.errors import ConfigError, RRGraphError, reason_of
from rrgraph.util.config import read_plain
from rrgraph.util.json_files import reading
from rrgraph.util.names import PLAIN_NAME, is_plain_name
from rrgraph.util.sheets import restored_row

__all__ = [
    "ACCURACY",
    "OnDamage",
    "is_experiment",
    "read_or_tell",
    "read_results",
    "read_table",
    "run_name",
    "unlisted_runs",
]

OnDamage = Callable[[str], None] | None
"""Called with a sentence on each thing that is left out because it is damaged; None makes that an error."""

ACCURACY: Final = re.compile(r"(?P<protocol>.+?)(?P<unseen>_unseen)?_top(?P<k>\d{1,9})")
"""Columns of `results.csv` with a share of rows."""

_RUN: Final = ("system", "split", "seed")

T = TypeVar("T")


def is_experiment(path: str | Path) -> bool:
    """Return whether a folder is that of an experiment."""
    return (Path(path) / "experiment.yaml").is_file() or (Path(path) / "results.csv").is_file()


def read_or_tell(read: Callable[[], T], on_damage: OnDamage, otherwise: T) -> T:
    """Return what is read, or something else and a sentence for `on_damage` if it cannot be."""
    try:
        return read()
    except RRGraphError as error:
        if on_damage is None:
            raise
        on_damage(str(error))
        return otherwise


def read_results(path: str | Path, on_damage: OnDamage = None) -> list[dict[str, str]]:
    """Return the rows of an experiment's `results.csv`, one per run.

    Raises:
        ConfigError: it is missing, empty, or lacks a column that identifies the run.
    """
    file = Path(path) / "results.csv"
    if not file.is_file():
        raise ConfigError(f"The experiment in '{path}' has no results.csv: no run has finished.")
    return read_table(file, _result, _RUN, on_damage)


def read_table(
    file: Path, parse: Callable[[dict[str, str]], T], columns: Collection[str], on_damage: OnDamage = None
) -> list[T]:
    """Return what is read from each row of a CSV file.

    Args:
        file: the file.
        parse: reads a row, and raises a ValueError if it is damaged.
        columns: that the file has to have.
        on_damage: see `OnDamage`.

    Raises:
        ConfigError: it cannot be read, lacks a column, or no row is left.
    """
    with reading(f"'{file}'", ConfigError), file.open(encoding="utf-8", newline="") as handle:
        try:
            reader = csv.DictReader(handle)
            header = [str(name) for name in reader.fieldnames or ()]
            lines = [(reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise ValueError(reason_of(error)) from None
    for column in columns:
        if column not in header:
            raise ConfigError(f"'{file}' has no column '{column}', expected {', '.join(columns)}.")
    rows, damaged = [], []
    for line, row in lines:
        try:
            if None in row or None in row.values():
                raise ValueError("it has more or fewer cells than the header")
            rows.append(parse(restored_row(row)))
        except ValueError as error:
            damaged.append(f"Line {line} of '{file}' is damaged: {reason_of(error)}.")
    for sentence in damaged:
        if on_damage is None:
            raise ConfigError(sentence)
        on_damage(sentence)
    if not rows:
        raise ConfigError(damaged[0] if damaged else f"'{file}' has no rows.")
    return rows


def _result(row: dict[str, str]) -> dict[str, str]:
    if not is_plain_name(run_name(row)):
        raise ValueError(f"its run would be {run_name(row)!a:.80}, expected {PLAIN_NAME}")
    if not re.fullmatch("[0-9]{1,10}", row["seed"]):
        raise ValueError(f"its seed is {row['seed']!a:.80}, expected a whole number")
    for name, text in row.items():
        if text and ACCURACY.fullmatch(name) and not 0 <= _number(text) <= 1:
            raise ValueError(f"it has {text!a:.80} as {name}, expected a share from 0 to 1")
    return row


def _number(text: str) -> float:
    """Return the number that a cell holds, -1 where there is none."""
    try:
        return float(text)
    except ValueError:
        return -1


def run_name(row: Mapping[str, str]) -> str:
    """Return the name of the folder of a row's run."""
    return f"{row['system']}-{row['split']}-{row['seed']}"


def unlisted_runs(path: str | Path) -> Iterator[Path]:
    """Yield the folders of runs that were measured, but are not among the results.

    `rrgraph experiment` leaves a run out of them whose files are damaged. Folders that its configuration does not ask
    for, if it says what it asks for, are no concern of the experiment.
    """
    folder = Path(path) / "runs"
    listed = read_table(Path(path) / "results.csv", run_name, _RUN, lambda _: None)
    asked = _asked(Path(path) / "experiment.yaml")
    for run in sorted(folder.iterdir()) if folder.is_dir() else ():
        if run.name not in listed and (asked is None or run.name in asked) and (run / "metrics.json").is_file():
            yield run


def _asked(file: Path) -> set[str] | None:
    """Return the names of the runs that the configuration of an experiment asks for, None if that is not known."""
    try:
        config: Mapping[str, Any] = read_plain(file)
        return {
            f"{system}-{split}-{seed}"
            for system in config["systems"]
            for split in config["splits"]
            for seed in config["seeds"]
        }
    except (RRGraphError, KeyError, TypeError):
        return None
