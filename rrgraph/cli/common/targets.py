"""The compositions that a command is asked for, read from arguments and streamed files and checked row by row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rrgraph.chem import Composition, is_structure_file, parse_formula, read_structure
from rrgraph.cli.common.writers import Reject
from rrgraph.data import FORMULA_COLUMNS, find_formula_column, split_precursors
from rrgraph.errors import DataError, FormulaError, PlanningError
from rrgraph.planning import MAX_SIZE
from rrgraph.util.rows import Row, RowReader, column_name, open_rows

__all__ = ["TargetList", "TargetRow", "read_targets", "size_column_of"]

_BATCH_SIZE = 256
_SIZE_COLUMN = "column:"


@dataclass(frozen=True)
class TargetRow:
    """One target as it was asked for.

    Attributes:
        text: the formula as typed.
        target: its composition, None when it cannot be read.
        size: known number of precursors, None when it is not known.
        reason: why the row cannot be planned.
        where: its line and file, empty for what was typed.
        row: of the file, None for what was typed.
    """

    text: str
    target: Composition | None
    size: int | None = None
    reason: str | None = None
    where: str = ""
    row: Row | None = None

    @property
    def error(self) -> str | None:
        """Why the row cannot be planned, with its line and file when it came from one."""
        return f"{self.where}: {self.reason}" if self.where and self.reason else self.reason

    @property
    def cells(self) -> Mapping[str, Any]:
        """All cells of its row, by column."""
        return {} if self.row is None else self.row.cells


class TargetList(Iterable[list[TargetRow]]):
    """The rows in order, some hundred at a time.

    Attributes:
        columns: of the file.
        more: the columns of the file beside that of the formulas, with the types of their values.
    """

    def __init__(self, rows: Iterator[TargetRow], chunk: int) -> None:
        self._rows, self._chunk = rows, chunk
        self.columns: tuple[str, ...] = ()
        self.more: Mapping[str, Any] = {}

    def __iter__(self) -> Iterator[list[TargetRow]]:
        """Yield the rows.

        Raises:
            DataError: the file is cut off or damaged.
        """
        return iter(lambda: list(islice(self._rows, self._chunk)), [])

    def reject(self, row: TargetRow, reject: Reject) -> None:
        """Write a row that was rejected."""
        if row.row is not None:
            reject(row.row, row.reason or "")


def size_column_of(set_size: str | None) -> str | None:
    """Return the column that `--set-size column:NAME` names, or None.

    Raises:
        PlanningError: the name is missing.
    """
    if set_size is None or not set_size.startswith(_SIZE_COLUMN):
        return None
    if set_size == _SIZE_COLUMN:
        raise PlanningError("--set-size is 'column:', expected the name of a column, such as column:size.")
    return set_size.removeprefix(_SIZE_COLUMN)


def read_targets(
    formulas: Sequence[str],
    path: str | None,
    size_column: str | None = None,
    *,
    formula_column: str | None = None,
    chunk: int = _BATCH_SIZE,
    dopants: bool = False,
) -> TargetList:
    """Return the rows asked for.

    Args:
        formulas: targets typed on the command line, formulas or structure files; used when `path` is None.
        path: a table or a list that `open_rows` reads, or `-` for standard input.
        size_column: column with the set size of each row: a number, or a precursor set whose members are counted.
        formula_column: the column with the formulas, None to find it.
        chunk: rows at a time.
        dopants: whether targets may name dopants, see `rrgraph.chem.parse_formula`.

    Raises:
        DataError: the file is missing, of another kind, damaged, or has no such column.
    """
    if path is None:
        return TargetList((_typed(text, dopants=dopants) for text in formulas), chunk)
    names = [*FORMULA_COLUMNS, *(column_name(name) for name in (formula_column, size_column) if name)]
    rows = open_rows(path, names=names)
    column = find_formula_column(rows, given=formula_column, hint=" --column NAME says which.")
    size = None if size_column is None else rows.column(size_column, option="--set-size")
    targets = TargetList(_file_rows(rows, column, size, dopants=dopants), chunk)
    targets.columns = rows.columns
    targets.more = {name: rows.types.get(name, str) for name in rows.columns if name != column}
    return targets


def _file_rows(rows: RowReader, column: str, size_column: str | None, *, dopants: bool) -> Iterator[TargetRow]:
    with rows:
        for row in rows:
            where = rows.where(row)
            used = column if column in row.cells or not rows.is_json else _spelled(row, column)
            missing = next((name for name in (used, size_column) if name is not None and name not in row.cells), None)
            if row.error is not None:
                yield TargetRow("", None, reason=row.error, where=where, row=row)
            elif missing is not None:
                yield TargetRow("", None, reason=f"no value for '{missing}'.", where=where, row=row)
            else:
                text = "" if row.cells[used] is None else str(row.cells[used]).strip()
                sized = {} if size_column is None else {"size": row.cells[size_column]}
                yield _row(text, dopants=dopants, where=where, row=row, **sized)


def _spelled(row: Row, column: str) -> str:
    """Return the key of a JSON object that holds its formula, where it lacks the usual one."""
    return next((name for known in FORMULA_COLUMNS for name in row.cells if column_name(name) == known), column)


def _typed(text: str, *, dopants: bool) -> TargetRow:
    """Return the row of a formula, or of the CIF or POSCAR file of a name."""
    if not is_structure_file(text):
        return _row(text, dopants=dopants)
    try:
        target = read_structure(text)
    except DataError as error:
        return TargetRow(text=text, target=None, reason=str(error))
    return TargetRow(text=target.formula, target=target)


def _row(text: str, *, dopants: bool, where: str = "", row: Row | None = None, **sized: object) -> TargetRow:
    try:
        if is_structure_file(text):
            raise PlanningError(f"'{text}' is a structure file, which a list may not name; give it as an argument.")
        target, size = parse_formula(text), _size(sized["size"]) if sized else None
        if target.dopants and not dopants:
            raise FormulaError(
                f"'{text}' names a dopant, which only a material to be made may have; write '{target.formula}'."
            )
    except (FormulaError, PlanningError) as error:
        return TargetRow(text, None, reason=str(error), where=where, row=row)
    return TargetRow(text, target, size, where=where, row=row)


def _size(value: object) -> int:
    """Return a size that is given as a number, or as a precursor set whose members are counted."""
    members = value if isinstance(value, list) else None
    text = "" if value is None or members is not None else str(value).strip()
    if re.fullmatch(r"[0-9]{1,9}(\.0)?", text) and 1 <= int(text.removesuffix(".0")) <= MAX_SIZE:
        return int(text.removesuffix(".0"))
    if members is not None and members:
        return len({parse_formula(str(member)).key for member in members})
    if text[:1].isalpha() or text.startswith("(") or ";" in text:
        return len({parse_formula(precursor).key for precursor in split_precursors(text)})
    raise PlanningError(
        f"the set size is '{text[:80]}', expected a whole number from 1 to {MAX_SIZE} or a precursor set."
    )
