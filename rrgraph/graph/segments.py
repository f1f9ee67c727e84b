"""Sums over groups of entries of a sparse matrix, for many weightings of its rows at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

__all__ = ["Segments"]


class Segments:
    """A sparse matrix (rows, columns), whose rows are weighted and added up.

    Args:
        rows: (entries,) row of each entry.
        columns: (entries,) column of each entry.
        shape: number of rows and of columns.
        values: (entries,) of each entry; 1 when not given.
    """

    def __init__(
        self,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        *,
        shape: tuple[int, int],
        values: NDArray[np.floating] | None = None,
    ) -> None:
        entries = np.ones(len(rows), dtype=np.float32) if values is None else values.astype(np.float32)
        self._matrix = csr_array((entries, (columns, rows)), shape=shape[::-1])
        self.totals = np.asarray(self._matrix.sum(1, dtype=np.float64), dtype=np.float32)

    def sums(self, weights: NDArray[np.float32], columns: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Return ``matrix.T @ weights``, (columns, t), of weights (rows, t); of some columns, if they are given.

        Each column is added up in the order of its entries, so that its sums do not depend on t.
        """
        matrix = self._matrix if columns is None else self._matrix[columns]
        product: NDArray[np.float32] = matrix @ weights
        return product

    def largest(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the largest weight (columns, t) among the rows that have an entry in each column; 0 for none."""
        found = np.zeros((self._matrix.shape[0], weights.shape[1]), dtype=weights.dtype)
        offsets = self._matrix.indptr
        for column in np.flatnonzero(np.diff(offsets)):
            found[column] = weights[self._matrix.indices[offsets[column] : offsets[column + 1]]].max(0)
        return found
