"""Element symbols, the volatile elements, and the elements of a composition that precursors have to supply."""

from __future__ import annotations

from rrgraph.chem.composition import Composition

__all__ = ["ATOMIC_NUMBERS", "ELEMENTS", "VOLATILE", "element_system", "source_elements"]

_SYMBOLS = """
    H He
    Li Be B C N O F Ne
    Na Mg Al Si P S Cl Ar
    K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr
    Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe
    Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn
    Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr
"""

#: Element symbols in order of atomic number; the atomic number is the index + 1 (H = 1 ... Lr = 103).
ELEMENTS: tuple[str, ...] = tuple(_SYMBOLS.split())

#: Atomic number by symbol.
ATOMIC_NUMBERS: dict[str, int] = {symbol: number for number, symbol in enumerate(ELEMENTS, start=1)}

#: Elements that may come from, or leave to, the atmosphere, so that no precursor has to supply them.
VOLATILE: frozenset[str] = frozenset({"C", "H", "O", "N"})


def source_elements(composition: Composition) -> frozenset[str]:
    """Return the elements that precursors have to supply: all but `VOLATILE`.

    For a composition of volatile elements alone, all of them are returned, so that there is always something to supply.
    """
    elements = composition.elements
    return elements - VOLATILE or elements


def element_system(composition: Composition) -> str:
    """Return all element symbols in alphabetical order, joined: ``"Fe-O"``."""
    return "-".join(sorted(composition.elements))
