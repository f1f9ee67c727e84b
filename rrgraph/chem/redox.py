"""Redox traits of precursors on heating, by which `rrgraph.chem.gases` chooses the usual gases.

They follow from the highest charges of the elements, so that they are the same for `La(NO3)3·6H2O` and `H12LaN3O15`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rrgraph.chem.charges import HIGHEST_CHARGES
from rrgraph.chem.composition import Composition

__all__ = ["Redox", "redox"]


def _symbols(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OXYGEN = -2
#: Elements whose oxides are reduced to a lower charge by heating alone and release oxygen.
_OXYGEN_GIVERS = _symbols("Cr Mn Co Ni Cu Ru Rh Pd Ag Os Ir Pt Au Hg Tl Pb Sb Pr Tb")
#: Elements whose oxides are only reduced to a lower charge by a reducing agent.
_REDUCIBLE = _symbols("Ti V Nb Mo W Re U Fe Eu Ce")
#: Elements whose oxides are not reduced to the element by hydrogen.
_STUBBORN = _symbols(
    "Li Na K Rb Cs Be Mg Ca Sr Ba Al Si B Sc Y La Ce Pr Nd Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Ti Zr Hf Th U Cr Mn V Nb Ta"
)
_MOBILE = _symbols("C H N O F Cl Br I")
#: Elements that are in no carbide.
_NO_CARBIDE = _symbols("H N O F S Cl Br I")


@dataclass(frozen=True, slots=True)
class Redox:
    """Traits of one precursor.

    Attributes:
        nitrate: contains nitrogen as nitrate or nitrite (also NH4NO3, which contains ammonium as well).
        ammonium: contains hydrogen and nitrogen other than nitrate: ammonium, amides, organic bases.
        reduced_nitrogen: contains nitrogen other than nitrate, such as ammonium or a nitride.
        carbide: carbon, or carbon bound to metals or metalloids, which removes oxygen as CO.
        boride: boron without oxygen, a reducing agent that takes up oxygen.
        sulfide: sulfur without oxygen, which removes oxygen as SO2.
        gives_oxygen: releases oxygen on heating alone (nitrates, sulfates, peroxides, oxides such as MnO2).
        stubborn: an oxide only of metals or metalloids that hydrogen does not reduce (MgO, La2O3).
        reducible: contains an element that is reduced to a lower charge only by a reducing agent (V2O5, Fe2O3).
    """

    nitrate: bool
    ammonium: bool
    reduced_nitrogen: bool
    carbide: bool
    boride: bool
    sulfide: bool
    gives_oxygen: bool
    stubborn: bool
    reducible: bool


@lru_cache(maxsize=2**14)
def redox(precursor: Composition) -> Redox:
    """Return the traits of a precursor."""
    elements = precursor.elements
    oxygen = "O" in elements
    # Oxygen in excess of the highest charges of the other elements is bound to nitrogen, or else to oxygen.
    charge = sum(
        amount * (_OXYGEN if symbol == "O" else HIGHEST_CHARGES.get(symbol, 0))
        for symbol, amount in precursor.amounts
        if symbol != "N"
    )
    nitrate = oxygen and "N" in elements and charge < 0
    reduced = "N" in elements and not nitrate
    return Redox(
        nitrate=nitrate,
        ammonium=reduced and "H" in elements,
        reduced_nitrogen=reduced,
        carbide="C" in elements and not elements & _NO_CARBIDE,
        boride="B" in elements and not oxygen,
        sulfide="S" in elements and not oxygen,
        gives_oxygen=oxygen and (charge < 0 or "S" in elements or not elements.isdisjoint(_OXYGEN_GIVERS)),
        stubborn=oxygen and bool(elements - _MOBILE) and elements - _MOBILE <= _STUBBORN,
        reducible=not elements.isdisjoint(_REDUCIBLE),
    )
