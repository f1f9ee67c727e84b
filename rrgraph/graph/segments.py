"""Sums over groups of entries of a sparse matrix, for many weightings of its rows at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Segments"]


class Segments:
    """A sparse matrix (rows, columns), multiplied from the left by dense weights.

    Args:
        rows: (entries,) row of each entry.
        columns: (entries,) column of each entry.
        width: number of columns.
        values: (entries,) of each entry; 1 when not given.
    """

    def __init__(
        self,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        *,
        width: int,
        values: NDArray[np.floating] | None = None,
    ) -> None:
        order = np.argsort(columns, kind="stable")
        self._rows = rows[order]
        self._values = None if values is None else values[order].astype(np.float32)
        self._width = width
        self._filled, self._starts = np.unique(columns[order], return_index=True)
        self.totals = np.bincount(columns, weights=values, minlength=width).astype(np.float32)

    def sums(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``weights @ matrix``, (t, columns), of weights (t, rows)."""
        entries = weights[:, self._rows]
        return self._spread(np.add, entries if self._values is None else entries * self._values)

    def largest(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the largest weight (t, columns) among the rows that have an entry in each column; 0 for none."""
        return self._spread(np.maximum, weights[:, self._rows])

    def _spread(self, combine: np.ufunc, entries: NDArray[np.float32]) -> NDArray[np.float32]:
        spread = np.zeros((len(entries), self._width), dtype=np.float32)
        if len(self._starts):
            spread[:, self._filled] = combine.reduceat(entries, self._starts, axis=1)
        return spread
