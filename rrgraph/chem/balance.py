"""Balance a precursor set to its target in exact rational arithmetic.

Which solution is chosen: every coefficient is positive and no gas is on both sides. The lists of gases from
`rrgraph.chem.gases.gas_lists`, which go from air to unusual atmospheres, are tried in order, and the first with a
solution is used. Within a list, the solution has the fewest gas species, then the fewest taken up, then the fewest
moles of gas, then the most common gases. Where precursors are redundant (Li2CO3 and LiOH), the mean of the extreme
solutions is taken, so that each takes part; precursors that only evaporate, whose amount does not follow from the
target, count as one formula unit, but no gas is taken up only to carry one away. A target that does not balance as
typed because its decimals were cut off (Li0.8889P0.2222S) is balanced with the amounts of its canonical key, which
agree within `TOLERANCE`; the equation's target then has those amounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, starmap
from math import lcm

from rrgraph.chem.canonical import key_amounts
from rrgraph.chem.composition import Composition
from rrgraph.chem.equation import BalancedEquation, Term
from rrgraph.chem.farkas import Vector, refusals
from rrgraph.chem.gases import ATMOSPHERE, BYPRODUCTS, Gas, GasList, Limit, gas_lists, preference, together
from rrgraph.chem.linear import Row, has_interior_point, interior_point, is_feasible, reduce_rows
from rrgraph.chem.materials import Material, as_composition, as_compositions
from rrgraph.chem.redox import DOPING, redox
from rrgraph.chem.salts import solid_byproducts
from rrgraph.errors import RRGraphError

__all__ = ["BalanceError", "balance"]

#: With more gas species than this, it is first decided whether any solution exists; for lists after the first, at once.
_SPECIES_BEFORE_PROOF = 2
#: Moles of O2 for each mole of oxygen in the target that count as traces: a formula's oxygen is off by 5 %.
_TRACES = Fraction(1, 40)


class BalanceError(RRGraphError):
    """The precursors do not balance to the target."""


_Solution = tuple[tuple[Fraction, ...], tuple[Gas, ...]]


def balance(
    target: Material,
    precursors: Material | Iterable[Material],
    *,
    byproducts: Material | Iterable[Material] = (),
    released: Sequence[Composition] = BYPRODUCTS,
    atmosphere: Sequence[Composition] = ATMOSPHERE,
) -> BalancedEquation:
    """Balance `precursors` to one formula unit of `target`; the module docstring says which solution is chosen.

    >>> print(balance("BaTiO3", ["BaCO3", "TiO2"]))
    BaCO3 + TiO2 → BaTiO3 + CO2
    >>> print(balance("LiAlH4", ["LiH", "AlCl3"], byproducts="LiCl"))
    4 LiH + AlCl3 → LiAlH4 + 3 LiCl

    Args:
        target: the material to make.
        precursors: the materials it is made from; one listed twice counts once.
        byproducts: solids that may remain beside the target, such as ``"NaCl, LiCl"``; ``"salts"`` stands for the
            halides, sulfates and nitrates of the alkali and alkaline-earth metals among the precursors.
        released: gases that may be released.
        atmosphere: gases that may be taken up.

    Raises:
        BalanceError: there is no solution with all coefficients positive; the message gives the reason where it is
            easy to find.
        FormulaError: a material cannot be read.

    Examples:
        >>> target, *precursors = map(as_composition, ["BaTiO3", "BaCO3", "TiO2"])
        >>> print(balance(target, precursors))
        BaCO3 + TiO2 → BaTiO3 + CO2
    """
    target = as_composition(target)
    distinct = tuple(dict.fromkeys(as_compositions(precursors)))
    if not distinct:
        raise BalanceError(f"{target} does not balance: no precursors are given.")
    head = f"{target} from {' + '.join(precursor.formula for precursor in distinct)} does not balance"
    solids = solid_byproducts(byproducts, distinct)
    obstacle = _obstacle(target, distinct, (*released, *solids), atmosphere)
    if obstacle:
        raise BalanceError(f"{head}: {obstacle}.")
    ordered = sorted(distinct, key=lambda precursor: precursor.key)  # the answer must not depend on the order given
    for made in _readings(target):
        lists = gas_lists(made, ordered, released=released, taken_up=atmosphere, solids=solids)
        found = _solution(made, ordered, lists)
        if found is not None:
            return _equation(made, distinct, ordered, found)
    raise BalanceError(f"{head}: no positive amounts of all precursors give the target's element ratios.")


def _readings(target: Composition) -> Iterator[Composition]:
    """Yield the target as typed, then, if decimals were cut off, with the amounts of its key at equal total."""
    yield target
    amounts = _exact_amounts(target.key, target.atoms)
    if amounts != target.amounts:
        yield Composition(key=target.key, formula=target.formula, amounts=amounts)


@lru_cache(maxsize=1024)
def _exact_amounts(key: str, atoms: Fraction) -> tuple[tuple[str, Fraction], ...]:
    """Return the amounts of a key at a number of atoms."""
    amounts = key_amounts(key)
    scale = atoms / sum(amount for _, amount in amounts)
    return tuple((symbol, amount * scale) for symbol, amount in amounts)


def _solution(target: Composition, precursors: Sequence[Composition], lists: tuple[GasList, ...]) -> _Solution | None:
    """Return the solution with the first list of gases that has one; most sets have it with the very first, or none."""
    every, count = together(lists), len(precursors)
    rows = _matrix(target, precursors, every.gases)
    columns = [*zip(*rows.values(), strict=True)]
    of_gas = dict(zip(every.gases, columns[count:], strict=False))

    def is_refused(allowed: GasList, *, search: bool) -> bool:
        gases = [of_gas[gas] for gas in allowed.gases]
        return _is_refused(allowed, tuple(rows), columns[:count], gases, columns[-1], search=search)

    first, *others = lists
    if not is_refused(first, search=False):
        found = _System.of(target, precursors, first).solve(proof=_SPECIES_BEFORE_PROOF + 1)
        if found is not None:
            return found
        is_refused(first, search=True)  # so that it is known for the next set
    whole = None
    for allowed in others:
        if is_refused(allowed, search=True):
            continue
        whole = whole or _System(target, precursors, every, [*rows.values()])
        found = whole.part(allowed).solve(proof=0)
        if found is not None:
            return found
    return None


def _is_refused(
    allowed: GasList,
    elements: tuple[str, ...],
    precursors: Sequence[Vector],
    gases: Sequence[Vector],
    target: Vector,
    *,
    search: bool,
) -> bool:
    """Whether it is quickly proved that there is no solution with a list of gases, by columns of `_matrix`.

    Unless it is to be searched, a proof is looked for where there was one for another set.
    """
    if allowed.traces and "O" in elements:
        # One more balance, of the oxygen gas that there may be: what is not taken up or released remains.
        oxygen, (share, whole) = elements.index("O"), (2 * _TRACES).as_integer_ratio()
        is_oxygen = [gas.composition.key == "O" for gas in allowed.gases]
        gases = [(*gas, is_it * whole * abs(gas[oxygen])) for gas, is_it in zip(gases, is_oxygen, strict=True)]
        gases.append((*[0] * len(elements), 1))
        precursors, target = [(*each, 0) for each in precursors], (*target, share * target[oxygen])
        elements = (*elements, "traces")
    known = refusals(elements, allowed.gases)
    return (search or bool(known.planes)) and known.refuses(precursors, gases, target)


class _System:
    """The linear equations of one target, its precursors and one list of gases.

    Columns: precursors, gases (released ones negative), the target as right-hand side. Rows: elements, reduced so
    that precursors are expressed through gases; rows without precursors restrict the gases alone.
    """

    def __init__(
        self,
        target: Composition,
        precursors: Sequence[Composition],
        allowed: GasList,
        rows: list[Row],
        pivots: Sequence[int] | None = None,
    ) -> None:
        self.target, self.precursors = target, precursors
        self.count, self.gases, self.conflicts = len(precursors), allowed.gases, allowed.conflicts
        self.rows, self.pivots = rows, reduce_rows(rows, self.count) if pivots is None else pivots
        self.least, *self.brought = _charges(target, precursors, allowed.limit)
        self.most = _TRACES * dict(target.amounts).get("O", 0) if allowed.traces else None

    @classmethod
    def of(cls, target: Composition, precursors: Sequence[Composition], allowed: GasList) -> _System:
        """Return the equations with a list of gases."""
        return cls(target, precursors, allowed, [*_matrix(target, precursors, allowed.gases).values()])

    def part(self, allowed: GasList) -> _System:
        """Return the equations with a list of some of these gases, without reducing them again."""
        columns = [*range(self.count), *[self.count + self.gases.index(gas) for gas in allowed.gases], -1]
        rows = [row for row in ([row[column] for column in columns] for row in self.rows) if any(row)]
        return _System(self.target, self.precursors, allowed, rows, self.pivots)

    def solve(self, *, proof: int) -> _Solution | None:
        """Return the best solution with these gases, or None.

        Args:
            proof: number of gas species that are not tried before it is known that there is a solution.
        """
        needs = self._needs()
        if needs is None:
            return None
        largest = min(len(self.gases), len(self.rows) + 1)
        for species in range(largest + 1):
            if species == proof and not self.has_solution():
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
        """Return the gases that every row needs as (sign, bits of gases > 0, bits of gases < 0).

        The sign of a row without precursors is that of its right-hand side: +1 needs a positive gas, -1 a negative
        one, 0 both or neither. A precursor whose amount would not be positive from the target alone needs a negative
        gas (sign -1). Returns None if some row cannot be satisfied.
        """
        needs = []
        leading = len(self.pivots)
        for index, row in enumerate(self.rows):
            gases, right = row[self.count : -1], row[-1]
            if index < leading and (right > 0 or any(row[c] for c in range(self.count) if c != self.pivots[index])):
                continue
            sign = -1 if index < leading else (right > 0) - (right < 0)
            positive = sum(1 << bit for bit, value in enumerate(gases) if value > 0)
            negative = sum(1 << bit for bit, value in enumerate(gases) if value < 0)
            if (sign > 0 and not positive) or (sign < 0 and not negative):
                return None
            if sign or positive or negative:
                needs.append((sign, positive, negative))
        return needs

    def _choices(self, species: int, needs: list[tuple[int, int, int]]) -> Iterator[tuple[int, ...]]:
        """Yield the choices of gases whose signs could satisfy all rows."""
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
                if not any(bits & pair == pair for pair in self.conflicts):
                    yield chosen

    def _point(self, chosen: Sequence[int]) -> tuple[Fraction, ...] | None:
        """Return positive coefficients of the precursors and the chosen gases, or None."""
        point = self._solution(chosen)
        return point if point is not None and self._is_possible(point, chosen) else None

    def _is_possible(self, point: Sequence[Fraction], chosen: Sequence[int]) -> bool:
        """Whether a solution keeps to the limit of the reduction and to traces of oxygen."""
        if self.most is not None:
            gases = zip(point[self.count :], chosen, strict=True)
            if sum(amount for amount, index in gases if self.gases[index].composition.key == "O") > self.most:
                return False
        brought = zip(point, self.brought, strict=False)
        return self.least <= 0 or self.least <= sum(float(amount) * charge for amount, charge in brought)

    def _solution(self, chosen: Sequence[int]) -> tuple[Fraction, ...] | None:
        leading, count = len(self.pivots), self.count
        columns = [count + index for index in chosen]
        inner = [[*(row[column] for column in columns), row[-1]] for row in self.rows[leading:]]
        solved = reduce_rows(inner, len(columns))
        if any(row[-1] for row in inner[len(solved) :]):
            return None
        if leading < count or len(solved) < len(columns):
            rows = [[*row[:count], *(row[c] for c in columns), row[-1]] for row in self.rows]
            conjured = any(
                self._is_conjured(rows, column)
                for column, index in enumerate(chosen, start=count)
                if self.gases[index].taken_up
            )
            return None if conjured else interior_point(rows, count)
        # In whole numbers, since most choices have a coefficient that is not positive.
        common = lcm(*[row[index] for index, row in enumerate(inner[: len(solved)])])
        gases = [row[-1] * (common // row[index]) for index, row in enumerate(inner[: len(solved)])]
        if any(gas <= 0 for gas in gases):
            return None
        precursors = []
        for index, row in enumerate(self.rows[:leading]):
            right = row[-1] * common - sum([row[column] * gas for column, gas in zip(columns, gases, strict=True)])
            if right <= 0:
                return None
            precursors.append((right, common * row[index]))
        return (*starmap(Fraction, precursors), *[Fraction(gas, common) for gas in gases])

    @staticmethod
    def _is_conjured(rows: Sequence[Row], gas: int) -> bool:
        """Whether a gas is not needed for the target, and can be taken up without end together with a precursor."""
        others = [[*row[:gas], *row[gas + 1 : -1]] for row in rows]
        return is_feasible([[*other, row[-1]] for other, row in zip(others, rows, strict=True)]) and is_feasible(
            [[*other, -row[gas]] for other, row in zip(others, rows, strict=True)]
        )

    def has_solution(self) -> bool:
        """Whether the precursors have positive coefficients with any of the gases, and no more oxygen than traces."""
        if self.most is None:
            return has_interior_point([list(row) for row in self.rows], self.count)
        rows = [[*row[:-1], 0, row[-1]] for row in self.rows]
        amount, oxygen = self.most.as_integer_ratio()
        gases = [oxygen * (gas.composition.key == "O") for gas in self.gases]
        rows.append([*[0] * self.count, *gases, oxygen, amount])
        return has_interior_point(rows, self.count)

    def _cost(self, point: tuple[Fraction, ...], chosen: Sequence[int]) -> tuple[int, Fraction, list[int]]:
        """Return a sort key for solutions with equally many gases: fewest taken up, fewest moles, common gases."""
        gases = [self.gases[index] for index in chosen]
        amount = sum(point[self.count :], Fraction(0))
        return sum(gas.taken_up for gas in gases), amount, sorted(preference(gas) for gas in gases)


def _charges(target: Composition, precursors: Sequence[Composition], limit: Limit | None) -> list[float]:
    """Return how far a formula unit of the target is below a limit of `Redox`, and of each precursor (at least 0)."""
    if limit is None:
        return [0.0]
    size = [float(each.atoms) for each in (target, *precursors)]
    traits = [redox(each) for each in precursors]
    freed = limit == "hydrogen" and "H" not in target.elements
    brought = [max(0.0, getattr(trait, limit)) + (trait.from_halide if freed else 0.0) for trait in traits]
    least = (getattr(redox(target), limit) - DOPING) * size[0]
    return [least, *(each * atoms for each, atoms in zip(brought, size[1:], strict=True))]


def _matrix(target: Composition, precursors: Sequence[Composition], gases: Sequence[Gas]) -> dict[str, Row]:
    """Return a row of integers for each element, in alphabetical order: precursors, signed gases, target."""
    terms = [*precursors, *[gas.composition for gas in gases], target]
    signs = [1] * len(precursors) + [1 if gas.taken_up else -1 for gas in gases] + [1]
    scale = lcm(*[term.scale for term in terms])
    elements = sorted(frozenset().union(*[term.elements for term in terms]))
    rows = {element: [0] * len(terms) for element in elements}
    for column, (term, sign) in enumerate(zip(terms, signs, strict=True)):
        factor = sign * (scale // term.scale)
        for (element, _), amount in zip(term.amounts, term.whole, strict=True):
            rows[element][column] = factor * amount
    return rows


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
    """Return a sentence about an element that cannot enter or leave the reaction, or an empty string."""
    supplied = frozenset().union(*(composition.elements for composition in (*precursors, *atmosphere)))
    missing = sorted(target.elements - supplied)
    if missing:
        return f"the target's {missing[0]} is in none of the precursors"
    leaving = target.elements.union(*(gas.elements for gas in byproducts))
    for precursor in precursors:
        stuck = sorted(precursor.elements - leaving)
        if stuck:
            return f"{stuck[0]} in {precursor} is neither in the target nor in an allowed by-product"
    return ""
