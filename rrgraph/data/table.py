"""The table of recorded reactions that all of the package works with, read from CSV, JSONL, Parquet or Excel files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rrgraph.chem import (
    Atmosphere,
    Composition,
    FormulaWarning,
    anhydrous,
    element_system,
    parse_formula,
    read_atmosphere,
)
from rrgraph.data.joined_formulas import SEPARATOR, split_precursors
from rrgraph.data.reaction import PrecursorSet, Reaction
from rrgraph.errors import DataError, FormulaError, suggestion
from rrgraph.util.rows import Row, column_name, listed, named_column, unique_columns
from rrgraph.util.tabular import read_numbered_frame, write_frame
from rrgraph.util.text import capital

__all__ = ["COLUMNS", "ReactionTable"]

#: The columns of the file format; the first two are required, any others are kept as they are.
COLUMNS = ("target", "precursors", "year", "doi", "split")

#: Other names of the column of the targets.
_TARGET_NAMES = ("formula", "composition", "material", "compound", "product")

#: Columns that are numbers where each cell is one.
_NUMBERS = ("temperature_c", "temperature_low_c", "temperature_high_c", "time_h", "count", "reports")

#: Larger numbers are not accepted as years.
_YEARS_END = 10_000

_PARSED = ("targets", "precursor_sets", "target_keys", "element_systems")


class ReactionTable:
    """A table of reactions; formulas are parsed when they are first needed, each distinct spelling once.

    >>> table = ReactionTable(pd.DataFrame({"target": ["BaTiO3"], "precursors": ["BaCO3;TiO2"]}))
    >>> print(table[0])
    BaCO3 + TiO2 → BaTiO3

    Args:
        frame: columns `target` and `precursors` (formulas joined by `;`, or lists of formulas), optionally `year`,
            `doi`, `split` and any others, which are kept.
        source: name for error messages, such as the quoted path of the file.
        lines: number of each row in the source, by default from 1.
        refused: takes the rows that are not usable, which are then left out; without it they are an error. A year that
            is none is then left empty, and its row kept.

    Attributes:
        empty_years: number of years that were left empty.

    Raises:
        DataError: a required column is missing, or a cell is empty or of the wrong type.

    Examples:
        >>> import pandas as pd
        >>> table = ReactionTable(pd.DataFrame({"target": ["BaTiO3"], "precursors": ["BaCO3;TiO2"], "year": [1999]}))
        >>> print(table[0])
        BaCO3 + TiO2 → BaTiO3
        >>> list(table.precursors())
        ['BaCO3', 'O2Ti']
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        source: str = "the reaction table",
        lines: NDArray[np.int64] | None = None,
        refused: list[Row] | None = None,
    ) -> None:
        if not frame.columns.is_unique or not all(isinstance(name, str) for name in frame.columns):
            frame = frame.set_axis([*unique_columns([*frame.columns], source)], axis=1)
        for column in COLUMNS[:2]:
            if column not in frame:
                names = [str(name) for name in frame.columns]
                raise DataError(
                    f"{capital(source)} has no column '{column}', found {listed(names)}.{suggestion(column, names)}"
                )
        self.source = source
        self.empty_years = 0
        self._lines: NDArray[np.int64] = np.arange(1, len(frame) + 1, dtype=np.int64) if lines is None else lines
        self.frame = self._typed(frame if refused is None else self._usable(frame, refused))

    @classmethod
    def read(
        cls, path: str | os.PathLike[str], *, target: str | None = None, refused: list[Row] | None = None
    ) -> ReactionTable:
        """Read a CSV, JSONL (both optionally gzipped), Parquet or Excel file, chosen by its suffix.

        Capitals and surrounding blanks in the names of the columns do not matter.

        Args:
            path: of the file.
            target: the column with the targets, if it has another name.
            refused: takes the rows that are not usable, which are then left out; without it they are an error.

        Raises:
            DataError: the file is missing, of another format, or malformed.
        """
        frame, lines = read_numbered_frame(path, refused=refused)
        return cls(_renamed(frame, target, f"'{path}'"), source=f"'{path}'", lines=lines, refused=refused)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the table atomically in the format of the suffix; optional columns without values are omitted."""
        empty = [name for name in COLUMNS[2:] if self.frame[name].isna().all()]
        write_frame(self.frame.drop(columns=empty), path)

    @classmethod
    def concat(cls, tables: Sequence[ReactionTable]) -> ReactionTable:
        """Concatenate tables; a column that one of them lacks is empty in its rows.

        Raises:
            DataError: there is no table.
        """
        if not tables:
            raise DataError("Cannot concatenate an empty list of reaction tables.")
        return cls(pd.concat([table.frame for table in tables], ignore_index=True))

    def __len__(self) -> int:
        return len(self.frame)

    def __iter__(self) -> Iterator[Reaction]:
        metadata = self.frame[[*COLUMNS[2:]]].itertuples(index=False, name=None)
        for target, precursors, (year, doi, split) in zip(self.targets, self.precursor_sets, metadata, strict=True):
            yield Reaction(
                target=target,
                precursors=precursors,
                year=None if pd.isna(year) else int(year),
                doi=None if pd.isna(doi) else doi,
                split=None if pd.isna(split) else split,
            )

    def __getitem__(self, index: int) -> Reaction:
        return next(iter(self.select([range(len(self))[index]])))

    def __repr__(self) -> str:
        return f"ReactionTable({len(self)} reactions from {self.source})"

    def readable(self, refused: list[Row]) -> ReactionTable:
        """Return the rows whose formulas can be read; the others are added to `refused`."""
        parser = _Parser(self)
        kept = []
        pairs = zip(self.frame["target"].tolist(), self.frame["precursors"].tolist(), strict=True)
        for row, (target, joined) in enumerate(pairs):
            try:
                for text in (target, *parser.split(joined, row)):
                    parser.read(text, row)
                kept.append(row)
            except DataError as error:
                reason = str(error).removeprefix(f"{capital(self.line(row))}: ")
                refused.append(Row(int(self._lines[row]), self._cells(row), error=reason))
        return self if len(kept) == len(self) else self.select(kept)

    @property
    def lines(self) -> NDArray[np.int64]:
        """Number of each row in its source, (rows,)."""
        return self._lines

    def select(self, rows: NDArray[Any] | Sequence[int]) -> ReactionTable:
        """Return the rows given by an index array or a boolean mask; formulas are not parsed again."""
        index = np.asarray(rows)
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
        chosen = object.__new__(ReactionTable)
        chosen.source = self.source
        chosen.empty_years = self.empty_years
        chosen._lines = self._lines[index]
        chosen.frame = self.frame.iloc[index].reset_index(drop=True)
        for name in _PARSED:
            if name in self.__dict__:
                parsed = self.__dict__[name]
                is_array = isinstance(parsed, np.ndarray)
                chosen.__dict__[name] = parsed[index] if is_array else [parsed[row] for row in index.tolist()]
        return chosen

    def with_columns(self, **columns: Sequence[Any] | NDArray[Any] | pd.Series) -> ReactionTable:
        """Return the same reactions with metadata columns added or replaced; formulas are not parsed again.

        Raises:
            DataError: a column contains formulas, which would no longer match the parsed ones.
        """
        for name in COLUMNS[:2]:
            if name in columns:
                raise DataError(f"Cannot replace column '{name}', which contains formulas: make a new table.")
        changed = self.select(np.arange(len(self)))
        changed.frame = changed._typed(changed.frame.assign(**columns))
        return changed

    def line(self, row: int) -> str:
        """Return the origin of a row for a message: ``"line 7 of 'table.csv'"``."""
        return f"{'line' if self.source.startswith(chr(39)) else 'row'} {self._lines[row]} of {self.source}"

    @cached_property
    def targets(self) -> list[Composition]:
        """The target of each row.

        Raises:
            DataError: a formula cannot be parsed; the message names its line.
        """
        parser = _Parser(self)
        found = [parser.read(text, row) for row, text in enumerate(self.frame["target"].tolist())]
        parser.warn()
        return found

    @cached_property
    def precursor_sets(self) -> list[PrecursorSet]:
        """The precursor set of each row.

        Raises:
            DataError: a formula cannot be parsed; the message names its line.
        """
        parser = _Parser(self)
        sets: dict[str, PrecursorSet] = {}
        found = []
        for row, joined in enumerate(self.frame["precursors"].tolist()):
            if joined not in sets:
                sets[joined] = PrecursorSet([parser.read(text, row) for text in parser.split(joined, row)])
            found.append(sets[joined])
        parser.warn()
        return found

    @cached_property
    def target_keys(self) -> NDArray[np.object_]:
        """Canonical key of each row's target."""
        return _objects([target.key for target in self.targets])

    @cached_property
    def set_keys(self) -> list[frozenset[str]]:
        """Canonical keys of each row's precursors, see `PrecursorSet`."""
        return [precursors.keys for precursors in self.precursor_sets]

    @cached_property
    def element_systems(self) -> NDArray[np.object_]:
        """Element system of each row's target, such as `Fe-O`."""
        return _objects([element_system(target) for target in self.targets])

    @property
    def years(self) -> NDArray[np.float64]:
        """Year of each row, NaN if not known."""
        return self.frame["year"].to_numpy(dtype=np.float64, na_value=np.nan)

    def atmospheres(self, column: str = "atmosphere") -> list[Atmosphere | None]:
        """Return the atmosphere of each row as a column says it; None where unknown or without that column."""
        cells = self.frame[column].tolist() if column in self.frame else [None] * len(self)
        return [read_atmosphere(cell) if isinstance(cell, str) else None for cell in cells]

    def precursors(self) -> dict[str, Composition]:
        """Return every precursor by canonical key, in order of first appearance; of hydrates their salts."""
        found: dict[str, Composition] = {}
        for members in dict.fromkeys(self.precursor_sets):
            for member in map(anhydrous, members):
                found.setdefault(member.key, member)
        return found

    def distinct_reactions(self) -> list[tuple[Composition, frozenset[str]]]:
        """Return the target and the precursors' canonical keys of every distinct reaction, in order of appearance."""
        reactions: dict[tuple[str, frozenset[str]], Composition] = {}
        for target, keys in zip(self.targets, self.set_keys, strict=True):
            reactions.setdefault((target.key, keys), target)
        return [(target, keys) for (_, keys), target in reactions.items()]

    def _cells(self, row: int) -> dict[str, Any]:
        cells = self.frame.iloc[row].to_dict()
        return {str(name): cell for name, cell in cells.items() if not _is_missing(cell)}

    def _usable(self, frame: pd.DataFrame, refused: list[Row]) -> pd.DataFrame:
        """Return the rows with a target and precursors, and with a year or none; the others are added to `refused`."""
        self.frame = frame = frame.reset_index(drop=True)
        kept = []
        for row, cells in enumerate(zip(*(frame[name].tolist() for name in COLUMNS[:2]), strict=True)):
            try:
                for cell, column in zip(cells, COLUMNS, strict=False):
                    self._formula(cell, row, column)
                kept.append(row)
            except DataError as error:
                reason = str(error).removeprefix(capital(self.line(row))).lstrip(": ")
                refused.append(Row(int(self._lines[row]), self._cells(row), error=reason))
        frame, self._lines = frame.iloc[kept].reset_index(drop=True), self._lines[kept]
        if "year" in frame:
            wrong = _wrong_years(frame["year"])
            self.empty_years = len(wrong)
            frame["year"] = frame["year"].astype(object).mask(np.isin(np.arange(len(frame)), wrong), None)
        return frame

    def _typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with the columns of the format first, each converted to its type."""
        extra = [name for name in frame.columns if name not in COLUMNS]
        frame = frame.reindex(columns=[*COLUMNS, *extra]).reset_index(drop=True)
        for column in COLUMNS[:2]:
            frame[column] = self._formulas(frame[column].tolist(), column)
        frame["year"] = self._years(frame["year"])
        for column in {*_NUMBERS}.intersection(extra):
            numbers = pd.to_numeric(frame[column], errors="coerce")
            frame[column] = numbers if (numbers.notna() == frame[column].notna()).all() else frame[column]
        for column in COLUMNS[3:]:
            values = frame[column].tolist()
            frame[column] = pd.Series([None if _is_missing(v) or v == "" else str(v) for v in values], dtype=object)
        return frame

    def _formulas(self, cells: list[Any], column: str) -> pd.Series:
        return pd.Series([self._formula(cell, row, column) for row, cell in enumerate(cells)], dtype=object)

    def _formula(self, cell: Any, row: int, column: str) -> str:
        """Return the text of a cell of formulas.

        Raises:
            DataError: there is none.
        """
        if column == COLUMNS[1] and isinstance(cell, list | tuple | np.ndarray):
            if not all(isinstance(item, str) and SEPARATOR not in item for item in cell):
                raise DataError(f"{capital(self.line(row))} has a precursor that is not a valid formula.")
            cell = SEPARATOR.join(cell)
        if not isinstance(cell, str):
            if not _is_missing(cell):
                raise DataError(f"{capital(self.line(row))} has {column} {cell!r:.80}, expected a formula.")
            cell = ""
        text: str = cell
        if not text.strip():
            raise DataError(f"{capital(self.line(row))} has no {column}.")
        return text

    def _years(self, column: pd.Series) -> pd.Series:
        wrong = _wrong_years(column)
        if len(wrong):
            row = int(wrong[0])
            raise DataError(f"{capital(self.line(row))} has year '{column.iloc[row]!s:.80}', expected a whole number.")
        return pd.to_numeric(column, errors="coerce").astype("Float64").astype("Int64")


def _renamed(frame: pd.DataFrame, target: str | None, source: str) -> pd.DataFrame:
    """Return the frame with the usual names of its columns, and the column of the targets called so."""
    names = [str(name) for name in frame.columns]
    found: dict[str, str] = {}
    if target is None and "target" not in map(column_name, names):
        target = next((name for usual in _TARGET_NAMES for name in names if column_name(name) == usual), None)
    if target is not None:
        column = named_column(target, names, source=source, option="--column")
        found = {"target": "target_input", column: "target"} if column != "target" else {}
    for name in names:
        usual = column_name(name)
        if usual in COLUMNS and usual not in names and usual not in found.values():
            found[name] = usual
    return frame.rename(columns=found) if found else frame


def _is_missing(cell: Any) -> bool:
    """Whether there is nothing in a cell, which may also hold a list."""
    return np.ndim(cell) == 0 and bool(pd.isna(cell))


def _wrong_years(column: pd.Series) -> NDArray[np.int64]:
    """Return the positions of the cells that are neither empty nor a year."""
    years = pd.to_numeric(column, errors="coerce").astype("Float64")
    known = column.notna() & (column.astype(str).str.strip() != "")
    return np.flatnonzero((known & years.isna()) | ((years % 1 != 0) | (years.abs() >= _YEARS_END)).fillna(False))


class _Parser:
    """Parses the formulas of one table, each distinct spelling once, and warns once for all of them."""

    def __init__(self, table: ReactionTable) -> None:
        self.table = table
        self.parsed: dict[str, Composition] = {}
        self.doubtful: list[str] = []

    def read(self, text: str, row: int) -> Composition:
        if text not in self.parsed:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", FormulaWarning)
                try:
                    self.parsed[text] = parse_formula(text, dopants=False)
                except FormulaError as error:
                    raise DataError(f"{capital(self.table.line(row))}: {error}") from None
            self.doubtful += [f"{capital(self.table.line(row))}: {warning.message}" for warning in caught]
        return self.parsed[text]

    def split(self, joined: str, row: int) -> list[str]:
        try:
            return split_precursors(joined)
        except FormulaError as error:
            raise DataError(f"{capital(self.table.line(row))}: {error}") from None

    def warn(self) -> None:
        if self.doubtful:
            more = f" The same applies to {len(self.doubtful) - 1} other formulas." if len(self.doubtful) > 1 else ""
            warnings.warn(f"{self.doubtful[0]}{more}", FormulaWarning, stacklevel=3)


def _objects(values: list[str]) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
