"""Cells with several formulas, such as those of a precursor set: divided at semicolons, other joints recognised."""

from __future__ import annotations

import re
import warnings
from typing import Final

from rrgraph.chem import FormulaWarning, parse_formula
from rrgraph.errors import FormulaError

__all__ = ["SEPARATOR", "separate_formulas", "split_precursors"]

SEPARATOR: Final = ";"
"""Separates the formulas of one precursor set."""

_LONGEST_SET: Final = 10_000
"""Characters that a cell with a precursor set may have."""
_OTHER_JOINTS: Final = re.compile(r"\s*(?:[+,&|/]|\band\b)\s*")
_LEFT_ALONE: Final = re.compile(r"\(?NH4\)?[\d.]*|[\d./]*H2O")
"""What stands apart from its formula where blanks are written between the parts of one."""


def split_precursors(joined: str) -> list[str]:
    """Return the formulas of a cell with a precursor set.

    >>> split_precursors("BaCO3;TiO2")
    ['BaCO3', 'TiO2']

    Raises:
        FormulaError: formulas are joined by something else than a semicolon; the message says how to join them.
    """
    if len(joined) > _LONGEST_SET:
        raise FormulaError(
            f"A precursor set of {len(joined):,} characters is too long, at most {_LONGEST_SET:,} are read."
        )
    texts = joined.split(SEPARATOR)
    for text in texts:
        pieces = separate_formulas(text)
        if pieces:
            raise FormulaError(
                f"'{text.strip()}' is {len(pieces)} formulas; the precursors of a set are joined by ';', as in "
                f"'{SEPARATOR.join(pieces)}'."
            )
    return texts


def separate_formulas(text: str) -> list[str]:
    """Return formulas that are joined by a plus sign, a comma, a blank or the like; nothing if it is one formula.

    >>> separate_formulas("BaCO3 + TiO2"), separate_formulas("CuSO4 5H2O")
    (['BaCO3', 'TiO2'], [])
    """
    by_mark = [piece.strip() for piece in _OTHER_JOINTS.split(text.strip())]
    if len(by_mark) > 1 and not _count_elements(text) and all(_count_elements(piece) for piece in by_mark):
        return by_mark
    by_blank = text.split()
    apart = len(by_blank) > 1 and not any(_LEFT_ALONE.fullmatch(piece) for piece in by_blank)
    return by_blank if apart and all(_count_elements(piece) > 1 for piece in by_blank) else []


def _count_elements(text: str) -> int:
    """Return the number of elements of a formula, 0 if it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FormulaWarning)
            return len(parse_formula(text, dopants=False).elements)
    except FormulaError:
        return 0
