"""The table of recorded reactions that all of the package works with, read from CSV, JSONL or Parquet files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rrgraph.chem import Composition, FormulaWarning, anhydrous, element_system, parse_formula
from rrgraph.data.reaction import PrecursorSet, Reaction
from rrgraph.errors import DataError, FormulaError, suggestion
from rrgraph.util.tabular import read_frame, write_frame

__all__ = ["COLUMNS", "SEPARATOR", "ReactionTable"]

#: The columns of the file format; the first two are required, any others are kept as they are.
COLUMNS = ("target", "precursors", "year", "doi", "split")

#: Separates the formulas of one precursor set.
SEPARATOR = ";"

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
        first_line: number of the first row in the source (2 in a CSV file, where the header is line 1).

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

    def __init__(self, frame: pd.DataFrame, *, source: str = "the reaction table", first_line: int = 1) -> None:
        for column in COLUMNS[:2]:
            if column not in frame:
                names = [str(name) for name in frame.columns]
                raise DataError(
                    f"{_capital(source)} has no column '{column}', found {', '.join(names) or 'none'}."
                    f"{suggestion(column, names)}"
                )
        self.source = source
        self._lines: NDArray[np.int64] = np.arange(len(frame), dtype=np.int64) + first_line
        self.frame = self._typed(frame)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ReactionTable:
        """Read a CSV, JSONL (both optionally gzipped) or Parquet file, chosen by its suffix.

        Raises:
            DataError: the file is missing, of another format, or malformed.
        """
        is_csv = ".csv" in Path(path).suffixes
        return cls(read_frame(path), source=f"'{path}'", first_line=2 if is_csv else 1)

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

    def select(self, rows: NDArray[Any] | Sequence[int]) -> ReactionTable:
        """Return the rows given by an index array or a boolean mask; formulas are not parsed again."""
        index = np.asarray(rows)
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
        chosen = object.__new__(ReactionTable)
        chosen.source = self.source
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
                sets[joined] = PrecursorSet([parser.read(text, row) for text in joined.split(SEPARATOR)])
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

    def _typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with the columns of the format first, each converted to its type."""
        extra = [name for name in frame.columns if name not in COLUMNS]
        frame = frame.reindex(columns=[*COLUMNS, *extra]).reset_index(drop=True)
        for column in COLUMNS[:2]:
            frame[column] = self._formulas(frame[column].tolist(), column)
        frame["year"] = self._years(frame["year"])
        for column in COLUMNS[3:]:
            values = frame[column].tolist()
            frame[column] = pd.Series([None if pd.isna(v) or v == "" else str(v) for v in values], dtype=object)
        return frame

    def _formulas(self, cells: list[Any], column: str) -> pd.Series:
        texts = []
        for row, cell in enumerate(cells):
            if column == COLUMNS[1] and isinstance(cell, list | tuple | np.ndarray):
                if not all(isinstance(item, str) and SEPARATOR not in item for item in cell):
                    raise DataError(f"{_capital(self.line(row))} has a precursor that is not a valid formula.")
                cell = SEPARATOR.join(cell)
            if not isinstance(cell, str):
                if not pd.isna(cell):
                    raise DataError(f"{_capital(self.line(row))} has {column} {cell!r}, expected a formula.")
                cell = ""
            if not cell.strip():
                raise DataError(f"{_capital(self.line(row))} has no {column}.")
            texts.append(cell)
        return pd.Series(texts, dtype=object)

    def _years(self, column: pd.Series) -> pd.Series:
        years = pd.to_numeric(column, errors="coerce").astype("Float64")
        known = column.notna() & (column.astype(str).str.strip() != "")
        wrong = np.flatnonzero((known & years.isna()) | ((years % 1 != 0) | (years.abs() >= _YEARS_END)).fillna(False))
        if len(wrong):
            row = int(wrong[0])
            raise DataError(f"{_capital(self.line(row))} has year '{column.iloc[row]}', expected a whole number.")
        return years.astype("Int64")


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
                    raise DataError(f"{_capital(self.table.line(row))}: {error}") from None
            self.doubtful += [f"{_capital(self.table.line(row))}: {warning.message}" for warning in caught]
        return self.parsed[text]

    def warn(self) -> None:
        if self.doubtful:
            more = f" The same applies to {len(self.doubtful) - 1} other formulas." if len(self.doubtful) > 1 else ""
            warnings.warn(f"{self.doubtful[0]}{more}", FormulaWarning, stacklevel=3)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _objects(values: list[str]) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
