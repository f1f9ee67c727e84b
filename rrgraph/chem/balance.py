"""Balance a precursor set to its target over exact rationals.

Flows in: a target, its precursors, the gases that may leave or be taken up. Flows out: the `BalancedEquation`
with the least by-products, or a `BalanceError` that says why there is none.

Which solution is chosen. Every coefficient is positive and no gas stands on both sides. The menus of gases
(`rrgraph.chem.gases.menus`) are tried in order, and the first with a solution wins. Within a menu: fewest gas
species, then fewest taken up, then least moles of gas, then the usual gases first. Where precursors are redundant
(Li2CO3 beside LiOH) the mean of the extreme solutions is taken, so that each takes part; precursors that only burn
off or evaporate, so that no amount follows from the target, are counted as one formula unit. A target that does not
balance as typed because its decimals were cut (Li0.8889P0.2222S) is balanced with the amounts of its canonical key,
which are within `TOLERANCE`; the equation's target then carries those amounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import lcm

from rrgraph.chem.composition import Composition
from rrgraph.chem.equation import BalancedEquation, Term
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.gases import ATMOSPHERE, BYPRODUCTS, Gas, clashes, menus, preference
from rrgraph.chem.linear import Row, interior_point, reduce_rows
from rrgraph.chem.materials import Material, as_composition, as_compositions
from rrgraph.errors import RRGraphError

__all__ = ["BalanceError", "balance"]

#: Gas species after which the existence of any solution is decided before more are tried.
_SPECIES_BEFORE_PROOF = 2


class BalanceError(RRGraphError):
    """The precursors do not balance to the target."""


_Solution = tuple[tuple[Fraction, ...], tuple[Gas, ...]]


def balance(
    target: Material,
    precursors: Material | Iterable[Material],
    *,
    byproducts: Sequence[Composition] = BYPRODUCTS,
    atmosphere: Sequence[Composition] = ATMOSPHERE,
) -> BalancedEquation:
    """Balance `precursors` to one formula unit of `target`; see the module's text for the choice made.

    >>> print(balance("BaTiO3", ["BaCO3", "TiO2"]))
    BaCO3 + TiO2 → BaTiO3 + CO2

    Args:
        target: what is made.
        precursors: what it is made from; a material listed twice counts once.
        byproducts: what may leave.
        atmosphere: what may be taken up.

    Raises:
        BalanceError: no solution with all coefficients positive; the message says why where that is cheap.
    """
    target = as_composition(target)
    distinct = tuple(dict.fromkeys(as_compositions(precursors)))
    if not distinct:
        raise BalanceError(f"{target} does not balance: there is no precursor.")
    head = f"{target} from {' + '.join(precursor.formula for precursor in distinct)} does not balance"
    obstacle = _obstacle(target, distinct, byproducts, atmosphere)
    if obstacle:
        raise BalanceError(f"{head}: {obstacle}.")
    ordered = sorted(distinct, key=lambda precursor: precursor.key)  # the answer must not depend on the order given
    for made in _readings(target):
        for gases in menus(made, ordered, byproducts, atmosphere):
            found = _System(made, ordered, gases).solve()
            if found is not None:
                return _equation(made, distinct, ordered, found)
    raise BalanceError(f"{head}: no positive amounts of all precursors give the target's element ratios.")


def _readings(target: Composition) -> Iterator[Composition]:
    """Yield the target as typed, then, if decimals were cut off, with the amounts of its key at equal total."""
    yield target
    exact = parse_formula(target.key).amounts
    scale = sum((amount for _, amount in target.amounts), Fraction(0)) / sum(amount for _, amount in exact)
    amounts = tuple((symbol, amount * scale) for symbol, amount in exact)
    if amounts != target.amounts:
        yield Composition(key=target.key, formula=target.formula, amounts=amounts)


class _System:
    """The equations of one target, its precursors and one menu of gases.

    Columns: precursors, gases (released ones negative), the target as right-hand side. Rows: elements, reduced so
    that precursors are expressed by gases; rows without precursors restrict the gases alone.
    """

    def __init__(self, target: Composition, precursors: Sequence[Composition], gases: tuple[Gas, ...]) -> None:
        self.count = len(precursors)
        self.gases = gases
        self.rows = _matrix(target, precursors, gases)
        self.pivots = reduce_rows(self.rows, self.count)
        self.clashes = clashes(gases)

    def solve(self) -> _Solution | None:
        """Return the best solution of the menu, or None."""
        needs = self._needs()
        if needs is None:
            return None
        most = min(len(self.gases), len(self.rows) + 1)
        for species in range(most + 1):
            if species == _SPECIES_BEFORE_PROOF + 1 and not self._has_solution():
                return None
            found = [
                (self._cost(point, chosen), point, chosen)
                for chosen in self._choices(species, needs)
                if (point := self._point(chosen)) is not None
            ]
            if found:
                _, point, chosen = min(found, key=lambda solution: solution[0])
                return point, tuple(self.gases[index] for index in chosen)
        return None

    def _needs(self) -> list[tuple[int, int, int]] | None:
        """Return what every row asks of the gases as (sign, bits of gases > 0, bits of gases < 0).

        The sign of a row without precursors is that of its right-hand side: +1 needs a positive gas, -1 a negative
        one, 0 both or neither. A precursor that the target alone gives no positive amount needs a negative gas
        (sign -1). None says that some row cannot be met.
        """
        needs = []
        leading = len(self.pivots)
        for index, row in enumerate(self.rows):
            gases, right = row[self.count : -1], row[-1]
            if index < leading and (right > 0 or any(row[c] for c in range(self.count) if c != self.pivots[index])):
                continue
            sign = -1 if index < leading else (right > 0) - (right < 0)
            positive = sum(1 << place for place, value in enumerate(gases) if value > 0)
            negative = sum(1 << place for place, value in enumerate(gases) if value < 0)
            if (sign > 0 and not positive) or (sign < 0 and not negative):
                return None
            if sign or positive or negative:
                needs.append((sign, positive, negative))
        return needs

    def _choices(self, species: int, needs: list[tuple[int, int, int]]) -> Iterator[tuple[int, ...]]:
        """Yield the choices of gases that could meet all needs by their signs."""
        for chosen in combinations(range(len(self.gases)), species):
            bits = 0
            for index in chosen:
                bits |= 1 << index
            for sign, positive, negative in needs:
                if sign > 0:
                    if not bits & positive:
                        break
                elif sign < 0:
                    if not bits & negative:
                        break
                elif (not bits & positive) is not (not bits & negative):
                    break
            else:
                if not any(bits & clash == clash for clash in self.clashes):
                    yield chosen

    def _point(self, chosen: Sequence[int]) -> tuple[Fraction, ...] | None:
        """Return positive coefficients of the precursors and the chosen gases, or None."""
        leading, count = len(self.pivots), self.count
        columns = [count + index for index in chosen]
        inner = [[*(row[column] for column in columns), row[-1]] for row in self.rows[leading:]]
        solved = reduce_rows(inner, len(columns))
        if any(row[-1] for row in inner[len(solved) :]):
            return None
        if leading < count or len(solved) < len(columns):
            return interior_point([[*row[:count], *(row[c] for c in columns), row[-1]] for row in self.rows], count)
        gases = [Fraction(row[-1], row[place]) for place, row in enumerate(inner[: len(solved)])]
        if any(gas <= 0 for gas in gases):
            return None
        point = []
        for place, row in enumerate(self.rows[:leading]):
            right = row[-1] - sum(row[column] * gas for column, gas in zip(columns, gases, strict=True) if row[column])
            if right <= 0:
                return None
            point.append(Fraction(right) / row[place])
        return (*point, *gases)

    def _has_solution(self) -> bool:
        """Whether the precursors have positive coefficients with any of the gases."""
        return interior_point([list(row) for row in self.rows], self.count, positive=self.count) is not None

    def _cost(self, point: tuple[Fraction, ...], chosen: Sequence[int]) -> tuple[int, Fraction, list[int]]:
        """Rank solutions with equally many gases: fewest taken up, least moles, the usual gases."""
        gases = [self.gases[index] for index in chosen]
        amount = sum(point[self.count :], Fraction(0))
        return sum(gas.taken_up for gas in gases), amount, sorted(preference(gas) for gas in gases)


def _matrix(target: Composition, precursors: Sequence[Composition], gases: Sequence[Gas]) -> list[Row]:
    """Return a row of integers for each element: precursors, signed gases, target."""
    parts = [dict(composition.amounts) for composition in (*precursors, *(gas.composition for gas in gases), target)]
    scale = lcm(*(amount.denominator for part in parts for amount in part.values()))
    signs = [1] * len(precursors) + [1 if gas.taken_up else -1 for gas in gases] + [1]
    elements = sorted({element for part in parts for element in part})
    columns = [
        {element: sign * amount.numerator * (scale // amount.denominator) for element, amount in part.items()}
        for part, sign in zip(parts, signs, strict=True)
    ]
    return [[column.get(element, 0) for column in columns] for element in elements]


def _equation(
    target: Composition, distinct: Sequence[Composition], ordered: Sequence[Composition], found: _Solution
) -> BalancedEquation:
    point, gases = found
    coefficients = dict(zip((precursor.key for precursor in ordered), point, strict=False))
    sides: dict[bool, list[Term]] = {False: [], True: []}
    for gas, amount in zip(gases, point[len(ordered) :], strict=True):
        sides[gas.taken_up].append((gas.composition, amount))
    return BalancedEquation(
        target=target,
        precursors=tuple((precursor, coefficients[precursor.key]) for precursor in distinct),
        reactant_gases=tuple(sides[True]),
        byproducts=tuple(sides[False]),
    )


def _obstacle(
    target: Composition,
    precursors: Sequence[Composition],
    byproducts: Sequence[Composition],
    atmosphere: Sequence[Composition],
) -> str:
    """Name an element that cannot come in or cannot leave, or return an empty string."""
    brought = frozenset().union(*(composition.elements for composition in (*precursors, *atmosphere)))
    missing = sorted(target.elements - brought)
    if missing:
        return f"{missing[0]} of the target is in none of the precursors"
    leaving = target.elements.union(*(gas.elements for gas in byproducts))
    for precursor in precursors:
        stuck = sorted(precursor.elements - leaving)
        if stuck:
            return f"{stuck[0]} of {precursor} is not in the target and no allowed by-product carries it away"
    return ""
