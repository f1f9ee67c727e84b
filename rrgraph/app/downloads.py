"""Plans as files: what `rrgraph plan --output` writes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from rrgraph.lab import Batch, PlanSheet, add_plan_sheet, plan_markdown, plan_page, plan_sheet
from rrgraph.planning import SynthesisPlan, plan_rows
from rrgraph.util.sheets import csv_text
from rrgraph.util.text import unicode_text

__all__ = ["DOWNLOADS", "Download"]

_Write = Callable[[Sequence[SynthesisPlan], Batch | None], bytes]


class Download(NamedTuple):
    """A kind of file.

    Attributes:
        name: for people.
        media_type: of the response.
        write: returns the content for plans and what is weighed out.
    """

    name: str
    media_type: str
    write: _Write


def _csv(plans: Sequence[SynthesisPlan], batch: Batch | None) -> bytes:
    return csv_text(row for plan in plans for row in plan_rows(plan, grams=batch)).encode()


def _json_lines(plans: Sequence[SynthesisPlan], batch: Batch | None) -> bytes:
    lines = (
        json.dumps(plan.to_dict(grams=batch, conditions=True), ensure_ascii=False, allow_nan=False) for plan in plans
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _sheets(plans: Sequence[SynthesisPlan], batch: Batch | None) -> list[PlanSheet]:
    return [plan_sheet(plan.to_dict(grams=batch, conditions=True)) for plan in plans]


def _workbook(plans: Sequence[SynthesisPlan], batch: Batch | None) -> bytes:
    from openpyxl import Workbook

    workbook, content = Workbook(write_only=True), io.BytesIO()
    for sheet in _sheets(plans, batch):
        add_plan_sheet(workbook, sheet)
    workbook.save(content)
    return content.getvalue()


def _page(plans: Sequence[SynthesisPlan], batch: Batch | None) -> bytes:
    return unicode_text(plan_page(_sheets(plans, batch))).encode()


def _markdown(plans: Sequence[SynthesisPlan], batch: Batch | None) -> bytes:
    return unicode_text("\n".join(map(plan_markdown, _sheets(plans, batch)))).encode()


DOWNLOADS: Final = {
    "xlsx": Download("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _workbook),
    "csv": Download("CSV", "text/csv; charset=utf-8", _csv),
    "jsonl": Download("JSON", "application/jsonl; charset=utf-8", _json_lines),
    "html": Download("HTML", "text/html; charset=utf-8", _page),
    "md": Download("Markdown", "text/markdown; charset=utf-8", _markdown),
}
"""Kinds of file by suffix."""
