"""Charges of elements in reagents, classes of elements with similar salts, and formulas of neutral compounds."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import gcd
from typing import Final

__all__ = [
    "ALKALI",
    "ALKALINE_EARTHS",
    "ANIONS",
    "BASIC",
    "CHALCOGENS",
    "CHARGES",
    "HALOGENS",
    "HIGHEST_CHARGES",
    "NOBLE_GASES",
    "NONMETALS",
    "PNICTOGENS",
    "RARE_EARTHS",
    "charge_fit",
    "charges",
    "common_halide",
    "compound",
    "neutral",
    "salt_charges",
]


def _symbols(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Alkali metals.
ALKALI: Final = _symbols("Li Na K Rb Cs")
#: Group 2.
ALKALINE_EARTHS: Final = _symbols("Be Mg Ca Sr Ba Ra")
RARE_EARTHS: Final = _symbols("Sc Y La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Ac")
#: Elements whose oxides are bases.
BASIC: Final = ALKALI | ALKALINE_EARTHS | RARE_EARTHS
#: Halogens that precursors contain.
HALOGENS: Final = _symbols("F Cl Br I")
CHALCOGENS: Final = _symbols("S Se Te")
PNICTOGENS: Final = _symbols("P As Sb Bi")
#: Elements that are not cations in the salts of other acids.
NONMETALS: Final = HALOGENS | _symbols("H C N O B Si P As S Se")
#: Group 18.
NOBLE_GASES: Final = _symbols("He Ne Ar Kr Xe Rn")

#: Positive charges in reagents, ascending. A choice: crystal structures have more, lists of common charges fewer
#: (`Element.icsd_oxidation_states` and `common_oxidation_states` of pymatgen; docs/unseen.md compares them).
CHARGES: Final[dict[str, tuple[int, ...]]] = {
    symbol: found
    for symbols, found in {
        "Li Na K Rb Cs": (1,),
        "Ag Cu Hg": (1, 2),
        "Tl In Au": (1, 3),
        "Be Mg Ca Sr Ba Ra Zn Cd": (2,),
        "Sm Eu Yb Fe": (2, 3),
        "Co Ni": (2, 3, 4),
        "Ge Sn Pb Pd Pt": (2, 4),
        "Ti": (2, 3, 4),
        "V Nb": (2, 3, 4, 5),
        "Cr": (2, 3, 4, 6),
        "Mo W": (2, 3, 4, 5, 6),
        "Mn": (2, 3, 4, 7),
        "B Al Ga Sc Y La Nd Pm Gd Dy Ho Er Tm Lu Ac": (3,),
        "Ce Pr Tb Rh Ir Pu Am Cm": (3, 4),
        "Ru": (3, 4, 6),
        "P As Sb Bi": (3, 5),
        "U": (3, 4, 5, 6),
        "Re": (3, 4, 5, 6, 7),
        "C Si Zr Hf Th": (4,),
        "Ta Pa": (4, 5),
        "S Se Te": (4, 6),
        "Np": (4, 5, 6),
        "Tc": (4, 7),
        "Os": (4, 8),
        "N": (5,),
        "Cl Br I": (5, 7),
    }.items()
    for symbol in symbols.split()
}

#: Highest charge by element, which limits the oxygen of a compound that is not a peroxide or a nitrate
#: (`rrgraph.chem.redox`): that of `CHARGES`, except for H, F and elements without reagents of their own; for Ag, Co, Cu
#: and Ni, where it is that of their oxides with other metals (LiCoO2, NaCuO2); and for heavy metals whose highest
#: oxides and fluorides are not reagents.
HIGHEST_CHARGES: Final[dict[str, int]] = {
    **{symbol: found[-1] for symbol, found in CHARGES.items()},
    **{"F": -1, "H": 1, "Fr": 1, "Xe": 8},
    **dict.fromkeys(("Ag", "Co", "Cu", "Ni"), 3),
    **{"Cm": 3, "Am": 6, "Ir": 6, "Pu": 6, "Ru": 8},
}

#: Charges of anions of one element, without oxygen.
ANIONS: Final[dict[str, int]] = {
    symbol: charge
    for symbols, charge in {"H F Cl Br I": -1, "S Se Te": -2, "N P As Sb Bi": -3, "C": -4}.items()
    for symbol in symbols.split()
}

#: Sums of charges that are compared before charges count as mixed.
_MOST_SUMS: Final = 20_000
#: Elements beside which hydrogen is positive.
_ACIDIC: Final = _symbols("O F Cl Br I S Se N C P")

#: Elements whose ion of charge 4 forms simple salts, and elements that form none because they hydrolyse to acids.
_FOURFOLD: Final = _symbols("Ce Zr Hf Th U Pu Sn Ti")
_NO_SALTS: Final = NONMETALS | _symbols("Ge Te Nb Ta Mo W Tc Re Os Ir Ru Pa")
#: Charges in simple salts, for elements that do not have all of those up to 3.
_SALT_CHARGES: Final = {"Ag": (1,), "Ti": (3, 4), "V": (3,), "Ni": (2,)}


def charges(symbol: str) -> tuple[int, ...]:
    """Return the positive charges of an element in reagents, none for elements without reagents."""
    return CHARGES.get(symbol, ())


def salt_charges(symbol: str) -> tuple[int, ...]:
    """Return the charges with which an element forms simple salts such as nitrates."""
    if symbol in _NO_SALTS:
        return ()
    if symbol in _SALT_CHARGES:
        return _SALT_CHARGES[symbol]
    most = 4 if symbol in _FOURFOLD else 3
    return tuple(charge for charge in charges(symbol) if charge <= most)


def charge_fit(amounts: Mapping[str, Fraction]) -> int:
    """Return how well charges of the elements cancel: 2 with one charge each, 1 with mixed charges, 0 not at all.

    Nonmetals are positive only beside oxygen or fluorine, P and As also beside S, Se and halogens, Sb and Bi always.
    An element alone has no charges to cancel.

    >>> [charge_fit({"Al": Fraction(2), "O": Fraction(oxygen)}) for oxygen in (3, 4)]
    [2, 0]
    >>> charge_fit({"Fe": Fraction(3), "O": Fraction(4)})
    1
    """
    choices = {symbol: _possible_charges(symbol, amounts) for symbol in amounts}
    if len(amounts) < 2 or not all(choices.values()):
        return 0
    lowest = sum(amount * min(choices[symbol]) for symbol, amount in amounts.items())
    highest = sum(amount * max(choices[symbol]) for symbol, amount in amounts.items())
    if not lowest <= 0 <= highest:
        return 0
    sums = {Fraction(0)}
    for symbol, amount in amounts.items():
        sums = {total + amount * charge for total in sums for charge in choices[symbol]}
        if len(sums) > _MOST_SUMS:
            return 1
    return 2 if 0 in sums else 1


def _possible_charges(symbol: str, amounts: Mapping[str, Fraction]) -> set[int]:
    if symbol in ("O", "F"):
        return {-2 if symbol == "O" else -1}
    if symbol == "H":
        return {1} if amounts.keys() & _ACIDIC else {-1}
    found = {ANIONS[symbol]} if symbol in ANIONS and symbol not in ("Sb", "Bi") else set()
    if symbol not in NONMETALS or amounts.keys() & {"O", "F"}:
        found |= {*charges(symbol)} | ({HIGHEST_CHARGES[symbol]} if symbol in HIGHEST_CHARGES else set())
    elif symbol in ("B", "Si") or (symbol in ("P", "As") and amounts.keys() & {"S", "Se", "Cl", "Br", "I"}):
        found |= {*charges(symbol)}
    return found


def neutral(positive: int, negative: int) -> tuple[int, int]:
    """Return the numbers of cations and anions of these charges (both positive) in a neutral compound."""
    divisor = gcd(positive, negative)
    return negative // divisor, positive // divisor


def common_halide(symbol: str, halogen: str, charge: int | None = None) -> str | None:
    """Return the formula of the halide of a metal, in the charge if it has halides in it, else in its usual one.

    >>> common_halide("Eu", "F"), common_halide("Eu", "F", 2), common_halide("P", "F")
    ('EuF3', 'EuF2', None)
    """
    known = salt_charges(symbol)
    if not known:
        return None
    usual = 3 if symbol in RARE_EARTHS and 3 in known else known[0]
    found = charge if charge in known else usual
    return compound((symbol, 1), (halogen, found))


def compound(*ions: tuple[str, int]) -> str:
    """Return the formula of ions and their numbers, groups of atoms in brackets: ``"La2(CO3)3"``; 0 omits an ion."""
    text = ""
    for ion, number in ions:
        group = number > 1 and sum(character.isupper() or character.isdigit() for character in ion) > 1
        text += f"({ion})" if group else ion if number else ""
        text += str(number) if number > 1 else ""
    return text
