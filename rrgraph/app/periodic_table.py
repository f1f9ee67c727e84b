"""Where each element stands in the periodic table as it is drawn."""

from __future__ import annotations

from typing import Final

from rrgraph.chem import ELEMENTS

__all__ = ["PERIODIC_TABLE"]

_NOBLE: Final = (0, 2, 10, 18, 36, 54, 86, 118)
"""Atomic numbers that end a row."""


def _place(number: int) -> tuple[int, int]:
    """Return row and column, from 1; lanthanides and actinides stand in rows 9 and 10."""
    row = next(row for row, last in enumerate(_NOBLE) if number <= last)
    start, end = _NOBLE[row - 1] + 1, _NOBLE[row]
    from_left, from_right = number - start, end - number
    if row >= 6 and 2 <= from_left <= 16:
        return row + 3, from_left + 1
    if from_left < 2 and number != 2:
        return row, from_left + 1
    return row, 18 - from_right


PERIODIC_TABLE: Final = tuple((symbol, *_place(number)) for number, symbol in enumerate(ELEMENTS, start=1))
"""Symbol, row and column of each element."""
