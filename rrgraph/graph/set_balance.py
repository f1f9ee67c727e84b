"""Mass balance of precursor sets, approximately and for many sets at once.

Compositions and sets flow in; out come how well the members can make up the target, and what has to leave as gas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, VOLATILE, Composition, fraction_matrix

__all__ = ["BALANCE", "balance_sets"]

BALANCE: Final = ("imbalance", "least_amount", "idle", "released_C", "released_H", "released_N", "released_O")
"""Names of the numbers of a set's mass balance, in column order; see `balance_sets`."""

_GASES: Final = [ATOMIC_NUMBERS[symbol] - 1 for symbol in ("C", "H", "N", "O")]
_SOLID: Final = [number for number in range(len(ELEMENTS)) if ELEMENTS[number] not in VOLATILE]
_RIDGE: Final = 1e-5
_IDLE: Final = 1e-3


def balance_sets(
    targets: Sequence[Composition],
    candidates: Sequence[Composition],
    rows: NDArray[np.int64],
    members: NDArray[np.int64],
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return the mass balance of each set over all elements but C, H, O and N, by least squares.

    An exact balance of thousands of sets a second is out of reach; this is what the set scorer reads, never what is
    shown to people.

    `imbalance` is the part of the target (Euclidean, 0 to 1) that no amounts of the members make up, `least_amount`
    the smallest amount of a member (atoms for an atom of target; negative where it would have to be taken away),
    `idle` the number of members whose amount is not positive, `released_*` the atoms for an atom of target that leave
    as gas (taken up from it where negative).

    Args:
        targets: t materials.
        candidates: c precursors.
        rows: (n,) positions of the sets' targets.
        members: (n, m) positions of the sets' members, -1 beyond the last.

    Returns:
        (n, m), amount of each member in atoms for an atom of target, 0 beyond the last; and (n, `len(BALANCE)`).
    """
    made = fraction_matrix(targets).astype(np.float64)[rows]
    brought = np.pad(fraction_matrix(candidates).astype(np.float64), ((0, 1), (0, 0)))
    present = members >= 0
    place = np.where(present, members, len(candidates))
    solid = brought[:, _SOLID][place]
    wanted = made[:, _SOLID]
    gram = solid @ solid.transpose(0, 2, 1) + _RIDGE * np.eye(members.shape[1])
    amounts = np.linalg.solve(gram, solid @ wanted[..., None])[..., 0] * present
    left = wanted - (amounts[:, None] @ solid)[:, 0]
    size = np.linalg.norm(wanted, axis=1).clip(1e-9)
    gas = (amounts[:, None] @ brought[:, _GASES][place])[:, 0] - made[:, _GASES]
    numbers = np.column_stack(
        [
            np.linalg.norm(left, axis=1) / size,
            np.where(present, amounts, np.inf).min(1),
            (present & (amounts < _IDLE)).sum(1),
            gas,
        ]
    )
    return amounts, numbers
