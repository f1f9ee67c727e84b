"""Gases that a solid-state reaction may take up or release, and the lists of them that `balance` tries in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.redox import Redox, redox

__all__ = ["ATMOSPHERE", "BYPRODUCTS", "UNUSUAL", "Gas", "conflicts", "gas_lists", "preference"]

#: Key of a gas, and whether it is taken up.
_Side = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Gas:
    """A gas on one side of an equation: taken up with the precursors, or released with the target."""

    composition: Composition
    taken_up: bool

    @property
    def side(self) -> _Side:
        """Key and side, as in `EXCLUSIVE`."""
        return self.composition.key, self.taken_up


def _gases(formulas: str) -> tuple[Composition, ...]:
    return tuple(parse_formula(formula) for formula in formulas.split())


def _sides(formulas: str, taken_up: bool) -> list[_Side]:
    return [Gas(gas, taken_up).side for gas in _gases(formulas)]


#: Gases that may be released, the most common first. F2 is missing because fluorine leaves as HF; oxides that stay
#: solid or melt (P2O5, B2O3) and salts (NaCl) are missing because almost any set would balance with them.
BYPRODUCTS: tuple[Composition, ...] = _gases("O2 CO2 H2O N2 NH3 NO2 SO2 HCl HF HBr HI Cl2 Br2 I2 SO3 NO CO H2S S H2")

#: Gases that may be taken up from the furnace atmosphere, the most common first.
ATMOSPHERE: tuple[Composition, ...] = _gases("O2 N2 H2O CO2 NH3 H2")

#: Keys of gases used only where the others do not balance: in hot air they turn into CO2, H2O, NO2, SO2 (+ O2).
UNUSUAL: frozenset[str] = frozenset(gas.key for gas in _gases("SO3 NO CO H2S S H2"))

#: Pairs that are never in one equation because they react with each other in the furnace.
EXCLUSIVE: frozenset[frozenset[_Side]] = frozenset(
    frozenset({one, other})
    for some, others in [
        # A reaction that releases oxygen or nitrogen oxides takes up neither nitrogen nor a gas that burns, nor carbon.
        (_sides("O2 NO2 NO", False), _sides("N2 NH3 H2 CO2", True)),
        (_sides("NH3", False), [*_sides("NO2 NO", False), *_sides("N2", True)]),
        (_sides("H2S S", False), _sides("SO2 SO3 O2 NO2 NO", False)),
        (_sides("H2", True), _sides("O2", True)),
    ]
    for one in some
    for other in others
)

_RANKS = {gas.key: rank for rank, gas in enumerate(BYPRODUCTS)}
_UNUSUAL_SIDES = frozenset((key, taken_up) for key in UNUSUAL for taken_up in (False, True))
_NITROGEN_OXIDES = frozenset(_sides("NO2 NO", False))
_O2, _CO2, _CO, _NH3 = _sides("O2 CO2 CO NH3", False)
_H2_TAKEN_UP, _NH3_TAKEN_UP, _CO2_TAKEN_UP = _sides("H2 NH3 CO2", True)


def preference(gas: Gas) -> int:
    """Return the index of a gas in `BYPRODUCTS`, the last criterion between equally small solutions."""
    return _RANKS.get(gas.composition.key, len(_RANKS))


def gas_lists(
    target: Composition,
    precursors: Sequence[Composition],
    byproducts: Sequence[Composition],
    atmosphere: Sequence[Composition],
) -> tuple[tuple[Gas, ...], ...]:
    """Return the lists of gases in the order in which `balance` tries them.

    First the ordinary gases of the elements present, then the same with added hydrogen (F leaves as HF, oxides
    turn into nitrides under NH3), then both again with the unusual gases. What is usual depends on the precursors:

    - nitrogen leaves as NO2 (unusual: NO) only if all of it comes as nitrate or nitrite; ammonium salts give NH3, and
      ammonium or urea together with nitrate gives N2 and H2O;
    - with carbon and carbides, CO is usual and CO2 and O2 are unusual (carbothermal reduction, Boudouard);
    - with sulfur and sulfides, which turn oxygen into SO2, O2 is unusual;
    - for a target without oxygen, or one that needs V2O5, Fe2O3 or the like reduced, O2 is unusual; without a
      reducing agent, H2 is then usually taken up;
    - NH3 is usually taken up only by a target with nitrogen;
    - oxides such as MgO and La2O3 lose their oxygen neither to hydrogen nor to the air, so a target without oxygen
      needs another reducing agent; nor does such a target take its carbon from CO2.

    A gas that is itself the target or a precursor is in none of the lists.
    """
    solids = (target, *precursors)
    keys = frozenset(solid.key for solid in solids)
    unusual, never = _unlikely(target, [redox(precursor) for precursor in precursors])
    return _gas_lists(
        tuple(byproducts),
        tuple(atmosphere),
        present=frozenset().union(*(solid.elements for solid in solids)),
        unusual=unusual,
        never=never,
        solid=frozenset(gas.key for gas in (*byproducts, *atmosphere) if gas.key in keys),
    )


def _unlikely(target: Composition, traits: Sequence[Redox]) -> tuple[frozenset[_Side], frozenset[_Side]]:
    """Return the gases that are unusual, and those that never occur, with these precursors."""
    nitrate = any(trait.nitrate for trait in traits)
    carbothermal = any(trait.carbide for trait in traits)
    sulfurous = any(trait.sulfide for trait in traits)
    stable = any(trait.reducible for trait in traits) and not any(trait.gives_oxygen for trait in traits)
    reduced = "O" not in target.elements or stable
    unusual = set(_UNUSUAL_SIDES)
    if carbothermal:
        unusual.discard(_CO)
        unusual.add(_CO2)
    if carbothermal or sulfurous or reduced:
        unusual.add(_O2)
    if reduced and not (carbothermal or sulfurous):
        unusual.discard(_H2_TAKEN_UP)
    if nitrate or not any(trait.ammonium for trait in traits):
        unusual.add(_NH3)
    if "N" not in target.elements:
        unusual.add(_NH3_TAKEN_UP)
    burns = nitrate and not any(trait.reduced_nitrogen for trait in traits)
    never = set() if burns else set(_NITROGEN_OXIDES)
    if "O" not in target.elements:
        never.add(_CO2_TAKEN_UP)
    reducing = carbothermal or sulfurous or any(trait.boride for trait in traits)
    if "O" not in target.elements and any(trait.stubborn for trait in traits) and not reducing:
        never |= {_O2, _H2_TAKEN_UP}
    return frozenset(unusual), frozenset(never)


@lru_cache(maxsize=4096)
def _gas_lists(
    byproducts: tuple[Composition, ...],
    atmosphere: tuple[Composition, ...],
    *,
    present: frozenset[str],
    unusual: frozenset[_Side],
    never: frozenset[_Side],
    solid: frozenset[str],
) -> tuple[tuple[Gas, ...], ...]:
    gases = [Gas(gas, False) for gas in byproducts] + [Gas(gas, True) for gas in atmosphere]
    gases = [gas for gas in gases if gas.composition.key not in solid and gas.side not in never]
    ordinary = [gas for gas in gases if gas.side not in unusual]
    found = (
        tuple(gas for gas in allowed if gas.composition.elements <= elements)
        for allowed in (ordinary, gases)
        for elements in (present, present | {"H"})
    )
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=4096)
def conflicts(gases: tuple[Gas, ...]) -> tuple[int, ...]:
    """Return every two gases that may not be in one equation, as the bits of their indices."""
    return tuple(
        (1 << first) | (1 << second)
        for (first, one), (second, other) in combinations(enumerate(gases), 2)
        if one.composition.key == other.composition.key or frozenset({one.side, other.side}) in EXCLUSIVE
    )
