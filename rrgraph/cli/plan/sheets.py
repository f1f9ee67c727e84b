"""Files of `rrgraph plan` for the bench: a workbook with a sheet a target, a page to print, Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from rrgraph.cli.common.excel import ExcelWriter
from rrgraph.cli.common.writers import SUFFIXES, Layout, Opener, Writer
from rrgraph.lab import PlanSheet, add_plan_sheet, page_body, page_head, page_tail, plan_markdown, plan_sheet
from rrgraph.planning import SynthesisPlan
from rrgraph.util.files import open_text
from rrgraph.util.tabular import output_suffix
from rrgraph.util.text import unicode_text

__all__ = ["OUTPUT_SUFFIXES", "SheetLine", "is_sheet", "sheet_openers"]

OUTPUT_SUFFIXES: Final = (*SUFFIXES, ".html", ".md")
_SHEETS: Final = (".xlsx", ".html", ".md")

_MOST_SHEETS: Final = 50
"""Targets of a list that get a sheet of the workbook; all are in its table."""

SheetLine: TypeAlias = Callable[[SynthesisPlan], Mapping[str, Any]]
"""Returns the JSON of a plan from which its sheet is made."""


def is_sheet(path: str | None) -> bool:
    """Whether a file has a sheet a target, with equations, masses and precedents."""
    return path is not None and output_suffix(path, OUTPUT_SUFFIXES) in _SHEETS


def sheet_openers(line: SheetLine) -> dict[str, Opener[SynthesisPlan]]:
    """Return what opens the writers of these files by suffix."""

    @contextmanager
    def workbook(path: Path, layout: Layout[SynthesisPlan]) -> Iterator[Writer[SynthesisPlan]]:
        writer = PlanWorkbook(path, layout, line)
        try:
            yield writer
        finally:
            writer.close()

    @contextmanager
    def page(path: Path, layout: Layout[SynthesisPlan]) -> Iterator[Writer[SynthesisPlan]]:
        head = page_head()  # fails before a file is opened where Jinja2 is not installed
        with open_text(path) as stream:
            stream.write(head)
            yield TextWriter(stream.write, line, page_body)
            stream.write(page_tail())

    @contextmanager
    def markdown(path: Path, layout: Layout[SynthesisPlan]) -> Iterator[Writer[SynthesisPlan]]:
        with open_text(path) as stream:
            yield TextWriter(stream.write, line, plan_markdown)

    return {".xlsx": workbook, ".html": page, ".md": markdown}


class TextWriter(Writer[SynthesisPlan]):
    """Each plan as a part of a text.

    Args:
        write: takes the text.
        line: see `SheetLine`.
        part: returns the text of a plan.
    """

    def __init__(self, write: Callable[[str], object], line: SheetLine, part: Callable[[PlanSheet], str]) -> None:
        self._write, self._line, self._part = write, line, part

    def prepare(self, record: SynthesisPlan) -> Any:
        return dict(self._line(record))

    def write(self, prepared: Any, cells: Mapping[str, Any] | None = None) -> None:
        self._write(unicode_text(self._part(plan_sheet(prepared))))


class PlanWorkbook(ExcelWriter[SynthesisPlan]):
    """The table of all plans, and a sheet for each of the first targets, the first of which is shown at first."""

    def __init__(self, path: Path, layout: Layout[SynthesisPlan], line: SheetLine) -> None:
        super().__init__(path, layout)
        self._line = line
        self._prepared = 0

    def prepare(self, record: SynthesisPlan) -> Any:
        self._prepared += 1
        line = dict(self._line(record)) if record.sets and self._prepared <= _MOST_SHEETS else None
        return {"rows": super().prepare(record), "line": line}

    def write(self, prepared: Any, cells: Mapping[str, Any] | None = None) -> None:
        super().write(prepared["rows"], cells)
        if prepared["line"] is not None and len(self.workbook.sheetnames) <= _MOST_SHEETS:
            add_plan_sheet(self.workbook, plan_sheet(prepared["line"]))
            self.workbook.active = 1
