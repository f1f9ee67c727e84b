"""Redox features of candidate sets: their own, and how they compare with the other sets of their list."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.data import SetBatch
from rrgraph.graph import OXYGEN_BALANCE, balance_oxygen

__all__ = ["REDOX_FEATURES", "redox_features"]

REDOX_FEATURES: Final = (
    *OXYGEN_BALANCE,
    "least_oxygen_gap",
    "oxygen_gap_to_best",
    "net_oxygen_of_first",
    "feasible_share",
    "closed_share",
    "feasible_behind",
)
"""Names of the redox features of a set, in column order: those of `balance_oxygen` and of its list.

The latter are the smallest oxygen gap of the list and how much larger that of the set is; the net oxygen of the set
with the most probable links; the shares of feasible and closed sets; and by how much log(1 + rank) exceeds that of the
first feasible set, as if one followed the last set where none is feasible.
"""


def redox_features(sets: SetBatch, offsets: NDArray[np.int64], log_rank: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the redox features (n, `len(REDOX_FEATURES)`) of sets.

    Args:
        sets: of all lists, one list after the other.
        offsets: (lists + 1,), where the sets of each list begin.
        log_rank: (n,), log(1 + rank) of each set in its list, by its links.
    """
    _, own = balance_oxygen(sets)
    net, gap, feasible, closed = (
        own[:, OXYGEN_BALANCE.index(name)] for name in ("net_oxygen", "oxygen_gap", "feasible", "closed")
    )
    lengths = np.diff(offsets)
    starts, lengths = offsets[:-1][lengths > 0], lengths[lengths > 0]
    if not len(starts):
        return np.empty((0, len(REDOX_FEATURES)))

    def of_list(function: np.ufunc, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.repeat(function.reduceat(values, starts), lengths)

    length = np.repeat(lengths, lengths)
    least = of_list(np.minimum, gap)
    first_feasible = of_list(np.minimum, np.where(feasible > 0, log_rank, np.log1p(length)))
    return np.column_stack(
        [
            own,
            least,
            gap - least,
            of_list(np.add, np.where(log_rank == 0, net, 0.0)),
            of_list(np.add, feasible) / length,
            of_list(np.add, closed) / length,
            log_rank - first_feasible,
        ]
    )
