"""The plans that `rrgraph plan` shows or writes: tables for people, JSON, JSONL, CSV and Parquet for programs."""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import IO, Any

from rrgraph.chem import BalanceError, balance, batch_masses
from rrgraph.cli.plan_input import TargetRow
from rrgraph.cli.show import fits, show_table
from rrgraph.errors import DataError, near_match
from rrgraph.files import atomic_path
from rrgraph.model import LinkPredictor
from rrgraph.planning import Plan, RankedSet

__all__ = ["Detail", "PlanRecord", "SetRecord", "check_output", "describe_plan", "open_output"]

_SUFFIXES = (".jsonl", ".csv", ".parquet")


@dataclass(frozen=True)
class Detail:
    """What is worked out for each set: its balanced equation, and g of each precursor for `grams` g of target."""

    equations: bool = True
    grams: float | None = None


@dataclass(frozen=True)
class SetRecord:
    """One ranked set, ready to be shown.

    Attributes:
        rank: from 1.
        precursors: formulas.
        score: what the sets are ranked by.
        probability: product of the link probabilities (Retro-Rank-In eq. 5).
        unseen: the precursors that no training reaction uses.
        equation: balanced equation, None when it was not asked for or the set does not balance.
        grams: g of each precursor, None when not asked for.
    """

    rank: int
    precursors: list[str]
    score: float
    probability: float
    unseen: list[str]
    equation: str | None
    grams: dict[str, float] | None


@dataclass(frozen=True)
class PlanRecord:
    """The answer to one row: its sets, why there are fewer than asked for or none, and what was worked out."""

    target: str
    sets: list[SetRecord]
    message: str | None = None
    detail: Detail = Detail()

    def to_json(self) -> dict[str, Any]:
        """Return the line of the predictions format, with what it does not hold added."""
        line: dict[str, Any] = {
            "target": self.target,
            "sets": [record.precursors for record in self.sets],
            "scores": [record.score for record in self.sets],
            "probabilities": [record.probability for record in self.sets],
            "unseen": [record.unseen for record in self.sets],
        }
        if self.detail.equations or self.detail.grams is not None:
            line["equations"] = [record.equation for record in self.sets]
        if self.detail.grams is not None:
            line["grams"] = [record.grams for record in self.sets]
        if self.message is not None:
            line["message"] = self.message
        return line


def describe_plan(row: TargetRow, plan: Plan | None, predictor: LinkPredictor, detail: Detail) -> PlanRecord:
    """Turn the plan of a row (None when the row is bad) into a record."""
    if plan is None:
        return PlanRecord(target=row.text, sets=[], message=row.error, detail=detail)
    sets = [_describe_set(rank, ranked, plan, predictor, detail) for rank, ranked in enumerate(plan.sets, start=1)]
    return PlanRecord(target=row.text, sets=sets, message=plan.reason, detail=detail)


def _describe_set(rank: int, ranked: RankedSet, plan: Plan, predictor: LinkPredictor, detail: Detail) -> SetRecord:
    equation, weights = None, None
    if detail.equations or detail.grams is not None:
        try:
            balanced = balance(plan.target, list(ranked.precursors))
            equation = str(balanced)
            if detail.grams is not None:
                weights = {p.formula: float(f"{g:.6g}") for p, g in batch_masses(balanced, detail.grams).items()}
        except BalanceError:
            pass
    return SetRecord(
        rank=rank,
        precursors=[precursor.formula for precursor in ranked.precursors],
        score=ranked.score,
        probability=ranked.probability,
        unseen=[precursor.formula for precursor in ranked.precursors if not predictor.count(precursor)],
        equation=equation,
        grams=weights,
    )


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
        header, rows = _table(record.sets)
        if not fits(header, rows):
            header, rows = [*header[:2], "precursors"], [_stacked(row) for row in rows]
        show_table(header, rows, title=f"\n{record.target}", numbers=("rank", "probability"))
        if any(s.unseen for s in record.sets):
            print("* never seen in training")
        unbalanced = sum(s.equation is None for s in record.sets)
        if record.detail.equations and unbalanced:
            verb = "does" if unbalanced == 1 else "do"
            print(f"{unbalanced} of {len(record.sets)} {verb} not balance; --balanced leaves such sets out")
        if record.message:
            print(record.message)


def _table(sets: Sequence[SetRecord]) -> tuple[list[str], list[list[str]]]:
    weighed = any(record.grams is not None for record in sets)
    header = ["rank", "probability", "precursors", "balanced equation", *(["grams"] if weighed else [])]
    # Other scores than the product of probabilities order the sets differently, so they are shown.
    scored = any(abs(record.score - log(max(record.probability, 1e-300))) > 1e-6 for record in sets)
    rows = []
    for record in sets:
        names = " + ".join(f"{name}*" if name in record.unseen else name for name in record.precursors)
        probability = f"{record.probability:.3g}" + (f" ({record.score:.3g})" if scored else "")
        cells = [str(record.rank), probability, names, record.equation or "does not balance"]
        if weighed:
            masses = (record.grams or {}).items()
            cells.append(", ".join(f"{mass:.4g} g {name}" for name, mass in masses) or "-")
        rows.append(cells)
    if scored:
        header[1] = "probability (score)"
    return header, rows


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


class RowsWriter(PlanWriter):
    """One row a set in columns; a target without sets keeps one row with its message."""

    def __init__(self) -> None:
        self.number = 0

    def rows(self, record: PlanRecord) -> Iterator[dict[str, Any]]:
        """Yield the rows of one plan."""
        self.number += 1
        empty = dict.fromkeys(_COLUMNS)
        if not record.sets:
            yield empty | {"row": self.number, "target": record.target, "message": record.message}
        for s in record.sets:
            yield empty | {
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


class CsvWriter(RowsWriter):
    """Rows as CSV."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self.writer = csv.DictWriter(stream, fieldnames=_COLUMNS, lineterminator="\n")
        self.writer.writeheader()

    def write(self, record: PlanRecord) -> None:
        self.writer.writerows(self.rows(record))


class ParquetWriter(RowsWriter):
    """Rows as Parquet, a group of rows at a time."""

    group = 10_000

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        super().__init__()
        kinds = {"row": pa.int64(), "rank": pa.int64(), "score": pa.float64(), "probability": pa.float64()}
        self.schema = pa.schema([(name, kinds.get(name, pa.string())) for name in _COLUMNS])
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


def check_output(path: str | None) -> None:
    """Refuse the name of an output file early.

    Raises:
        DataError: it does not end with .jsonl, .csv or .parquet.
    """
    if path is not None and Path(path).suffix not in _SUFFIXES:
        raise DataError(
            f"--output is '{path}', expected a name that ends with .jsonl, .csv or .parquet."
            f"{near_match(Path(path).suffix, _SUFFIXES)}"
        )


@contextmanager
def open_output(path: str | None, *, as_json: bool) -> Iterator[PlanWriter]:
    """Yield a writer for `--output`, `--json`, both or the terminal; a file appears when everything is written.

    Raises:
        DataError: the file name does not end with .jsonl, .csv or .parquet, or the file cannot be written.
    """
    check_output(path)
    printer: PlanWriter = JsonWriter(None) if as_json else TableWriter()
    if path is None:
        yield printer
        return
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_path(path))
        suffix = Path(path).suffix
        writer: PlanWriter
        if suffix == ".parquet":
            writer = parquet = ParquetWriter(temporary)
            stack.callback(parquet.close)
        else:
            stream = stack.enter_context(temporary.open("w", encoding="utf-8", newline=""))
            writer = JsonWriter(stream) if suffix == ".jsonl" else CsvWriter(stream)
        yield Tee([writer, printer]) if as_json else writer
