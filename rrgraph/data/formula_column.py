"""Which column of a table holds the formulas: found by its name and by what is in it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final

from rrgraph.chem import FormulaWarning, parse_formula
from rrgraph.errors import DataError, DataWarning, FormulaError
from rrgraph.util.rows import RowReader, column_name
from rrgraph.util.text import capital

__all__ = ["FORMULA_COLUMNS", "find_formula_column"]

FORMULA_COLUMNS: Final = (
    *("target", "formula", "composition", "chemical formula", "reduced formula", "pretty formula", "target formula"),
    *("material", "compound", "precursor", "product", "phase", "substance", "chemical", "reagent", "sample"),
)
"""Names of a column with formulas, the most usual first; compared by `column_name`."""

_SURE: Final = 7
"""So many of these names mean formulas; what is called by the others may as well be a number or a label."""
_SETS: Final = ("precursors", "reactants", "reagents", "equation", "reaction")
"""Names of columns with several formulas in a cell, which are not taken for the column of formulas."""
_LOOKED_AT: Final = 20
"""First rows that decide what a column contains."""
_LONGEST: Final = 100
"""Characters of a cell that may be a formula."""


def find_formula_column(
    rows: RowReader, *, given: str | None = None, names: Sequence[str] = FORMULA_COLUMNS, hint: str = ""
) -> str:
    """Return the column of a table that holds the formulas.

    The column of the first of `names` is taken in which at least half of the first rows are formulas, so a column
    `target` of numbers is not. Without one, the column is taken in which most of the first rows are formulas of two or
    more elements, with a warning that names it. A table without a header loses nothing: its first line is a row.

    Args:
        rows: an open table.
        given: the name of the column, if it is known.
        names: usual names, the preferred first.
        hint: end of a message, how to name the column.

    Raises:
        DataError: the table has no such column, or none with formulas.
    """
    if given is not None:
        return rows.column(given, option="--column")
    if rows.is_list:
        return rows.columns[0]
    named = [column for name in names for column in rows.columns if column_name(column) == name]
    if not named and any(_elements(column) > 1 for column in rows.columns):
        rows.drop_header()
    head = [row.cells for row in rows.head(_LOOKED_AT) if row.error is None]
    cells = {column: [row[column] for row in head if _is_filled(row.get(column))] for column in rows.columns}
    least = {column: 1 if column_name(column) in FORMULA_COLUMNS[:_SURE] else 2 for column in named}
    fitting = [column for column in named if not cells[column] or _share(cells[column], least[column]) >= 0.5]
    if fitting:
        return fitting[0]
    others = [column for column in rows.columns if column_name(column) not in _SETS]
    guess = max(others, key=lambda column: _share(cells[column], 2), default=None)
    if guess is not None and cells[guess] and _share(cells[guess], 2) >= 0.5:
        passed = f"the column '{named[0]}' holds other things, so " if named else ""
        column = (
            f"the column '{guess}'" if len(rows.columns) > 1 or rows.columns[0] != "column 1" else "its only column"
        )
        warnings.warn(
            f"{capital(rows.name)}: {passed}formulas are read from {column}.{hint}", DataWarning, stacklevel=2
        )
        return guess
    for column in named:
        if not all(_is_number(cell) for cell in cells[column]):
            return column
    if rows.is_json:
        return names[0]
    found = ", ".join(f"{column} (numbers)" if column in named else column for column in rows.columns)
    raise DataError(
        f"{capital(rows.name)} has no column of formulas, such as one named '{names[0]}', found {found or 'none'}."
        f"{hint}"
    )


def _share(cells: Sequence[Any], elements: int) -> float:
    """Return the share of cells that are formulas of at least so many elements."""
    return sum(_elements(cell) >= elements for cell in cells) / len(cells) if cells else 0.0


def _elements(cell: Any) -> int:
    """Return the number of elements of a formula, 0 for what is none."""
    if not isinstance(cell, str) or len(cell) > _LONGEST:
        return 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FormulaWarning)
            return len(parse_formula(cell).elements)
    except FormulaError:
        return 0


def _is_filled(cell: Any) -> bool:
    return cell is not None and str(cell).strip() != ""


def _is_number(cell: Any) -> bool:
    try:
        float(str(cell).replace(",", "."))
    except ValueError:
        return False
    return True
