"""Tables of results for the report, from an experiment's files or a run's metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Final

from rrgraph.figures.results import ACCURACY, OnDamage, read_or_report, read_results, read_table
from rrgraph.figures.series import Series, by_split
from rrgraph.metrics import ROW_GROUPS

__all__ = ["Cell", "ResultTable", "experiment_tables", "run_tables"]

SIGNIFICANT: Final = 0.05
_MOST_NAMED: Final = 3
_LONG: Final = ("split", "rows", "system", "protocol", "k", "mean", "deviation", "seeds", "place")


@dataclass(frozen=True)
class Cell:
    """An accuracy.

    Attributes:
        text: in %, with its deviation over seeds or its interval.
        rank: 1 for the best of its column, 2 for the second best, else 0.
        marks: "*" if the best is significantly better than the second, "†" if it is significantly better than the
            system that the experiment compares with.
    """

    text: str
    rank: int = 0
    marks: str = ""


@dataclass(frozen=True)
class ResultTable:
    """Accuracies of systems on the same rows.

    Attributes:
        split: name of the split.
        group: which rows of it count, one of `ROW_GROUPS`.
        columns: protocol and k of each column.
        rows: the cells of each system, None where nothing was measured.
    """

    split: str
    group: str
    columns: tuple[tuple[str, int], ...]
    rows: dict[str, tuple[Cell | None, ...]]

    @property
    def title(self) -> str:
        """Which rows."""
        return f"Split {self.split}" + (f", rows{ROW_GROUPS[self.group]}" if self.group != "all" else "")

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Each protocol with the number of its columns."""
        protocols = [protocol for protocol, _ in self.columns]
        return [(protocol, protocols.count(protocol)) for protocol in dict.fromkeys(protocols)]

    def best(self) -> list[tuple[str, int, str, str]]:
        """Return protocol, k, system and accuracy of the best of each column; tied systems are named together."""
        found = []
        for column, (protocol, k) in enumerate(self.columns):
            first = {system: cell for system, cells in self.rows.items() if (cell := cells[column]) and cell.rank == 1}
            if first:
                names = " and ".join(first) if len(first) <= _MOST_NAMED else f"{len(first)} systems"
                found.append((protocol, k, names, next(iter(first.values())).text))
        return found


@dataclass(frozen=True)
class _Entry:
    """One system under one protocol at one k, in %."""

    split: str
    group: str
    system: str
    protocol: str
    k: int
    cell: Cell


def experiment_tables(folder: str | Path, on_damage: OnDamage = None) -> list[ResultTable]:
    """Return the tables of an experiment, one for each split and one for each group of its rows.

    They come from `table.csv`, which includes significance, or else from `results.csv`.

    Args:
        folder: of the experiment.
        on_damage: called with a sentence on `table.csv` or each row that is left out because it is damaged; by default,
            that is an error.

    Raises:
        ConfigError: the experiment has no results, or one of the files cannot be read.
    """
    file = Path(folder) / "table.csv"
    entries: list[_Entry] = []
    if file.is_file():
        read: list[_Entry | None] = []
        read = read_or_report(lambda: read_table(file, _summarised, _LONG, on_damage), on_damage, read)
        entries = [entry for entry in read if entry is not None]
    return _tables(entries or _from_results(read_results(folder, on_damage)))


def run_tables(series: Sequence[Series], subset: str) -> list[ResultTable]:
    """Return the accuracy of runs with 95 % intervals, one table for each split and protocol."""
    entries = []
    for split, systems in by_split(series).items():
        for protocol in dict.fromkeys(name for each in systems for name in each.protocols(subset)):
            measured = {each.label: found[0].overall for each in systems if (found := each.metrics(subset, protocol))}
            for k in dict.fromkeys(k for top in measured.values() for k in top.top):
                ranks = _ranks({label: top.top[k].value for label, top in measured.items() if k in top.top})
                entries += [
                    _Entry(split, "all", label, protocol, k, Cell(str(measured[label].top[k]), rank))
                    for label, rank in ranks.items()
                ]
    return _tables(entries, by_protocol=True)


def _tables(entries: Iterable[_Entry], *, by_protocol: bool = False) -> list[ResultTable]:
    """Return a table for each split, each group of its rows, and optionally each protocol."""
    grouped: dict[tuple[str, str, str], list[_Entry]] = {}
    for entry in entries:
        grouped.setdefault((entry.split, entry.group, entry.protocol if by_protocol else ""), []).append(entry)
    tables = []
    for (split, group, _), found in grouped.items():
        protocols = list(dict.fromkeys(entry.protocol for entry in found))
        columns = sorted({(entry.protocol, entry.k) for entry in found}, key=lambda c: (protocols.index(c[0]), c[1]))
        cells = {(entry.system, entry.protocol, entry.k): entry.cell for entry in found}
        systems = dict.fromkeys(entry.system for entry in found)
        rows = {system: tuple(cells.get((system, *column)) for column in columns) for system in systems}
        tables.append(ResultTable(split, group, tuple(columns), rows))
    return tables


def _summarised(row: dict[str, str]) -> _Entry | None:
    """Return the entry of a row of `table.csv` in %, None for a metric other than top-k; damage is a ValueError."""
    if row["k"] == "" and row.get("metric"):
        return None
    offered = row.get("candidates") or "pool"
    protocol = row["protocol"] + ("" if offered == "pool" else f",candidates={offered}")
    accuracy, rank = float(row["mean"]), int(row["place"] or 0)
    if row["rows"] not in ROW_GROUPS:
        raise ValueError(f"its rows are {row['rows']!a:.80}, expected one of {', '.join(ROW_GROUPS)}")
    if not 0 <= accuracy <= 100:
        raise ValueError(f"its mean is {row['mean']!a:.80}, expected an accuracy in %")
    deviation = f" ± {float(row['deviation']):.1f}" if row["deviation"] else ""
    significant = rank == 1 and row.get("lead_p_value") and float(row["lead_p_value"]) < SIGNIFICANT
    marks = ("*" if significant else "") + ("†" if row.get("above") == "True" else "")
    cell = Cell(f"{accuracy:.1f}{deviation}", rank, marks)
    return _Entry(row["split"], row["rows"], row["system"], protocol, int(row["k"]), cell)


def _from_results(rows: Sequence[dict[str, str]]) -> list[_Entry]:
    """Return the mean and standard deviation over seeds, in %, of every accuracy (a fraction) in `results.csv`."""
    values: dict[tuple[str, str, str, int], dict[str, list[float]]] = {}
    for row in rows:
        for name, text in row.items():
            if text and (found := ACCURACY.fullmatch(name)):
                column = (row["split"], "unseen" if found["unseen"] else "all", found["protocol"], int(found["k"]))
                values.setdefault(column, {}).setdefault(row["system"], []).append(100 * float(text))
    entries = []
    for (split, group, protocol, k), systems in values.items():
        ranks = _ranks({system: mean(seeds) for system, seeds in systems.items()})
        for system, seeds in systems.items():
            deviation = f" ± {stdev(seeds):.1f}" if len(seeds) > 1 else ""
            cell = Cell(f"{mean(seeds):.1f}{deviation}", ranks[system])
            entries.append(_Entry(split, group, system, protocol, k, cell))
    return sorted(entries, key=lambda entry: list(dict.fromkeys(r["split"] for r in rows)).index(entry.split))


def _ranks(values: dict[str, float]) -> dict[str, int]:
    """Return 1 for the highest value and 2 for the second highest, by name; all 0 if all values are equal."""
    order = sorted(set(values.values()), reverse=True)[:2]
    return {name: order.index(value) + 1 if len(order) > 1 and value in order else 0 for name, value in values.items()}
