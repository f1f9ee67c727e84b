"""How far a composition is oxidised, and traits of precursors, by which `rrgraph.chem.gases` chooses the gases.

What firing can do to an element is a lowest charge: in air (air oxidises what is below it), by heat alone (oxygen or
a halogen leaves until it is reached), under hydrogen. A composition whose elements, each at that charge, hold more than
its oxygen and halogens bind lies below the limit: `Redox` holds by how much. All follows from elements and amounts
alone, so that it is the same for `La(NO3)3·6H2O` and `H12LaN3O15`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rrgraph.chem.charges import ALKALI, ALKALINE_EARTHS, CHALCOGENS, CHARGES, HALOGENS, HIGHEST_CHARGES, RARE_EARTHS
from rrgraph.chem.composition import Composition

__all__ = ["DOPING", "Redox", "redox"]

#: Charges for each atom within which a composition counts as at its limit: that much doped compounds are off whose
#: oxygen is written as that of the host.
DOPING: Final = 0.045
#: The same for charges above those of air.
_EXCESS: Final = 0.02
#: Elements whose lower charge is meant in any amount, where half of them or more would have it, except beside metals
#: that no phosphor holds.
_ACTIVATORS: Final = frozenset({"Ce", "Eu"})
_NO_PHOSPHOR: Final = frozenset({"Co", "Cu", "Fe", "Ni"})

_OXYGEN: Final = -2
#: Elements that are in no carbide.
_NO_CARBIDE: Final = HALOGENS | {"H", "N", "O", "S"}


def _charges(text: str) -> dict[str, float]:
    """Read ``"0: Ag Au; 8/3: Fe"``."""
    found: dict[str, float] = {}
    for entry in text.split(";"):
        charge, symbols = entry.split(":")
        above, _, below = charge.partition("/")
        found |= dict.fromkeys(symbols.split(), int(above) / int(below or 1))
    return found


_HIGHEST: Final = {symbol: float(found[-1]) for symbol, found in CHARGES.items()}
_ELEMENTS_AT_ZERO: Final = "0: N He Ne Ar Kr Xe Rn; -1: F Cl Br I"
#: Lowest charges in air: that of the highest oxide, unless heating in air also leads to lower ones.
_AIR: Final = {
    **_HIGHEST,
    **_charges(
        f"{_ELEMENTS_AT_ZERO}; 0: Ag Au Hg Os Pd Pt; 1: H Tl; 2: Co Cu Ni Pb; 8/3: Mn; 3: As Bi Cr Fe Ir Pr Rh Sb Tb"
    ),
    **_charges("4: Np Pu Ru Se Te; 16/3: U; 3: Am Cm"),
}
#: The same where one metal is alone with oxygen, which stabilises low charges less than other oxides do.
_AIR_ALONE: Final = _charges("1: Cu; 11/3: Pr; 7/2: Tb")
#: Lowest charges by heat alone, without anything that takes up oxygen; sulfates give SO2 and O2.
_HEAT: Final = {**_AIR, **_charges("0: Ir Rh Ru; 1: Cu; 2: Mn; 8/3: Fe; 4: S")}
_HEAT_ALONE: Final = _charges("8/3: Mn")
#: Lowest charges under hydrogen.
_HYDROGEN: Final = {
    **_HIGHEST,
    **_charges(f"{_ELEMENTS_AT_ZERO}; 0: H C P As Sb Bi Ag Au Cd Co Cu Fe Ga Ge Hg In Ir Mo Ni Os Pb Pd Pt Re Rh Ru"),
    **_charges("0: Sn Tc Tl W; -2: S Se Te; 2: Eu Mn; 5/2: V; 3: Am Ce Cm Cr Nb Pr Pu Tb Ti; 4: Np Ta U"),
}
_HYDROGEN_ALONE: Final = _charges("3: Eu")
#: By how many charges hydrogen leads further in chlorides, bromides and iodides than in oxides.
_FROM_HALIDES: Final = _charges("1: Sm Yb; 5/2: V; 3: B Cr Nb; 4: Si Ta")
#: Charges that ammonia does not free from oxygen; those of the other elements count against them, because ternary
#: nitrides such as LaTaON2 form all the same.
_STUBBORN: Final = ALKALI | ALKALINE_EARTHS | RARE_EARTHS | {"Al", "Hf", "Si", "Th", "Zn", "Zr"}
_AMMONIA: Final = {
    **{symbol: charge if symbol in _STUBBORN else -charge for symbol, charge in _HIGHEST.items()},
    **dict.fromkeys(HALOGENS | CHALCOGENS | {"C", "H", "N"}, 0.0),
}
#: Highest charges in air; those above need pure oxygen.
_MOST: Final = {**_HIGHEST, **_charges("-1: F; 1: H Ag; 2: Ni Pd; 11/5: Cu; 7/2: Co Fe")}


@dataclass(frozen=True, slots=True)
class Redox:
    """Traits of one composition.

    Attributes:
        air: whether air would oxidise it (LiFePO4, Y2O2S, TiC, metals).
        heat: whether it lies below what heat alone leads to: nothing such is made by giving off oxygen or a halogen.
        hydrogen: charges for each atom below what hydrogen leads to, which the precursors have to bring (TiO, LaNi5);
            not positive above it.
        from_halide: charges for each atom that hydrogen frees from a chloride, bromide or iodide beyond that.
        ammonia: charges for each atom bound to elements whose oxides do not react with ammonia (MgO, Al2O3), beyond
            what its oxygen binds.
        peroxidised: whether it has higher charges than air gives.
        nitrate: contains nitrogen as nitrate or nitrite (also NH4NO3, which contains ammonium as well).
        ammonium: contains hydrogen and nitrogen other than nitrate: ammonium, amides, organic bases.
        reduced_nitrogen: contains nitrogen other than nitrate, such as ammonium or a nitride.
        carbide: carbon, or carbon bound to metals or metalloids, which removes oxygen as CO.
        boride: boron without oxygen, which removes oxygen as B2O3.
        burns: without oxygen and oxidised by air: metals, alloys, hydrides, nitrides, sulfides; of halides only those
            with hydrogen (NH4Cl).
        organic: contains carbon and hydrogen that air would burn.
        moist: oxide of an alkali metal, which moist air turns into hydroxide and carbonate.
    """

    air: bool
    heat: bool
    hydrogen: float
    from_halide: float
    ammonia: float
    peroxidised: bool
    nitrate: bool
    ammonium: bool
    reduced_nitrogen: bool
    carbide: bool
    boride: bool
    burns: bool
    organic: bool
    moist: bool


def redox(composition: Composition) -> Redox:
    """Return the traits of a composition."""
    return _redox(composition.elements, composition.whole, composition.scale)


@lru_cache(maxsize=2**14)
def _redox(symbols: frozenset[str], whole: tuple[int, ...], scale: int) -> Redox:
    amounts = {symbol: amount / scale for symbol, amount in zip(sorted(symbols), whole, strict=True)}
    elements = amounts.keys()
    oxygen = "O" in elements
    alone = oxygen and len(elements) == 2
    bound = amounts.get("O", 0.0) * _OXYGEN
    atoms = sum(amounts.values())

    def below(charges: Mapping[str, float], exceptions: Mapping[str, float]) -> float:
        if alone:
            charges = {**charges, **exceptions}
        return (sum(charges.get(symbol, 0.0) * amount for symbol, amount in amounts.items()) + bound) / atoms

    # Oxygen in excess of the highest charges of the other elements is bound to nitrogen, or else to oxygen.
    highest = sum(HIGHEST_CHARGES.get(symbol, 0) * amounts[symbol] for symbol in elements - {"N", "O"})
    nitrate = oxygen and "N" in elements and highest + bound < 0
    reduced = "N" in elements and not nitrate
    activators = sum(amounts.get(symbol, 0.0) for symbol in _ACTIVATORS if elements.isdisjoint(_NO_PHOSPHOR))
    tolerance = min(DOPING, activators / atoms / 2 or DOPING)
    air = below(_AIR, _AIR_ALONE) > tolerance
    halide = not oxygen and not elements.isdisjoint(("Cl", "Br", "I"))
    freed = (
        sum(_FROM_HALIDES.get(symbol, 0.0) * amount for symbol, amount in amounts.items()) / atoms if halide else 0.0
    )
    burns = not oxygen and air and ("H" in elements or not elements & HALOGENS)
    return Redox(
        air=air,
        heat=below(_HEAT, _HEAT_ALONE) > tolerance,
        hydrogen=below(_HYDROGEN, _HYDROGEN_ALONE),
        from_halide=freed,
        ammonia=below(_AMMONIA, {}),
        peroxidised=below(_MOST, {}) < -_EXCESS,
        nitrate=nitrate,
        ammonium=reduced and "H" in elements,
        reduced_nitrogen=reduced,
        carbide="C" in elements and not elements & _NO_CARBIDE,
        boride="B" in elements and not oxygen,
        burns=burns,
        organic=air and {"C", "H"} <= elements,
        moist=alone and not elements.isdisjoint(ALKALI),
    )
