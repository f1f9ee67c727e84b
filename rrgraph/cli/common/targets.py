"""The compositions or molecules that a command is asked for, from arguments and streamed files, checked row by row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Generic, TypeAlias, TypeVar

from rrgraph.chem import Atmosphere, Composition, as_atmosphere, is_structure_file, parse_formula, read_structure
from rrgraph.cli.common.writers import Reject
from rrgraph.data import FORMULA_COLUMNS, find_formula_column, split_precursors
from rrgraph.errors import DataError, FormulaError, PlanningError, RRGraphError
from rrgraph.planning import MAX_SIZE
from rrgraph.util.rows import Row, RowReader, column_name, open_rows

__all__ = [
    "Read",
    "TargetList",
    "TargetRow",
    "column_of",
    "file_rows",
    "read_targets",
    "row_atmosphere",
    "target_row",
]

_BATCH_SIZE = 256
_COLUMN = "column:"

T = TypeVar("T")

Read: TypeAlias = Callable[[str, Mapping[str, Any]], tuple[T, int | None]]
"""Reads the text of a target and the cells of its row; returns the target, and its known number of precursors."""


@dataclass(frozen=True)
class TargetRow(Generic[T]):
    """One target as it was asked for.

    Attributes:
        text: as typed.
        target: its composition or molecule, None when it cannot be read.
        size: known number of precursors, None when it is not known.
        reason: why the row cannot be planned.
        where: its line and file, empty for what was typed.
        row: of the file, None for what was typed.
    """

    text: str
    target: T | None
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

    def reject(self, reject: Reject) -> None:
        """Write it where rows go that were rejected."""
        if self.row is not None:
            reject(self.row, self.reason or "")


class TargetList(Iterable[list[TargetRow[T]]]):
    """The rows in order, some at a time.

    Attributes:
        columns: of the file.
        more: the columns of the file beside that of the targets, with the types of their values.
        done: how many rows are before those that are worked on.
    """

    def __init__(
        self, rows: Iterable[TargetRow[T]], batch_size: int, reader: RowReader | None = None, column: str = ""
    ) -> None:
        self._rows, self._batch_size = iter(rows), batch_size
        self.done = 0
        self.columns = () if reader is None else reader.columns
        types = {} if reader is None else reader.types
        self.more = {name: types.get(name, str) for name in self.columns if name != column}

    def __iter__(self) -> Iterator[list[TargetRow[T]]]:
        """Yield the rows.

        Raises:
            DataError: the file is cut off or damaged.
        """
        while batch := list(islice(self._rows, self._batch_size)):
            yield batch
            self.done += len(batch)

    def head(self, count: int) -> list[TargetRow[T]]:
        """Return the next rows, which stay to be iterated over.

        Raises:
            DataError: the file is cut off or damaged.
        """
        rows = list(islice(self._rows, count))
        self._rows = chain(rows, self._rows)
        return rows


def column_of(value: str | None, option: str) -> str | None:
    """Return the column that an option such as `--set-size column:NAME` names, or None.

    Raises:
        PlanningError: the name is missing.
    """
    if value is None or not value.startswith(_COLUMN):
        return None
    if value == _COLUMN:
        example = option.split("-")[-1]
        raise PlanningError(f"{option} is 'column:', expected the name of a column, such as column:{example}.")
    return value.removeprefix(_COLUMN)


def read_targets(
    formulas: Sequence[str],
    path: str | None,
    size_column: str | None = None,
    *,
    formula_column: str | None = None,
    atmosphere_column: str | None = None,
    check_atmosphere: Callable[[Atmosphere], None] | None = None,
    batch_size: int = _BATCH_SIZE,
    dopants: bool = False,
) -> TargetList[Composition]:
    """Return the rows asked for.

    Args:
        formulas: targets typed on the command line, formulas or structure files; used when `path` is None.
        path: a table or a list that `open_rows` reads, or `-` for standard input.
        size_column: column with the set size of each row: a number, or a precursor set whose members are counted.
        formula_column: the column with the formulas, None to find it.
        atmosphere_column: column with the atmosphere of each row, see `row_atmosphere`.
        check_atmosphere: raises for an atmosphere that cannot be used.
        batch_size: rows at a time.
        dopants: whether targets may name dopants, see `rrgraph.chem.parse_formula`.

    Raises:
        DataError: the file is missing, of another kind, damaged, or has no such column.
    """
    if path is None:
        return TargetList((_typed(text, dopants=dopants) for text in formulas), batch_size)
    names = [
        *FORMULA_COLUMNS,
        *(column_name(name) for name in (formula_column, size_column, atmosphere_column) if name),
    ]
    rows = open_rows(path, names=names)
    column = find_formula_column(rows, given=formula_column, hint=" --column NAME says which.")
    size = None if size_column is None else rows.column(size_column, option="--set-size")
    atmosphere = None if atmosphere_column is None else rows.column(atmosphere_column, option="--atmosphere")

    def read(text: str, cells: Mapping[str, Any]) -> tuple[Composition, int | None]:
        target = _composition(text, dopants=dopants)
        given = row_atmosphere(cells, atmosphere)
        if given is not None and check_atmosphere is not None:
            check_atmosphere(given)
        return target, None if size is None else _size(cells[size])

    needed = [] if size is None else [size]
    return TargetList(file_rows(rows, column, read, names=FORMULA_COLUMNS, needed=needed), batch_size, rows, column)


def row_atmosphere(cells: Mapping[str, Any], column: str | None) -> Atmosphere | None:
    """Return the atmosphere in a column of a row, None where the cell is empty or there is no column.

    Raises:
        OptionError: the cell names no atmosphere.
    """
    cell = None if column is None else cells.get(column)
    return None if cell is None else as_atmosphere(str(cell))


def file_rows(
    rows: RowReader, column: str, read: Read[T], *, names: Sequence[str], needed: Sequence[str] = ()
) -> Iterator[TargetRow[T]]:
    """Yield the rows of a table or list, bad ones with the reason.

    Args:
        rows: an open table, which is closed in the end.
        column: that of the targets.
        read: reads one target.
        names: other names of the column, which JSON objects may use.
        needed: other columns that `read` needs.

    Raises:
        DataError: the file is cut off or damaged.
    """
    with rows:
        for row in rows:
            used = column if column in row.cells or not rows.is_json else _spelled(row, column, names)
            missing = next((name for name in (used, *needed) if name not in row.cells), None)
            reason = row.error or (None if missing is None else f"no value for '{missing}'.")
            if reason is not None:
                yield TargetRow("", None, reason=reason, where=rows.where(row), row=row)
            else:
                text = "" if row.cells[used] is None else str(row.cells[used]).strip()
                yield target_row(text, read, where=rows.where(row), row=row)


def target_row(text: str, read: Read[T], *, where: str = "", row: Row | None = None) -> TargetRow[T]:
    """Return the row of a text, with the reason where it cannot be read; `where` and `row` are those of a file."""
    try:
        target, size = read(text, {} if row is None else row.cells)
    except RRGraphError as error:
        return TargetRow(text, None, reason=str(error), where=where, row=row)
    return TargetRow(text, target, size, where=where, row=row)


def _spelled(row: Row, column: str, names: Sequence[str]) -> str:
    """Return the key of a JSON object that holds its target, where it lacks the usual one."""
    return next((name for known in names for name in row.cells if column_name(name) == known), column)


def _typed(text: str, *, dopants: bool) -> TargetRow[Composition]:
    """Return the row of a formula, or of the CIF or POSCAR file of a name."""
    if not is_structure_file(text):
        return target_row(text, lambda text, _: (_composition(text, dopants=dopants), None))
    try:
        target = read_structure(text)
    except DataError as error:
        return TargetRow(text=text, target=None, reason=str(error))
    return TargetRow(text=target.formula, target=target)


def _composition(text: str, *, dopants: bool) -> Composition:
    if is_structure_file(text):
        raise PlanningError(f"'{text}' is a structure file, which a list may not name; give it as an argument.")
    target = parse_formula(text)
    if target.dopants and not dopants:
        raise FormulaError(
            f"'{text}' names a dopant, which only a material to be made may have; write '{target.formula}'."
        )
    return target


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
