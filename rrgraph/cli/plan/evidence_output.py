"""How known reactions look: a table for people below the one of the ranked sets, plain values for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import floor
from typing import TYPE_CHECKING, Any

from rrgraph.cli.common.show import fits, show_table

if TYPE_CHECKING:
    from rrgraph.data import KnownReaction

__all__ = ["evidence_json", "show_evidence"]

_SAME = "recorded"
_HEADER = ["similarity", "target", "precursors", "conditions", "papers", "year", "doi"]


def evidence_json(known: Sequence[KnownReaction]) -> list[dict[str, Any]]:
    """Return the reactions as JSON-ready values, numbers to six digits."""
    return [
        {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in asdict(reaction).items()}
        for reaction in known
    ]


def show_evidence(known: Sequence[KnownReaction], *, target: str, table: str) -> None:
    """Print a table of the reactions; on a narrow terminal what is known of one stands below each other."""
    if not known:
        return
    header, rows = _HEADER, [_row(reaction) for reaction in known]
    if not fits(header, rows):
        header = ["similarity", "known reaction"]
        rows = [[row[0], _stacked(row)] for row in rows]
    show_table(header, rows, title=f"\nknown reactions nearest to {target} in {table}", numbers=("papers",))
    if any(reaction.same_composition for reaction in known):
        print(f"{_SAME}: for this very composition")


def _row(reaction: KnownReaction) -> list[str]:
    years = [str(year) for year in dict.fromkeys((reaction.first_year, reaction.year)) if year is not None]
    return [
        # Rounded down: only the composition itself is as similar as can be.
        _SAME if reaction.same_composition else f"{min(floor(reaction.similarity * 1000) / 1000, 0.999):.3f}",
        reaction.target,
        " + ".join(reaction.precursors),
        _conditions(reaction) or "-",
        str(reaction.reports),
        "-".join(years) or "-",
        reaction.doi or "-",
    ]


def _stacked(row: Sequence[str]) -> str:
    _, target, precursors, conditions, papers, years, doi = row
    source = [f"{papers} papers" if papers != "1" else "", *(text for text in (years, doi) if text != "-")]
    lines = [f"{precursors} → {target}", conditions if conditions != "-" else "", ", ".join(filter(None, source))]
    return "\n  ".join(line for line in lines if line)


def _conditions(reaction: KnownReaction) -> str:
    """``1250 °C (900-1400), 12 h, air``."""
    parts = []
    if reaction.temperature_c is not None:
        low, high = reaction.temperature_low_c, reaction.temperature_high_c
        parts.append(f"{reaction.temperature_c:.0f} °C" + (f" ({low:.0f}-{high:.0f})" if low != high else ""))
    if reaction.time_h is not None:
        parts.append(f"{reaction.time_h:.3g} h")
    if reaction.atmosphere is not None:
        parts.append(reaction.atmosphere.replace(";", ", "))
    return ", ".join(parts)
