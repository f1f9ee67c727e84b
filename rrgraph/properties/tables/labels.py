"""Labels of one source, merged to one label and subset for each composition while its rows are read in batches."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rrgraph.properties.tables.tasks import PropertySource

__all__ = ["LabelColumn"]

N = TypeVar("N", bound=np.generic)


class LabelColumn:
    """One label for each composition: the median, that of the ground state, or the first, of the rows in its subset.

    If the rows of a composition are in several subsets, test takes precedence over validation, and validation over
    training. The first value of each composition is in an array; only the further values for a median are kept
    separately, so the memory is that of the result and of the duplicates.

    Attributes:
        rows_used: number of values added.
    """

    def __init__(self, source: PropertySource) -> None:
        self.rows_used = 0
        self._median = source.choose == "median"
        self._values: NDArray[np.float32] = np.empty(0, dtype=np.float32)
        self._subsets: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
        self._orders: NDArray[np.float32] | None = np.empty(0, dtype=np.float32) if source.order else None
        self._more: list[tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.uint8]]] = []

    def add(
        self,
        rows: NDArray[np.int32],
        values: NDArray[np.float64],
        subsets: NDArray[np.uint8],
        orders: NDArray[np.float64] | None = None,
    ) -> None:
        """Add the labels of some rows; a NaN in `orders` is sorted last."""
        if not len(rows):
            return
        self.rows_used += len(rows)
        self._grow(int(rows.max()) + 1)
        rank = np.zeros(len(rows), dtype=np.float32)
        if self._orders is not None and orders is not None:
            rank = np.where(np.isnan(orders), np.inf, orders).astype(np.float32)
        best = np.lexsort((np.arange(len(rows)), rank, -subsets.astype(np.int8), rows))
        first = np.ones(len(rows), dtype=bool)
        first[1:] = rows[best][1:] != rows[best][:-1]
        chosen = best[first]
        current, subset = self._subsets[rows[chosen]], subsets[chosen]
        if self._median:
            taken = chosen[current == 0]
            left = np.ones(len(rows), dtype=bool)
            left[taken] = False
            if left.any():
                self._more.append((rows[left], values[left].astype(np.float32), subsets[left]))
        elif self._orders is None:
            taken = chosen[subset > current]
        else:
            taken = chosen[(subset > current) | ((subset == current) & (rank[chosen] < self._orders[rows[chosen]]))]
            self._orders[rows[taken]] = rank[taken]
        self._values[rows[taken]] = values[taken]
        self._subsets[rows[taken]] = subsets[taken]

    def finish(self, count: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return the labels (NaN if there is none) and subsets of `count` compositions."""
        self._orders = None
        self._grow(count)
        if self._more:
            rows, values, subsets = (np.concatenate(column) for column in zip(*self._more, strict=True))
            self._more = []
            known = np.unique(rows)
            rows = np.concatenate([known, rows])
            values = np.concatenate([self._values[known], values])
            subsets = np.concatenate([self._subsets[known], subsets])
            np.maximum.at(self._subsets, rows, subsets)
            winning = subsets == self._subsets[rows]
            self._values[known] = _medians(rows[winning], values[winning])
        return self._values[:count], self._subsets[:count]

    def _grow(self, count: int) -> None:
        if count > len(self._values):
            size = max(count, len(self._values) + len(self._values) // 4)
            self._values = _longer(self._values, size, np.nan)
            self._subsets = _longer(self._subsets, size, 0)
            if self._orders is not None:
                self._orders = _longer(self._orders, size, np.inf)


def _medians(rows: NDArray[np.int32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of the values of each distinct row, in ascending order of the rows."""
    order = np.lexsort((values, rows))
    values = values[order].astype(np.float64)
    _, starts, counts = np.unique(rows[order], return_index=True, return_counts=True)
    medians: NDArray[np.float64] = (values[starts + (counts - 1) // 2] + values[starts + counts // 2]) / 2
    return medians.astype(np.float32)


def _longer(array: NDArray[N], size: int, fill: float) -> NDArray[N]:
    longer = np.empty(size, dtype=array.dtype)
    longer[: len(array)] = array
    longer[len(array) :] = fill
    return longer
