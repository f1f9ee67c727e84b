"""Approximate mass balance of many precursor sets at once: how well they make up the target, and which gases leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ATOMIC_NUMBERS, fraction_matrix
from rrgraph.data import SetBatch
from rrgraph.graph.elements import SOLID

__all__ = ["BALANCE", "SetEquations", "add_up", "balance_sets", "batches_of_size", "solid_columns", "solve_equations"]

BALANCE: Final = ("imbalance", "least_amount", "idle", "released_C", "released_H", "released_N", "released_O")
"""Names of the features of a set's mass balance, in column order; see `balance_sets`."""

_GASES: Final = [ATOMIC_NUMBERS[symbol] - 1 for symbol in ("C", "H", "N", "O")]
_SOLID: Final = [*SOLID]
_RIDGE: Final = 1e-5
_IDLE: Final = 1e-3

_BATCH_SIZE: Final = 8192
"""Sets at a time, for the sake of memory."""

_Floats = NDArray[np.float64]


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
    made, given = (fraction_matrix(side).astype(np.float64) for side in (sets.targets, sets.candidates))
    given = np.pad(given, ((0, 1), (0, 0)))
    members, target = np.ascontiguousarray(sets.padded_members.T), sets.target_index
    columns = solid_columns(made, given, members, target)
    amounts, features = np.zeros(members.shape), np.empty((len(BALANCE), len(sets)))
    for size, batch in batches_of_size(members, len(sets.candidates)):
        of_members, of_target = members[:size, batch], target[batch]
        equations = SetEquations.of(made, given, of_members, of_target, columns)
        own = solve_equations(*equations.normal(), ridge=_RIDGE)
        length = np.sqrt(add_up(equations.need**2))
        gases = [add_up(own * given[of_members, gas]) - made[of_target, gas] for gas in _GASES]
        rest = np.sqrt(add_up(equations.rest(own) ** 2)) / length.clip(1e-9)
        amounts[:size, batch] = own
        features[:, batch] = [rest, own.min(0), (own < _IDLE).sum(0), *gases]
    return np.ascontiguousarray(amounts.T), np.ascontiguousarray(features.T)


def batches_of_size(members: NDArray[np.int64], beyond: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield set sizes and sets of that size, not too many at a time.

    Args:
        members: (m, n), those of each set first.
        beyond: stands for no member.
    """
    sizes = (members < beyond).sum(0)
    for size in np.unique(sizes).tolist():
        sets = np.flatnonzero(sizes == size)
        for start in range(0, len(sets), _BATCH_SIZE):
            yield size, sets[start : start + _BATCH_SIZE]


@dataclass(frozen=True, eq=False)
class SetEquations:
    """Equations of n sets of m members, one for each of k elements.

    Attributes:
        supply: (k, m, n) atomic fractions of the members.
        need: (k, n) of the target.
    """

    supply: _Floats
    need: _Floats

    @classmethod
    def of(
        cls,
        made: _Floats,
        given: _Floats,
        members: NDArray[np.int64],
        target: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> SetEquations:
        """Return those of sets.

        Args:
            made: (targets, elements) fractions.
            given: (materials + 1, elements) fractions, the last of them 0.
            members: (m, n) materials of each set.
            target: (n,) target of each set.
            columns: (targets, k) elements, see `solid_columns`.
        """
        elements = columns.T[:, target]
        return cls(given[members, elements[:, None]], made[target, elements])

    def normal(self) -> tuple[_Floats, _Floats]:
        """Return the normal equations: (m, m, n), of which only the upper triangle is filled, and (m, n)."""
        _, most, number = self.supply.shape
        gram, right = np.zeros((most, most, number)), np.zeros((most, number))
        for supply, need in zip(self.supply, self.need, strict=True):
            for row in range(most):
                gram[row, row:] += supply[row] * supply[row:]
            right += supply * need
        return gram, right

    def rest(self, amounts: _Floats) -> _Floats:
        """Return what amounts (m, n) leave of the target (k, n)."""
        rest = self.need.copy()
        for member, amount in enumerate(amounts):
            rest -= self.supply[:, member] * amount
        return rest


def solid_columns(
    made: _Floats, given: _Floats, members: NDArray[np.int64], target: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the elements (targets, k), but C, H, O and N, of each target and of all members of its sets.

    They are in order, and followed by others, of which all products are zero, up to the length that the longest needs.
    """
    wanted, supplied = made[:, _SOLID] > 0, given[:, _SOLID] > 0
    occurs = np.zeros((len(wanted), len(supplied)), dtype=np.float32)
    occurs[target, members] = 1
    elements = wanted | (occurs @ supplied.astype(np.float32) > 0)
    order = np.argsort(~elements, axis=1, kind="stable")[:, : elements.sum(1).max(initial=0)]
    return np.array(_SOLID)[order]


def add_up(rows: _Floats) -> _Floats:
    """Return the sum (...) of rows (m, ...), added one after the other."""
    total = np.zeros(rows.shape[1:])
    for row in rows:
        total += row
    return total


def solve_equations(gram: _Floats, right: _Floats, *, ridge: float) -> _Floats:
    """Solve n normal equations at once by elimination on the upper triangle, which changes them.

    Args:
        gram: (m, m, n).
        right: (m, n).
        ridge: is added to the diagonal.
    """
    most = len(right)
    for row in range(most):
        gram[row, row] += ridge
    for row in range(most):
        for below in range(row + 1, most):
            factor = gram[row, below] / gram[row, row]
            gram[below, below:] -= factor * gram[row, below:]
            right[below] -= factor * right[row]
    for row in reversed(range(most)):
        for above in range(row + 1, most):
            right[row] -= gram[row, above] * right[above]
        right[row] /= gram[row, row]
    return right
