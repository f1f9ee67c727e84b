"""Approximate redox balance of many precursor sets at once: whether they make the target without oxygen from outside.

Reduced oxides are often made from two sources of one element (V2O3 + V2O5 -> 2 VO2), which the mass balance of
`rrgraph.graph.set_balance` cannot tell apart. Here amounts are not negative and, where the elements leave a choice,
such that oxygen closes. All sums are taken in one order, so that a set has the same numbers in any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, Composition, oxygen_values
from rrgraph.data import SetBatch
from rrgraph.graph.elements import SOLID
from rrgraph.graph.set_balance import SetEquations, add_up, batches_of_size, solid_columns, solve_equations

__all__ = ["OXYGEN_BALANCE", "balance_oxygen"]

OXYGEN_BALANCE: Final = (
    "redox_imbalance",
    "redox_least_amount",
    "redox_idle",
    "net_oxygen",
    "oxygen_gap",
    "feasible",
    "closed",
    "gives_oxygen",
    "takes_oxygen",
    "element_pairs",
    "metal_oxide_pairs",
    "oxygen_spread",
)
"""Names of the features of a set's redox balance, in column order; see `balance_oxygen`."""

_SOLID: Final = [*SOLID]
_OXYGEN: Final = ELEMENTS.index("O")
_WEIGHT: Final = 1e-3
"""Of the row of oxygen beside those of the elements: it decides only what these leave open."""
_RIDGE: Final = 1e-12
_IDLE: Final = 1e-4
_FEASIBLE: Final = 0.02
_CLOSED: Final = 0.01
_FAR: Final = 1.0
"""Oxygen gap of sets that are not feasible, and largest of those that are."""
_LARGEST_SPREAD: Final = 4.0

_Floats = NDArray[np.float64]


def balance_oxygen(sets: SetBatch) -> tuple[_Floats, _Floats]:
    """Return the redox balance of each set: amounts that make the target and close oxygen, and what they come to.

    Amounts are those of least squares over all elements but C, H, O and N and, with a small weight, over the oxygen
    that is left (`rrgraph.chem.oxygen_values`). While one is negative, the most negative one becomes 0. Of the two ways
    in which nitrates and hydrides decompose, the better one is taken.

    `redox_imbalance`, `redox_least_amount` and `redox_idle` are what `balance_sets` calls imbalance, least amount and
    idle. A set is `feasible` if less than 2 % of the target is not made and no member is idle. `net_oxygen` is what is
    given off (taken up where negative), in atoms of O for an atom of target, and `oxygen_gap` its size, 1 at most and 1
    for sets that are not feasible. A feasible set is `closed` if its gap is below 0.01; otherwise it `gives_oxygen` or
    `takes_oxygen`.

    `element_pairs` counts the pairs of members that bring the same element and, C, H, O and N aside, no other,
    `metal_oxide_pairs` those of an element and a compound of it with oxygen. `oxygen_spread` is how far the oxygen
    that is left differs within such a pair, for an atom of the element: the most of the set, 4 at most.

    Returns:
        (n, m), amount of each member in atoms for an atom of target, 0 beyond the last; and (n, `len(OXYGEN_BALANCE)`).

    Examples:
        >>> from rrgraph.chem import parse_formula
        >>> target, *precursors = map(parse_formula, ("VO2", "V2O3", "V2O5"))
        >>> amounts, features = balance_oxygen(SetBatch.of_lists([target], precursors, [[[0, 1]]]))
        >>> amounts.round(3).tolist(), bool(features[0, OXYGEN_BALANCE.index("closed")])
        ([[0.417, 0.583]], True)
    """
    used, index = np.unique(sets.members[sets.present], return_inverse=True)
    members = np.full(sets.members.shape, len(used))
    members[sets.present] = index
    members, target = np.ascontiguousarray(members.T), sets.target_index
    made = _Materials.of(sets.targets)
    given = _Materials.of([sets.candidates[each] for each in used.tolist()])
    columns = solid_columns(made.fractions, given.fractions, members, target)
    amounts, features = np.zeros(members.shape), np.empty((len(OXYGEN_BALANCE), len(sets)))
    for size, batch in batches_of_size(members, len(used)):
        of_members, of_target = members[:size, batch], target[batch]
        equations = SetEquations.of(made.fractions, given.fractions, of_members, of_target, columns)
        problem = _Problem(*equations.normal(), add_up(equations.need**2))
        solution = problem.solve(given.oxygen[0][of_members], made.oxygen[0][of_target])
        other = np.flatnonzero(given.two_ways[of_members].any(0) | made.two_ways[of_target])
        if len(other):
            values = given.oxygen[1][of_members[:, other]], made.oxygen[1][of_target[other]]
            solution.take_better(problem.select(other).solve(*values), other)
        amounts[:size, batch] = solution.amounts
        features[:, batch] = [*solution.describe(), *_pairs(given, of_members)]
    return np.ascontiguousarray(amounts.T), np.ascontiguousarray(features.T)


@dataclass(frozen=True, eq=False)
class _Materials:
    """Properties of n materials, and of none at the end.

    Attributes:
        fractions: (n + 1, elements) atomic fractions.
        oxygen: two of (n + 1), see `oxygen_values`.
    """

    fractions: _Floats
    oxygen: _Floats

    @classmethod
    def of(cls, compositions: Sequence[Composition]) -> _Materials:
        # In double precision: materials of the same ratio are to be exactly parallel.
        fractions = np.zeros((len(compositions) + 1, len(ELEMENTS)))
        for row, composition in zip(fractions, compositions, strict=False):
            for symbol, amount in composition.floats.items():
                row[ATOMIC_NUMBERS[symbol] - 1] = amount
        fractions[:-1] /= fractions[:-1].sum(1, keepdims=True)
        values = [*map(oxygen_values, compositions), (0.0, 0.0)]
        return cls(fractions, np.array(values).T)

    @cached_property
    def two_ways(self) -> NDArray[np.bool_]:
        """Whether the oxygen values of each (n + 1) differ."""
        differ: NDArray[np.bool_] = self.oxygen[0] != self.oxygen[1]
        return differ

    @cached_property
    def single_element(self) -> NDArray[np.int64]:
        """The one element of each (n + 1) beside C, H, O and N, -1 for none or several."""
        solid = self.fractions[:, _SOLID] > 0
        return np.where(solid.sum(1) == 1, np.array(_SOLID)[solid.argmax(1)], -1)


@dataclass(frozen=True, eq=False)
class _Problem:
    """Normal equations of n sets of m members, without the row of oxygen.

    Attributes:
        gram: (m, m, n) products of the members' fractions, of which only the upper triangle is filled.
        right: (m, n) their products with the fractions of the target.
        size: (n) product of the target with itself.
    """

    gram: _Floats
    right: _Floats
    size: _Floats

    def select(self, sets: NDArray[np.int64]) -> _Problem:
        """Return those of some sets."""
        return _Problem(self.gram[..., sets], self.right[:, sets], self.size[sets])

    def solve(self, oxygen: _Floats, wanted: _Floats) -> _Solution:
        """Return the amounts of the members, given the oxygen that they (m, n) and the target (n) leave."""
        row, goal, gram = _WEIGHT * oxygen, _WEIGHT * wanted, self.gram.copy()
        for member in range(len(row)):
            gram[member, member:] += row[member] * row[member:]
        right = self.right + row * goal
        amounts = _non_negative(gram, right)
        error = self.size + goal * goal - add_up(amounts * (right + _RIDGE * amounts))
        return _Solution(amounts, error, self.size, add_up(amounts * oxygen) - wanted)


@dataclass(frozen=True, eq=False)
class _Solution:
    """Amounts (m, n), squared error of all rows (n), squared size of the target (n), and net oxygen (n)."""

    amounts: _Floats
    error: _Floats
    size: _Floats
    net: _Floats

    def take_better(self, other: _Solution, sets: NDArray[np.int64]) -> None:
        """Replace the solution of some sets by another where that fits better."""
        better = other.error < self.error[sets]
        chosen = sets[better]
        self.amounts[:, chosen] = other.amounts[:, better]
        self.error[chosen], self.net[chosen] = other.error[better], other.net[better]

    def describe(self) -> list[NDArray[np.generic]]:
        """Return the features of the balance as columns."""
        rest = np.sqrt((self.error - (_WEIGHT * self.net) ** 2).clip(0))
        imbalance = (rest / np.sqrt(self.size).clip(1e-3)).clip(max=1)  # of a target of C, H, O and N none
        idle = (self.amounts < _IDLE).sum(0)
        feasible = (imbalance < _FEASIBLE) & (idle == 0)
        gap = np.where(feasible, np.minimum(np.abs(self.net), _FAR), _FAR)
        return [
            imbalance,
            self.amounts.min(0),
            idle,
            self.net,
            gap,
            feasible,
            feasible & (gap < _CLOSED),
            feasible & (self.net >= _CLOSED),
            feasible & (self.net <= -_CLOSED),
        ]


def _non_negative(gram: _Floats, right: _Floats) -> _Floats:
    """Solve normal equations (m, m, n) and (m, n), each time without the most negative unknown, until none is."""
    active, amounts = np.ones(right.shape, dtype=bool), np.zeros_like(right)
    open_sets = np.arange(right.shape[1])
    while len(open_sets):
        found = _solve(gram[..., open_sets], right[:, open_sets], active[:, open_sets])
        amounts[:, open_sets] = found
        least = found.argmin(0)
        negative = found[least, np.arange(len(open_sets))] < 0
        open_sets = open_sets[negative]
        active[least[negative], open_sets] = False
    return amounts


def _solve(gram: _Floats, right: _Floats, active: NDArray[np.bool_]) -> _Floats:
    """Solve n equations at once, which changes them; unknowns that are not active are 0."""
    gram *= active[:, None] & active
    for row, own in enumerate(active):
        gram[row, row][~own] = 1
    return solve_equations(gram, right * active, ridge=_RIDGE)


def _pairs(given: _Materials, members: NDArray[np.int64]) -> list[_Floats]:
    """Return the features of pairs of members that bring the same single element, as columns."""
    fractions, own = given.fractions, given.single_element
    # A pair of an element and of one of its compounds with oxygen adds up to 3.
    form = np.where(fractions.max(1) == 1, 1, np.where(fractions[:, _OXYGEN] > 0, 2, 4))
    of_element = given.oxygen[1] / np.where(own >= 0, fractions[np.arange(len(own)), own], 1)
    own, form, of_element = own[members], form[members], of_element[members]
    pairs, metal_oxide, spread = np.zeros((3, members.shape[1]))
    for one, other in combinations(range(len(members)), 2):
        same = (own[one] == own[other]) & (own[one] >= 0)
        pairs += same
        metal_oxide += same & (form[one] + form[other] == 3)
        spread = np.maximum(spread, np.where(same, np.abs(of_element[one] - of_element[other]), 0))
    return [pairs, metal_oxide, np.minimum(spread, _LARGEST_SPREAD)]
