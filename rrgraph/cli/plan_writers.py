"""The ways plans leave `rrgraph plan`: tables for people, JSON, JSONL, CSV and Parquet for programs.

Flows in: plan records, one by one. Flows out: lines on a stream, rows in a file.
"""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from math import log
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rrgraph.cli.show import fits, show_table

if TYPE_CHECKING:
    from rrgraph.cli.plan_output import PlanRecord
    from rrgraph.planning import ReactionEnergy

__all__ = ["CsvWriter", "JsonWriter", "ParquetWriter", "PlanWriter", "TableWriter", "Tee"]


class PlanWriter(ABC):
    """Takes plans one by one."""

    @abstractmethod
    def write(self, record: PlanRecord) -> None:
        """Show or write one plan."""


class TableWriter(PlanWriter):
    """One table a target, for people; on a narrow terminal equations stand below their precursors."""

    def write(self, record: PlanRecord) -> None:
        if not record.sets:
            return
        header, rows = _table(record)
        if not fits(header, rows):
            header, rows = [*header[:2], "precursors"], [_stacked(row) for row in rows]
        show_table(header, rows, title=f"\n{record.target}", numbers=("rank", "probability"))
        if any(s.unseen for s in record.sets):
            print("* never seen in training")
        unbalanced = sum(s.equation is None for s in record.sets)
        if record.detail.equations and unbalanced:
            verb = "does" if unbalanced == 1 else "do"
            print(f"{unbalanced} of {len(record.sets)} {verb} not balance; --balanced leaves such sets out")
        if any(s.energy for s in record.sets):
            print("reaction energy: per atom of the equation and per mole of target; negative releases energy")
        if record.message:
            print(record.message)


def _table(plan: PlanRecord) -> tuple[list[str], list[list[str]]]:
    sets, detail = plan.sets, plan.detail
    weighed = any(record.grams is not None for record in sets)
    header = ["rank", "probability", "precursors", "balanced equation"]
    if detail.energies:
        header.append("reaction energy" + (f" at {detail.temperature:g} K" if detail.temperature is not None else ""))
    if weighed:
        header.append("grams")
    # Other scores than the product of probabilities order the sets differently, so they are shown.
    scored = any(abs(record.score - log(max(record.probability, 1e-300))) > 1e-6 for record in sets)
    rows = []
    for record in sets:
        names = " + ".join(f"{name}*" if name in record.unseen else name for name in record.precursors)
        probability = f"{record.probability:.3g}" + (f" ({record.score:.3g})" if scored else "")
        cells = [str(record.rank), probability, names, record.equation or "does not balance"]
        if detail.energies:
            cells.append("-" if record.energy is None else _energy(record.energy))
        if weighed:
            masses = (record.grams or {}).items()
            cells.append(", ".join(f"{mass:.4g} g {name}" for name, mass in masses) or "-")
        rows.append(cells)
    if scored:
        header[1] = "probability (score)"
    return header, rows


def _energy(energy: ReactionEnergy) -> str:
    """``-0.056 ± 0.021 eV/atom (-32 ± 12 kJ/mol)``."""
    per_atom = _with_uncertainty(energy.ev_per_atom, energy.ev_per_atom_uncertainty, digits=3)
    per_mole = _with_uncertainty(energy.kj_per_mol, energy.kj_per_mol_uncertainty, digits=0)
    return f"{per_atom} eV/atom ({per_mole} kJ/mol)"


def _with_uncertainty(value: float, deviation: float, *, digits: int) -> str:
    text = f"{value:z.{digits}f}"
    return f"{text} ± {deviation:.{digits}f}" if deviation else text


def _stacked(row: Sequence[str]) -> list[str]:
    """Join the text cells of a row below each other."""
    return [*row[:2], "\n  ".join(cell for cell in row[2:] if cell != "-")]


class JsonWriter(PlanWriter):
    """One JSON object a line."""

    def __init__(self, stream: IO[str] | None) -> None:
        self.stream = stream

    def write(self, record: PlanRecord) -> None:
        print(json.dumps(record.to_json(), ensure_ascii=False, allow_nan=False), file=self.stream)


_COLUMNS = ("row", "target", "rank", "precursors", "score", "probability", "unseen", "equation", "grams", "message")
_PREFIX = "reaction_energy_"
_ENERGIES = tuple(
    _PREFIX + name for name in ("ev_per_atom", "ev_per_atom_uncertainty", "kj_per_mol", "kj_per_mol_uncertainty")
)
_WITH_ENERGIES = (*_COLUMNS[:-1], *_ENERGIES, "temperature_k", _COLUMNS[-1])


class RowsWriter(PlanWriter):
    """One row a set in columns; a target without sets keeps one row with its message."""

    def __init__(self, *, energies: bool = False) -> None:
        self.number = 0
        self.columns = _WITH_ENERGIES if energies else _COLUMNS

    def rows(self, record: PlanRecord) -> Iterator[dict[str, Any]]:
        """Yield the rows of one plan."""
        self.number += 1
        empty = dict.fromkeys(self.columns)
        if not record.sets:
            yield empty | {"row": self.number, "target": record.target, "message": record.message}
        for s in record.sets:
            energy: dict[str, Any] = {_PREFIX + name: value for name, value in (s.energy_numbers or {}).items()}
            if s.energy is not None:
                energy["temperature_k"] = s.energy.temperature
            yield (
                empty
                | energy
                | {
                    "row": self.number,
                    "target": record.target,
                    "rank": s.rank,
                    "precursors": ";".join(s.precursors),
                    "score": s.score,
                    "probability": s.probability,
                    "unseen": ";".join(s.unseen),
                    "equation": s.equation,
                    "grams": None if s.grams is None else ";".join(f"{mass:.5g}" for mass in s.grams.values()),
                    "message": record.message,
                }
            )


class CsvWriter(RowsWriter):
    """Rows as CSV."""

    def __init__(self, stream: IO[str], *, energies: bool = False) -> None:
        super().__init__(energies=energies)
        self.writer = csv.DictWriter(stream, fieldnames=self.columns, lineterminator="\n")
        self.writer.writeheader()

    def write(self, record: PlanRecord) -> None:
        self.writer.writerows(self.rows(record))


class ParquetWriter(RowsWriter):
    """Rows as Parquet, a group of rows at a time."""

    group = 10_000

    def __init__(self, path: Path, *, energies: bool = False) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        super().__init__(energies=energies)
        numbers = ("score", "probability", *_ENERGIES, "temperature_k")
        kinds = {"row": pa.int64(), "rank": pa.int64()} | dict.fromkeys(numbers, pa.float64())
        self.schema = pa.schema([(name, kinds.get(name, pa.string())) for name in self.columns])
        self.file = pq.ParquetWriter(path, self.schema)
        self.waiting: list[dict[str, Any]] = []

    def write(self, record: PlanRecord) -> None:
        self.waiting.extend(self.rows(record))
        if len(self.waiting) >= self.group:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait."""
        import pyarrow as pa

        if self.waiting:
            self.file.write_table(pa.Table.from_pylist(self.waiting, schema=self.schema))
        self.waiting = []

    def close(self) -> None:
        """Write what waits and finish the file."""
        self.flush()
        self.file.close()


class Tee(PlanWriter):
    """Several writers at once."""

    def __init__(self, writers: Sequence[PlanWriter]) -> None:
        self.writers = writers

    def write(self, record: PlanRecord) -> None:
        for writer in self.writers:
            writer.write(record)
