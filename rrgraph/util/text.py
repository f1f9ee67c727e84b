"""Plain text for people: aligned tables, and probabilities with as many digits as count."""

from __future__ import annotations

from collections.abc import Collection, Sequence

__all__ = ["GAP", "column_widths", "percent", "plain_table"]

GAP = 2
"""Spaces between the columns of a table."""


def percent(probability: float) -> str:
    """Return a probability with two digits that count: ``41 %``, ``4.3 %``; ``< 0.01 %`` and ``> 99 %`` at the ends."""
    if probability < 1e-4:
        return "< 0.01 %"
    return "> 99 %" if probability >= 0.995 else f"{100 * probability:.2g} %"


def plain_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Collection[str] = ()) -> str:
    """Return a table with aligned columns, one line a row; those that `numbers` names are aligned to the right."""
    right = [name in numbers for name in header]
    widths = column_widths([header, *rows])
    lines = []
    for line in [header, *rows]:
        cells = (
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(line, widths, right, strict=True)
        )
        lines.append((" " * GAP).join(cells).rstrip())
    return "\n".join(lines)


def column_widths(lines: Sequence[Sequence[str]]) -> list[int]:
    """Return the characters that each column takes."""
    return [max(len(part) for cell in column for part in cell.split("\n")) for column in zip(*lines, strict=True)]
