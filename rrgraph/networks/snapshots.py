"""How usage changed: reaction records with years flow in, shares of precursor kinds by year flow out."""

from __future__ import annotations

from typing import Any

import numpy as np

from rrgraph.errors import ConfigError
from rrgraph.graph import KINDS, precursor_kind
from rrgraph.networks.records import ReactionRecords

__all__ = ["kind_shares", "of_years"]


def kind_shares(records: ReactionRecords) -> list[dict[str, Any]]:
    """Return the share of each kind of precursor among the precursor uses of every year.

    A reaction counts once in each year in which it is reported. Kinds are those of
    `rrgraph.graph.precursor_classes.KINDS`.

    Returns:
        dicts `year`, `kind`, `share` (those of a year sum to 1; kinds that were not used have 0) and `reactions`, the
        number of reactions reported that year; none where the table has no years.
    """
    kind = np.array([KINDS.index(precursor_kind(precursor)) for precursor in records.precursors])
    one_hot = np.eye(len(KINDS), dtype=np.int64)[kind]
    by_record = records.incidence @ one_hot
    found = []
    for year in np.unique(records.report_year).tolist():
        rows = records.report_record[records.report_year == year]
        used = by_record[rows].sum(0)
        found += [
            {"year": year, "kind": name, "share": float(count / used.sum()), "reactions": len(rows)}
            for name, count in zip(KINDS, used.tolist(), strict=True)
        ]
    return found


def of_years(records: ReactionRecords, first: int | None = None, last: int | None = None) -> ReactionRecords:
    """Return the records that were reported in a span of years, both ends included, with the reports of that span.

    Raises:
        ConfigError: there is none.
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
