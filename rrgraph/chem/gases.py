"""Gases that a solid-state reaction may take up or release: which ones together, by atmosphere.

`TABLE` is the one list of what may enter and leave together. `gas_lists` chooses from it by what the target and the
precursors are, and puts the least unusual atmosphere first; `implied_atmosphere` names that of an equation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from typing import Final, Literal

from rrgraph.chem.charges import BASIC, HALOGENS, HIGHEST_CHARGES
from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.redox import redox

__all__ = [
    "ATMOSPHERE",
    "BYPRODUCTS",
    "TABLE",
    "Atmosphere",
    "Gas",
    "GasExchange",
    "GasList",
    "gas_lists",
    "implied_atmosphere",
    "preference",
    "together",
]

#: Key of a gas, and whether it is taken up.
_Side = tuple[str, bool]


class Atmosphere(StrEnum):
    """The atmosphere that an equation implies, the least unusual one in which it can happen.

    >>> from rrgraph.chem import balance
    >>> balance("LiFePO4", ["FeC2O4", "LiH2PO4"]).atmosphere.value
    'inert'
    """

    #: Nothing would be oxidised; oxygen, moisture and carbon dioxide may be taken up.
    AIR = "air"
    #: As air, for charges above those that firing in air gives (Ni3+, Ag3+, peroxides).
    OXYGEN = "oxygen"
    #: Flowing argon or nitrogen: air would oxidise a material, and gas has to leave or metals are melted together.
    INERT = "inert"
    #: An evacuated, closed ampoule: air would oxidise a material, or one is volatile, and no gas leaves.
    VACUUM = "vacuum"
    #: Nitrogen is taken up.
    NITROGEN = "nitrogen"
    #: Ammonia is taken up.
    AMMONIA = "ammonia"
    #: Hydrogen is taken up, or is a precursor.
    REDUCING = "reducing"


@dataclass(frozen=True, slots=True)
class Gas:
    """A gas on one side of an equation: taken up with the precursors, or released with the target.

    By-products that are solid are written in the same way.
    """

    composition: Composition
    taken_up: bool

    def __hash__(self) -> int:
        return hash(self.composition.key) + self.taken_up

    @property
    def side(self) -> _Side:
        """Key and side, as in `EXCLUSIVE`."""
        return self.composition.key, self.taken_up


@dataclass(frozen=True, slots=True)
class GasExchange:
    """What may be taken up and released in one atmosphere, formulas separated by blanks.

    Attributes:
        atmosphere: where; air stands for oxygen too, inert for vacuum.
        taken_up: from the atmosphere.
        released: usually.
        rarely: released only where no equation has the usual gases alone.
    """

    atmosphere: Atmosphere
    taken_up: str
    released: str
    rarely: str = ""


_ACIDS, _HALOGENS = "HCl HF HBr HI", "Cl2 Br2 I2"

#: Which gases may enter and leave together, the least unusual atmosphere first. F2 is missing because fluorine leaves
#: as HF; oxides that stay solid or melt (P2O5) and salts (NaCl) because almost any set would balance with them.
TABLE: Final = (
    GasExchange(Atmosphere.AIR, "O2 H2O CO2", f"O2 CO2 H2O N2 NH3 NO2 SO2 {_ACIDS} {_HALOGENS}", "SO3 NO"),
    GasExchange(Atmosphere.INERT, "", f"O2 CO2 CO H2O N2 NH3 NO2 SO2 {_ACIDS} {_HALOGENS}", "SO3 NO H2S S H2 B2O3 C"),
    GasExchange(Atmosphere.NITROGEN, "N2", f"CO2 CO H2O SO2 {_ACIDS}", "H2S S H2"),
    GasExchange(Atmosphere.AMMONIA, "NH3", f"CO2 H2O N2 {_ACIDS} H2S", "CO SO2 S H2"),
    GasExchange(Atmosphere.REDUCING, "H2", f"CO2 H2O N2 NH3 SO2 {_ACIDS} H2S", "CO S"),
)


def _gases(formulas: str) -> tuple[Composition, ...]:
    return tuple(parse_formula(formula) for formula in formulas.split())


@lru_cache(maxsize=64)
def _sides(formulas: str, taken_up: bool) -> frozenset[_Side]:
    return frozenset(Gas(gas, taken_up).side for gas in _gases(formulas))


#: Gases that may be released, the most common first.
BYPRODUCTS: tuple[Composition, ...] = _gases("O2 CO2 H2O N2 NH3 NO2 SO2 HCl HF HBr HI Cl2 Br2 I2 SO3 NO CO H2S S H2")

#: Gases that may be taken up from the furnace atmosphere, the most common first.
ATMOSPHERE: tuple[Composition, ...] = _gases("O2 N2 H2O CO2 NH3 H2")

#: What takes up oxygen when elementary boron reduces an oxide; it stays as a melt or evaporates. What organic compounds
#: leave under inert gas.
_BORIC_OXIDE, _CARBON = _SOLIDS = _gases("B2O3 C")

#: Pairs that are never in one equation because they react with each other in the furnace.
EXCLUSIVE: frozenset[frozenset[_Side]] = frozenset(
    frozenset({one, other})
    for some, others in [
        (_sides("O2 NO2 NO", False), _sides("CO2", True)),
        (_sides("O2 NO2 NO", False), _sides("CO H2 H2S S", False)),
        (_sides("NH3", False), _sides("NO2 NO", False)),
        (_sides("H2S S C", False), _sides("SO2 SO3", False)),
        (_sides("C", False), _sides("CO2 O2 NO2 NO", False)),
        (_sides(_HALOGENS, False), _sides("NH3 H2 H2S S", False)),
        (_sides("O2 H2O", True), _sides("CO H2 H2S S", False)),
    ]
    for one in some
    for other in others
)

_RANKS = {gas.key: rank for rank, gas in enumerate(BYPRODUCTS)}
_TAKEN_UP = {gas.formula: Gas(gas, True).side for gas in ATMOSPHERE}
_RELEASED = {gas.formula: Gas(gas, False).side for gas in BYPRODUCTS}
_SPLIT_OFF = _sides(f"O2 {_HALOGENS}", False)
_NITROGEN_OXIDES = _sides("NO2 NO", False)
_KEYS = {gas.formula: gas.key for gas in (*BYPRODUCTS, *ATMOSPHERE)}
#: Elements that evaporate as such, and those whose oxides do.
_VOLATILE: Final = frozenset(("P", "S", "As", "Se", "Te", "Br", "I", "Cd"))
_VOLATILE_OXIDES: Final = frozenset(("As", "Se", "Hg", "Re", "Os"))

#: What bounds a reduction: see `Redox`.
Limit = Literal["hydrogen", "ammonia"]
_REDUCING: Final = ("NH3", "H2")


@dataclass(frozen=True, slots=True)
class GasList:
    """Gases among which `balance` looks for an equation.

    Attributes:
        gases: those allowed.
        limit: the limit of `Redox` below which the target may be only as far as its precursors are; None for none.
        traces: oxygen may be taken up or released only in traces.
        conflicts: every two gases that may not be in one equation, as the bits of their indices.
    """

    gases: tuple[Gas, ...]
    limit: Limit | None = None
    traces: bool = False
    conflicts: tuple[int, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        found = tuple(
            (1 << first) | (1 << second)
            for (first, one), (second, other) in combinations(enumerate(self.gases), 2)
            if one.composition.key == other.composition.key or frozenset({one.side, other.side}) in EXCLUSIVE
        )
        object.__setattr__(self, "conflicts", found)


@dataclass(frozen=True, slots=True)
class _Case:
    """What a target and its precursors mean for the choice of gases.

    Attributes:
        atmospheres: those that come into question.
        never: gases that do not occur.
        usual: gases of the last column of `TABLE` that are usual here.
        rare: gases of the column before that are not.
        limit: of what the reducing gases can do.
        limited: whether a precursor is such a gas, and nothing else can do more.
    """

    atmospheres: tuple[Atmosphere, ...]
    never: frozenset[_Side]
    usual: frozenset[_Side]
    rare: frozenset[_Side]
    limit: Limit
    limited: bool


def preference(gas: Gas) -> int:
    """Return the index of a gas in `BYPRODUCTS`, the last criterion between equally small solutions."""
    return _RANKS.get(gas.composition.key, len(_RANKS))


def gas_lists(
    target: Composition,
    precursors: Sequence[Composition],
    *,
    released: Sequence[Composition] = BYPRODUCTS,
    taken_up: Sequence[Composition] = ATMOSPHERE,
    solids: Sequence[Composition] = (),
) -> tuple[GasList, ...]:
    """Return the lists of gases in the order in which `balance` tries them.

    They follow the rows of `TABLE`, each with its usual gases first:

    - air, unless it would oxidise the target (`Redox.air`);
    - an inert gas, in which oxalates and carbon give CO;
    - for a target with nitrogen, nitrogen and ammonia;
    - hydrogen, for a target that air would oxidise;
    - oxygen in traces, whatever the target: that of doped compounds is often written as that of the host.

    What is usual depends on the precursors:

    - oxygen and halogens leave only for what heat alone can reach (`Redox.heat`), halogens not beside what burns;
    - nitrogen leaves as NO2 (rarely NO) only if all of it comes as nitrate or nitrite; ammonium salts give NH3, and
      ammonium or urea together with nitrate gives N2 and H2O;
    - outside air, N2 from ammonium salts is rare, and with carbon and carbides CO2 (carbothermal reduction, Boudouard);
    - hydrogen leaves metals with acids or bases, hydrides and organic compounds; water does not leave beside metals
      and hydrides of alkali metals, alkaline earths and rare earths;
    - hydrogen sulfide reduces to sulfur, so that SO2 is rare; acids are where salts may remain;
    - CO2 is taken up only by a carbonate, oxygen by no chlorate, bromate or iodate, nitrogen by no azide;
    - B2O3 is left only by the reduction of oxides to borides with boron, carbon only by organic compounds, of which
      inert gas leaves more than CO carries away.

    A gas that is itself the target or a precursor is in none of the lists.

    Args:
        target: what is made.
        precursors: what it is made from.
        released: gases that may be released.
        taken_up: gases that may be taken up.
        solids: by-products that may remain beside the target.
    """
    materials = (target, *precursors)
    keys = frozenset(material.key for material in materials)
    return _gas_lists(
        tuple(released),
        tuple(taken_up),
        tuple(solids),
        present=frozenset().union(*(material.elements for material in materials)) & _elements(tuple(solids)),
        case=_case(target, precursors),
        materials=frozenset(gas.key for gas in (*released, *taken_up, *solids, *_SOLIDS) if gas.key in keys),
    )


def _case(target: Composition, precursors: Sequence[Composition]) -> _Case:
    made, elements, amounts = redox(target), target.elements, dict(target.amounts)
    traits = [redox(precursor) for precursor in precursors]
    atmospheres = [Atmosphere.INERT]
    if not made.air:
        atmospheres.insert(0, Atmosphere.AIR)
    if "N" in elements:
        atmospheres += [Atmosphere.NITROGEN, Atmosphere.AMMONIA]
    if made.air:
        atmospheres.append(Atmosphere.REDUCING)

    never: set[_Side] = set()
    if made.heat:
        never |= _SPLIT_OFF
    if any(trait.burns for trait in traits):
        never |= _SPLIT_OFF - {_RELEASED["O2"]}
    organic = any(trait.organic for trait in traits)
    if not organic and not any(trait.burns for trait in traits):
        never.add(_RELEASED["H2"])
    if not organic or not made.air:
        never.add((_CARBON.key, False))
    nitrate = any(trait.nitrate for trait in traits)
    if not nitrate or any(trait.reduced_nitrogen for trait in traits):
        never |= _NITROGEN_OXIDES
    if _has_oxidised_halogen(amounts):
        never |= {_TAKEN_UP["O2"]} if "H" in elements else {_TAKEN_UP["O2"], _TAKEN_UP["H2O"]}
    if _is_azide(amounts):
        never |= {_TAKEN_UP["N2"], _TAKEN_UP["NH3"]}
    if amounts.get("O", 0) < 3 * amounts.get("C", 0) or "C" not in elements:
        never.add(_TAKEN_UP["CO2"])
    if "O" in elements or "B" not in elements or not any(trait.boride for trait in traits):
        never.add((_BORIC_OXIDE.key, False))

    hydride = any(
        trait.burns and precursor.elements & BASIC for trait, precursor in zip(traits, precursors, strict=True)
    )
    if hydride and "O" not in elements:
        never.add(_RELEASED["H2O"])

    usual, rare = {(_BORIC_OXIDE.key, False)}, {(_CARBON.key, False)}
    carbothermal = any(trait.carbide for trait in traits)
    if carbothermal:
        usual.add(_RELEASED["CO"])
        rare.add(_RELEASED["CO2"])
    ammonium = any(trait.ammonium for trait in traits)
    rare.add(_RELEASED["N2" if ammonium and not nitrate else "NH3"])
    keys = {precursor.key for precursor in precursors}
    if _KEYS["H2S"] in keys:
        usual.add(_RELEASED["S"])
        rare.add(_RELEASED["SO2"])
    limit: Limit = "ammonia" if "N" in elements else "hydrogen"
    listed = not carbothermal and any(_KEYS[formula] in keys for formula in _REDUCING)
    return _Case(tuple(atmospheres), frozenset(never), frozenset(usual), frozenset(rare), limit, listed)


def _has_oxidised_halogen(amounts: Mapping[str, Fraction]) -> bool:
    """Whether it is a chlorate, bromate, iodate or one of their kin; periodates such as Ba5(IO6)2 form in air."""
    halogens = sum(amounts.get(symbol, 0) for symbol in ("Cl", "Br", "I"))
    oxygen = amounts.get("O", 0)
    return 0 < oxygen <= 4 * halogens and 2 * oxygen - _highest(amounts) >= halogens


def _is_azide(amounts: Mapping[str, Fraction]) -> bool:
    """Whether there is more nitrogen than one atom for each charge of the cations."""
    return amounts.keys().isdisjoint("CHO") and amounts.get("N", 0) > _highest(amounts) > 0


def _highest(amounts: Mapping[str, Fraction]) -> Fraction:
    """Return the sum of the highest charges of all but halogens, nitrogen and oxygen."""
    others = ((symbol, amount) for symbol, amount in amounts.items() if symbol not in HALOGENS | {"N", "O"})
    return sum((HIGHEST_CHARGES.get(symbol, 0) * amount for symbol, amount in others), Fraction(0))


@lru_cache(maxsize=64)
def _elements(solids: tuple[Composition, ...]) -> frozenset[str]:
    """Return the elements that by-products may have."""
    return frozenset().union(*(product.elements for product in (*BYPRODUCTS, *ATMOSPHERE, *_SOLIDS, *solids)))


@lru_cache(maxsize=4096)
def _gas_lists(
    released: tuple[Composition, ...],
    taken_up: tuple[Composition, ...],
    solids: tuple[Composition, ...],
    *,
    present: frozenset[str],
    case: _Case,
    materials: frozenset[str],
) -> tuple[GasList, ...]:
    salts = [Gas(solid, False) for solid in solids if solid.key not in materials]
    gases = [Gas(gas, False) for gas in (*released, *_SOLIDS)] + [Gas(gas, True) for gas in taken_up]
    everything = [gas for gas in gases if gas.composition.key not in materials]
    gases = [gas for gas in everything if gas.side not in case.never]
    found = []
    for exchange in TABLE:
        if exchange.atmosphere not in case.atmospheres:
            continue
        in_air = exchange.atmosphere is Atmosphere.AIR
        entering = [gas for gas in gases if gas.side in _sides(exchange.taken_up, True)]
        leaving = _sides(f"{exchange.released} {exchange.rarely}", False)
        rare = case.rare & {_RELEASED["NH3"]} if in_air else case.rare
        usual = (_sides(exchange.released, False) - rare) | (case.usual & leaving)
        salty = [usual - _sides(_ACIDS, False)] if salts else []
        for sides in (*salty, usual, leaving - rare, leaving):
            allowed = [*(gas for gas in gases if gas.side in sides), *salts, *entering]
            for elements in (present, present | {"H"}):
                chosen = tuple(gas for gas in allowed if gas.composition.elements <= elements)
                # Hydrogen that no solid brings comes from the atmosphere.
                brought = present if in_air or not exchange.taken_up else frozenset()
                if elements <= brought or any(gas.taken_up for gas in chosen):
                    limited = case.limited or exchange.taken_up in _REDUCING
                    found.append(GasList(chosen, case.limit if limited else None))
    oxygen = [gas for gas in everything if gas.side in (_RELEASED["O2"], _TAKEN_UP["O2"])]
    inert = [gas for gas in gases if gas.side in _sides(TABLE[1].released, False) and gas not in oxygen]
    chosen = tuple(gas for gas in (*inert, *salts, *oxygen) if gas.composition.elements <= present)
    found.append(GasList(chosen, case.limit if case.limited else None, traces=True))
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=4096)
def together(lists: tuple[GasList, ...]) -> GasList:
    """Return the gases of all lists in one."""
    return GasList(tuple(dict.fromkeys(gas for each in lists for gas in each.gases)))


def implied_atmosphere(
    target: Composition,
    precursors: Iterable[Composition],
    *,
    taken_up: Iterable[Composition] = (),
    released: Iterable[Composition] = (),
) -> Atmosphere:
    """Return the least unusual atmosphere in which an equation can happen.

    Gases count as taken up also where they are listed as precursors.

    Args:
        target: what is made.
        precursors: what it is made from.
        taken_up: gases from the atmosphere.
        released: gases and other by-products.
    """
    solids = list(precursors)
    entering = {gas.key for gas in taken_up}
    for formula, atmosphere in _BY_GAS.items():
        if _KEYS[formula] in entering.union(solid.key for solid in solids):
            return atmosphere
    made, traits = redox(target), [redox(solid) for solid in solids]
    leaving = {product.key for product in released}
    elements = frozenset().union(*(solid.elements for solid in solids))
    exposed = (
        made.air
        or "O" not in target.elements
        or any((trait.burns and not trait.ammonium) or trait.moist for trait in traits)
        or not leaving.isdisjoint(_BURNING)
    )
    if not entering.isdisjoint(_FROM_AIR) or not (exposed or elements & _VOLATILE_OXIDES):
        return Atmosphere.OXYGEN if made.peroxidised else Atmosphere.AIR
    closed = not leaving and ((made.air and "O" in target.elements) or elements & (_VOLATILE | _VOLATILE_OXIDES))
    if closed or exposed:
        return Atmosphere.VACUUM if closed else Atmosphere.INERT
    return Atmosphere.AIR


_BY_GAS: Final = {"NH3": Atmosphere.AMMONIA, "H2": Atmosphere.REDUCING, "N2": Atmosphere.NITROGEN}
_FROM_AIR: Final = frozenset(gas.key for gas in _gases(TABLE[0].taken_up))
_BURNING: Final = frozenset(gas.key for gas in _gases("CO H2S S H2 B2O3 C"))
