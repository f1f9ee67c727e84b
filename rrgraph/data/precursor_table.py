"""A table with columns of the precursors themselves, such as prices, from any file of rows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from rrgraph.chem import anhydrous, parse_formula
from rrgraph.data.formula_column import FORMULA_COLUMNS, find_formula_column
from rrgraph.errors import DataError, FormulaError
from rrgraph.util.rows import open_rows
from rrgraph.util.tabular import read_numbered_frame

__all__ = ["PrecursorTable"]

_FORMULAS: Final = ("formula", "precursor", *FORMULA_COLUMNS)


@dataclass(frozen=True, eq=False)
class PrecursorTable:
    """Precursors and their columns.

    Attributes:
        keys: canonical key of each row's precursor, of a hydrate that of its salt.
        frame: the columns beside the formulas.
        source: name for messages, such as the quoted path of the file.
        lines: number of each row in the source.
    """

    keys: tuple[str, ...]
    frame: pd.DataFrame
    source: str
    lines: tuple[int, ...]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> PrecursorTable:
        """Read a CSV, JSONL, Parquet or Excel file with a column of formulas, chosen by its suffix.

        Raises:
            DataError: the file is missing or malformed, has no column of formulas, or an invalid formula.
        """
        with open_rows(path) as rows:
            column = find_formula_column(rows, names=_FORMULAS)
        frame, lines = read_numbered_frame(path)
        if column not in frame:
            raise DataError(f"'{path}' has no header line, expected one such as 'formula,price'.")
        keys = []
        for text, line in zip(frame[column].tolist(), lines.tolist(), strict=True):
            try:
                keys.append(anhydrous(parse_formula(text if isinstance(text, str) else "")).key)
            except FormulaError as error:
                raise DataError(f"Line {line} of '{path}': {error}") from None
        return cls(tuple(keys), frame.drop(columns=column), f"'{path}'", tuple(lines.tolist()))

    def distinct(self, columns: list[str]) -> PrecursorTable:
        """Return some columns, of each precursor once.

        Raises:
            DataError: a precursor has two different values.
        """
        frame = self.frame[columns].map(_comparable)
        first: dict[str, int] = {}
        for row, key in enumerate(self.keys):
            same = first.setdefault(key, row)
            for name in columns:
                if (own := frame[name].iloc[row]) != (other := frame[name].iloc[same]):
                    raise DataError(
                        f"Lines {self.lines[same]} and {self.lines[row]} of {self.source} describe the same precursor "
                        f"with different values of '{name}': {_shown(other)} and {_shown(own)}. A hydrate and its salt "
                        "are the same."
                    )
        rows = [*first.values()]
        chosen = self.frame[columns].iloc[rows].reset_index(drop=True)
        return PrecursorTable(tuple(first), chosen, self.source, tuple(self.lines[row] for row in rows))


def _comparable(cell: Any) -> str:
    return "" if np.ndim(cell) == 0 and bool(pd.isna(cell)) else str(cell)


def _shown(text: str) -> str:
    return f"{text!a:.80}" if text else "empty"
