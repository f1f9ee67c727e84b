"""Plans as files: what `rrgraph plan --output` writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from rrgraph.lab import Batch
from rrgraph.planning import SynthesisPlan, plan_rows
from rrgraph.util.sheets import csv_text

__all__ = ["DOWNLOADS", "Download"]


class Download(NamedTuple):
    """A kind of file.

    Attributes:
        name: for people.
        media_type: of the response.
        write: returns the content for plans and what is weighed out.
    """

    name: str
    media_type: str
    write: Callable[[Sequence[SynthesisPlan], Batch | None], bytes]


def _csv(plans: Sequence[SynthesisPlan], batch: Batch | None) -> bytes:
    return csv_text(row for plan in plans for row in plan_rows(plan, grams=batch)).encode()


def _json_lines(plans: Sequence[SynthesisPlan], batch: Batch | None) -> bytes:
    lines = (json.dumps(plan.to_dict(grams=batch), ensure_ascii=False, allow_nan=False) for plan in plans)
    return "".join(f"{line}\n" for line in lines).encode()


DOWNLOADS: Final = {
    "csv": Download("CSV", "text/csv; charset=utf-8", _csv),
    "jsonl": Download("JSON", "application/jsonl; charset=utf-8", _json_lines),
}
"""Kinds of file by suffix."""
