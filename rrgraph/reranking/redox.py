"""Redox features of candidate sets: their own, how they compare with the other sets of their list, and with a furnace.

Whether oxygen may enter or leave depends on the atmosphere, whose features are those of a set's oxygen given it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ATMOSPHERES, Atmosphere
from rrgraph.graph import OXYGEN_BALANCE

__all__ = ["ATMOSPHERE_FEATURES", "REDOX_FEATURES", "atmosphere_features", "redox_features"]

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


_EXCHANGE: Final = ("closed", "gives_oxygen", "takes_oxygen")

ATMOSPHERE_FEATURES: Final = tuple(
    name for each in ATMOSPHERES for name in (f"in_{each.value}", *(f"{kind}_in_{each.value}" for kind in _EXCHANGE))
)
"""Names of the features of a set in an atmosphere, in column order.

For each of `rrgraph.chem.ATMOSPHERES` whether it is this one, and whether it is and the set closes, gives or takes
oxygen, see `balance_oxygen`. All are 0 where the atmosphere is not known.
"""


def atmosphere_features(own: NDArray[np.float64], atmosphere: Atmosphere | None) -> NDArray[np.float64]:
    """Return the features (n, `len(ATMOSPHERE_FEATURES)`) of sets in an atmosphere.

    Args:
        own: (n, `len(OXYGEN_BALANCE)`), the features of `balance_oxygen`.
        atmosphere: of all lists, None where it is not known.
    """
    exchange = np.column_stack([np.ones(len(own)), own[:, [OXYGEN_BALANCE.index(name) for name in _EXCHANGE]]])
    return np.column_stack([exchange * (each is atmosphere) for each in ATMOSPHERES])


def redox_features(
    own: NDArray[np.float64], offsets: NDArray[np.int64], log_rank: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the redox features (n, `len(REDOX_FEATURES)`) of sets.

    Args:
        own: (n, `len(OXYGEN_BALANCE)`), the features of `balance_oxygen`, one list after the other.
        offsets: (lists + 1,), where the sets of each list begin.
        log_rank: (n,), log(1 + rank) of each set in its list, by its links.
    """
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
