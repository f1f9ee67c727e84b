"""Approximate mass balance of many precursor sets at once: how well they make up the target, and which gases leave."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ATOMIC_NUMBERS, fraction_matrix
from rrgraph.data import SetBatch
from rrgraph.graph.elements import SOLID

__all__ = ["BALANCE", "balance_sets"]

BALANCE: Final = ("imbalance", "least_amount", "idle", "released_C", "released_H", "released_N", "released_O")
"""Names of the features of a set's mass balance, in column order; see `balance_sets`."""

_GASES: Final = [ATOMIC_NUMBERS[symbol] - 1 for symbol in ("C", "H", "N", "O")]
_SOLID: Final = [*SOLID]
_RIDGE: Final = 1e-5
_IDLE: Final = 1e-3


def balance_sets(sets: SetBatch) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the mass balance of each set over all elements but C, H, O and N, by least squares.

    An exact balance of thousands of sets a second is out of reach. These are features for the re-ranker; people are
    shown exact equations.

    `imbalance` is the part of the target (Euclidean, 0 to 1) that no amounts of the members make up, `least_amount`
    the smallest amount of a member (atoms for an atom of target; negative where it would have to be taken away),
    `idle` the number of members whose amount is not positive, `released_*` the atoms for an atom of target that leave
    as gas (taken up from it where negative).

    Returns:
        (n, m), amount of each member in atoms for an atom of target, 0 beyond the last; and (n, `len(BALANCE)`).
    """
    made = fraction_matrix(sets.targets).astype(np.float64)[sets.target_index]
    supplied = np.pad(fraction_matrix(sets.candidates).astype(np.float64), ((0, 1), (0, 0)))
    present, members = sets.present, sets.padded_members
    solid = supplied[:, _SOLID][members]
    wanted = made[:, _SOLID]
    gram = solid @ solid.transpose(0, 2, 1) + _RIDGE * np.eye(members.shape[1])
    amounts = np.linalg.solve(gram, solid @ wanted[..., None])[..., 0] * present
    rest = wanted - (amounts[:, None] @ solid)[:, 0]
    size = np.linalg.norm(wanted, axis=1).clip(1e-9)
    gas = (amounts[:, None] @ supplied[:, _GASES][members])[:, 0] - made[:, _GASES]
    features = np.column_stack(
        [
            np.linalg.norm(rest, axis=1) / size,
            np.where(present, amounts, np.inf).min(1),
            (present & (amounts < _IDLE)).sum(1),
            gas,
        ]
    )
    return amounts, features
