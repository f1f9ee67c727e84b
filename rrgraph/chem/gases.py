"""What may enter or leave a solid-state reaction besides the solids: the one list that balancing uses.

Flows in: the elements at hand. Flows out: `BYPRODUCTS` (may leave), `ATMOSPHERE` (may be taken up), and the menus
of gases that `balance` tries in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import parse_formula

__all__ = ["ATMOSPHERE", "BYPRODUCTS", "UNUSUAL", "Gas", "clashes", "menus", "preference"]


@dataclass(frozen=True, slots=True)
class Gas:
    """A gas on one side of an equation: taken up with the precursors, or released beside the target."""

    composition: Composition
    taken_up: bool

    @property
    def side(self) -> tuple[str, bool]:
        """Key and side, as `EXCLUSIVE` names them."""
        return self.composition.key, self.taken_up


def _gases(formulas: str) -> tuple[Composition, ...]:
    return tuple(parse_formula(formula) for formula in formulas.split())


def _sides(formulas: str, taken_up: bool) -> list[tuple[str, bool]]:
    return [Gas(gas, taken_up).side for gas in _gases(formulas)]


#: What may leave, the usual ones first. F2 is missing because fluorine leaves as HF; oxides that stay solid or
#: melt (P2O5, B2O3) and salts (NaCl) are missing because they would make almost any set balance.
BYPRODUCTS: tuple[Composition, ...] = _gases("O2 CO2 H2O N2 NH3 NO2 SO2 HCl HF HBr HI Cl2 Br2 I2 SO3 NO CO H2S S H2")

#: What may be taken up from the furnace atmosphere, the usual ones first.
ATMOSPHERE: tuple[Composition, ...] = _gases("O2 N2 H2O CO2 NH3 H2")

#: Keys of gases used only where the others do not balance: in hot air they turn into CO2, H2O, NO2, SO2 (+ O2).
UNUSUAL: frozenset[str] = frozenset(gas.key for gas in _gases("SO3 NO CO H2S S H2"))

#: Pairs that never stand in one equation because they react with each other in the furnace.
EXCLUSIVE: frozenset[frozenset[tuple[str, bool]]] = frozenset(
    frozenset({one, other})
    for some, others in [
        # what gives off oxygen or nitrogen oxides takes up neither nitrogen nor anything that burns, nor carbon
        (_sides("O2 NO2 NO", False), _sides("N2 NH3 H2 CO2", True)),
        (_sides("NH3", False), [*_sides("NO2 NO", False), *_sides("N2", True)]),
        (_sides("H2S S", False), _sides("SO2 SO3 O2 NO2 NO", False)),
    ]
    for one in some
    for other in others
)

_RANKS = {gas.key: rank for rank, gas in enumerate(BYPRODUCTS)}
_CARBON = parse_formula("C").key


def preference(gas: Gas) -> int:
    """Return the place of a gas in `BYPRODUCTS`, the last tie-break between equally small solutions."""
    return _RANKS.get(gas.composition.key, len(_RANKS))


def menus(
    target: Composition,
    precursors: Sequence[Composition],
    byproducts: Sequence[Composition],
    atmosphere: Sequence[Composition],
) -> tuple[tuple[Gas, ...], ...]:
    """Return the menus of gases in the order `balance` tries them.

    First the ordinary gases of the elements present, then the same with hydrogen brought in (F leaves as HF, oxides
    turn into nitrides under NH3), then both again with the unusual gases. Elemental carbon among the precursors
    makes CO usual and CO2 and O2 unusual (carbothermal reduction, Boudouard); NH3 is usual only if some precursor
    holds both N and H. A gas that is itself the target or a precursor is on no menu.
    """
    solids = (target, *precursors)
    keys = frozenset(solid.key for solid in solids)
    return _menus(
        tuple(byproducts),
        tuple(atmosphere),
        present=frozenset().union(*(solid.elements for solid in solids)),
        carbothermal=any(precursor.key == _CARBON for precursor in precursors),
        ammoniacal=any({"N", "H"} <= precursor.elements for precursor in precursors),
        solid=frozenset(gas.key for gas in (*byproducts, *atmosphere) if gas.key in keys),
    )


@lru_cache(maxsize=4096)
def _menus(
    byproducts: tuple[Composition, ...],
    atmosphere: tuple[Composition, ...],
    *,
    present: frozenset[str],
    carbothermal: bool,
    ammoniacal: bool,
    solid: frozenset[str],
) -> tuple[tuple[Gas, ...], ...]:
    gases = [Gas(gas, False) for gas in byproducts] + [Gas(gas, True) for gas in atmosphere]
    gases = [gas for gas in gases if gas.composition.key not in solid]
    unusual = {(key, taken_up) for key in UNUSUAL for taken_up in (False, True)}
    if carbothermal:
        unusual.difference_update(_sides("CO", False))
        unusual.update(_sides("CO2 O2", False))
    if not ammoniacal:
        unusual.update(_sides("NH3", False))
    ordinary = [gas for gas in gases if gas.side not in unusual]
    found = (
        tuple(gas for gas in menu if gas.composition.elements <= elements)
        for menu in (ordinary, gases)
        for elements in (present, present | {"H"})
    )
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=4096)
def clashes(gases: tuple[Gas, ...]) -> tuple[int, ...]:
    """Return, as bits of their places, every two gases that may not stand in one equation."""
    return tuple(
        (1 << first) | (1 << second)
        for (first, one), (second, other) in combinations(enumerate(gases), 2)
        if one.composition.key == other.composition.key or frozenset({one.side, other.side}) in EXCLUSIVE
    )
