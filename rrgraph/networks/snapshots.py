"""Use of precursor classes by year, and the reactions of a span of years."""

from __future__ import annotations

from typing import Any

import numpy as np

from rrgraph.errors import ConfigError
from rrgraph.graph import PRECURSOR_CLASSES, precursor_class
from rrgraph.networks.records import ReactionRecords

__all__ = ["class_shares", "select_years"]


def class_shares(records: ReactionRecords) -> list[dict[str, Any]]:
    """Return the share of each precursor class among the precursor uses of every year.

    A reaction counts once in each year in which it is reported. The classes are those of
    `rrgraph.graph.precursor_classes`.

    Returns:
        dicts of `year`, `kind` (the precursor class), `share` (the shares of a year sum to 1; unused classes have 0)
        and `reactions`, the number of reactions reported that year; empty if the table has no years.
    """
    classes = [PRECURSOR_CLASSES.index(precursor_class(precursor)) for precursor in records.precursors]
    by_record = records.incidence @ np.eye(len(PRECURSOR_CLASSES), dtype=np.int64)[classes]
    found = []
    for year in np.unique(records.report_year).tolist():
        rows = records.report_record[records.report_year == year]
        used = by_record[rows].sum(0)
        found += [
            {"year": year, "kind": name, "share": float(count / used.sum()), "reactions": len(rows)}
            for name, count in zip(PRECURSOR_CLASSES, used.tolist(), strict=True)
        ]
    return found


def select_years(records: ReactionRecords, first: int | None = None, last: int | None = None) -> ReactionRecords:
    """Return the records reported in a span of years, both ends included, with the reports of that span.

    Raises:
        ConfigError: no record was reported in the span.
    """
    inside = np.ones(len(records.report_year), dtype=bool)
    if first is not None:
        inside &= records.report_year >= first
    if last is not None:
        inside &= records.report_year <= last
    rows = np.zeros(len(records), dtype=bool)
    rows[records.report_record[inside]] = True
    if not rows.any():
        raise ConfigError(f"No reaction of {records.table} is dated {_span(first, last)}.")
    return records.select(rows, reports=inside)


def _span(first: int | None, last: int | None) -> str:
    parts = [f"from {first}" if first is not None else "", f"up to {last}" if last is not None else ""]
    return " ".join(part for part in parts if part) or "at all"
