"""Labels of one source, merged while its rows stream by.

Flows in: compositions' rows with values, parts and orders, a piece at a time. Flows out: one label and part each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rrgraph.properties.tables.tasks import PropertySource

__all__ = ["LabelColumn"]


class LabelColumn:
    """One label a composition: the median, the ground state's, or the first, of the rows in its largest part.

    The first value of a composition lies in an array by row; only further values, which a median needs, are kept
    beside it, so memory is that of the result and of the duplicates.

    Attributes:
        rows_used: values that were added.
    """

    def __init__(self, source: PropertySource) -> None:
        self.rows_used = 0
        self._median = source.choose == "median"
        self._values: NDArray[np.float32] = np.empty(0, dtype=np.float32)
        self._parts: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
        self._orders: NDArray[np.float32] | None = np.empty(0, dtype=np.float32) if source.order else None
        self._more: list[tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.uint8]]] = []

    def add(
        self,
        rows: NDArray[np.int32],
        values: NDArray[np.float64],
        parts: NDArray[np.uint8],
        orders: NDArray[np.float64] | None = None,
    ) -> None:
        """Take the labels of some rows; an order that is NaN comes last."""
        if not len(rows):
            return
        self.rows_used += len(rows)
        self._grow(int(rows.max()) + 1)
        rank = np.zeros(len(rows), dtype=np.float32)
        if self._orders is not None and orders is not None:
            rank = np.where(np.isnan(orders), np.inf, orders).astype(np.float32)
        best = np.lexsort((np.arange(len(rows)), rank, -parts.astype(np.int8), rows))
        first = np.ones(len(rows), dtype=bool)
        first[1:] = rows[best][1:] != rows[best][:-1]
        places = best[first]
        there, part = self._parts[rows[places]], parts[places]
        if self._median:
            taken = places[there == 0]
            left = np.ones(len(rows), dtype=bool)
            left[taken] = False
            if left.any():
                self._more.append((rows[left], values[left].astype(np.float32), parts[left]))
        elif self._orders is None:
            taken = places[part > there]
        else:
            taken = places[(part > there) | ((part == there) & (rank[places] < self._orders[rows[places]]))]
            self._orders[rows[taken]] = rank[taken]
        self._values[rows[taken]] = values[taken]
        self._parts[rows[taken]] = parts[taken]

    def finish(self, count: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return the labels (NaN where there is none) and parts of `count` compositions."""
        self._orders = None
        self._grow(count)
        if self._more:
            rows, values, parts = (np.concatenate(column) for column in zip(*self._more, strict=True))
            self._more = []
            known = np.unique(rows)
            rows = np.concatenate([known, rows])
            values = np.concatenate([self._values[known], values])
            parts = np.concatenate([self._parts[known], parts])
            np.maximum.at(self._parts, rows, parts)
            winning = parts == self._parts[rows]
            self._values[known] = _medians(rows[winning], values[winning])
        return self._values[:count], self._parts[:count]

    def _grow(self, count: int) -> None:
        if count > len(self._values):
            size = max(count, len(self._values) + len(self._values) // 4)
            self._values = _longer(self._values, size, np.nan)
            self._parts = _longer(self._parts, size, 0)
            if self._orders is not None:
                self._orders = _longer(self._orders, size, np.inf)


def _medians(rows: NDArray[np.int32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of the values of each distinct row, rows in ascending order."""
    order = np.lexsort((values, rows))
    values = values[order].astype(np.float64)
    _, starts, counts = np.unique(rows[order], return_index=True, return_counts=True)
    return ((values[starts + (counts - 1) // 2] + values[starts + counts // 2]) / 2).astype(np.float32)


def _longer(array: NDArray, size: int, fill: float) -> NDArray:
    longer = np.empty(size, dtype=array.dtype)
    longer[: len(array)] = array
    longer[len(array) :] = fill
    return longer
