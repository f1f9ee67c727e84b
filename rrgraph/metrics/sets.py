"""What metrics of ranked precursor sets are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RankedLists"]


@dataclass(frozen=True, eq=False)
class RankedLists:
    """The ranked sets of each row, and which of them are relevant under the protocol.

    Attributes:
        ranks: (rows,) rank of the best relevant set with ties as the protocol counts them, infinite if it is not found.
        relevant: (rows, n) whether each of the first n sets is relevant; None where lists are not known.
        probabilities: (rows, n) of these sets, NaN where there is no set or no probability; None likewise.
        relevant_sets: (rows,) number of relevant sets, listed or not; None likewise.
        reachable: (rows,) whether the row's own recorded set competes; None if not known.
        new: (rows, n) whether a set is listed and is that of no training reaction; None if these are not known.
    """

    ranks: NDArray[np.float64]
    relevant: NDArray[np.bool_] | None = None
    probabilities: NDArray[np.float64] | None = None
    relevant_sets: NDArray[np.int64] | None = None
    reachable: NDArray[np.bool_] | None = None
    new: NDArray[np.bool_] | None = None
