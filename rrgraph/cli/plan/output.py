"""How `rrgraph plan` shows and writes plans: tables on the terminal, JSON lines, rows of CSV and Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from rrgraph.cli.common.show import fits, show_notes, show_table
from rrgraph.cli.common.writers import Layout, Writer, open_output
from rrgraph.cli.plan.sheets import SheetLine, sheet_openers
from rrgraph.lab import BatchSize
from rrgraph.planning import (
    PLAN_KEYS,
    PRECEDENT_HEADER,
    RIGHT_ALIGNED,
    SynthesisPlan,
    plan_columns,
    plan_notes,
    plan_rows,
    plan_table,
    precedent_notes,
    precedent_table,
    precedent_title,
)

__all__ = ["PlanTables", "open_plans"]


@dataclass(frozen=True)
class PlanTables(Writer[SynthesisPlan]):
    """One table a target, for people; on a narrow terminal equations stand below their precursors.

    Attributes:
        equations: show the balanced equations.
        grams: also show the masses for so many g of target, or for a batch.
        handling: show handling notes.
    """

    equations: bool = True
    grams: BatchSize | None = None
    handling: bool = True

    def write(self, prepared: SynthesisPlan, cells: Mapping[str, Any] | None = None) -> None:
        record = prepared
        if record.sets:
            header, rows = plan_table(record, equations=self.equations, grams=self.grams)
            if not fits(header, rows):
                header, rows = [*header[:2], "precursors"], [[*row[:2], _stacked(row[2:])] for row in rows]
            show_table(header, rows, title=f"\n{record.target}", numbers=RIGHT_ALIGNED)
            show_notes(plan_notes(record, equations=self.equations, grams=self.grams, handling=self.handling))
        if record.literature:
            header, rows = PRECEDENT_HEADER, precedent_table(record.literature)
            if not fits(header, rows):
                header, rows = ["similarity", "known reaction"], [[row[0], _stacked_precedent(row)] for row in rows]
            show_table(header, rows, title=f"\n{precedent_title(record)}", numbers=RIGHT_ALIGNED)
            show_notes(precedent_notes(record.literature))


def open_plans(
    path: str | None,
    *,
    as_json: bool,
    equations: bool,
    grams: BatchSize | None,
    handling: bool,
    energies: bool,
    literature: bool,
    dopants: bool,
    asked_atmosphere: bool = False,
    amounts: bool = False,
    conditions: bool = False,
    sheet: SheetLine,
    more: Mapping[str, Any],
) -> AbstractContextManager[Writer[SynthesisPlan]]:
    """Return a context with the writer for `--output`, `--json`, both or the terminal; see `open_output`.

    Tables have columns of dopants and of the atmosphere that was asked for if that is said here, before any row is
    known; without it they are left out.
    `amounts` says whether amounts in stock are compared with what is weighed, `sheet` returns the JSON of which files
    with a sheet a target are made.
    """
    columns = {
        "row": int,
        **plan_columns(
            energies=energies,
            literature=literature,
            dopants=dopants,
            asked_atmosphere=asked_atmosphere,
            amounts=amounts,
            conditions=conditions,
            handling=handling,
        ),
    }
    layout = Layout[SynthesisPlan](
        columns=columns,
        number="row",
        rows=lambda plan: (
            {name: value for name, value in row.items() if name in columns}
            for row in plan_rows(plan, equations=equations, grams=grams, handling=handling)
        ),
        line=lambda plan: plan.to_dict(equations=equations, grams=grams, handling=handling),
        keys=PLAN_KEYS,
    )
    table = PlanTables(equations=equations, grams=grams, handling=handling)
    return open_output(path, layout, as_json=as_json, table=table, more=more, openers=sheet_openers(sheet))


def _stacked(cells: Sequence[str]) -> str:
    """Join cells below each other."""
    return "\n  ".join(cell for cell in cells if cell != "-")


def _stacked_precedent(row: Sequence[str]) -> str:
    _, target, precursors, conditions, papers, years, doi = row
    source = [f"{papers} papers" if papers != "1" else "", *(text for text in (years, doi) if text != "-")]
    lines = [f"{precursors} → {target}", conditions if conditions != "-" else "", ", ".join(filter(None, source))]
    return "\n  ".join(line for line in lines if line)
