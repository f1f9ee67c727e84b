"""Classes of plausible precursors with two or three elements besides oxygen and the elements of common anions.

`rrgraph.chem.generation.plausible` combines the classes and states the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from math import gcd
from typing import Final

from rrgraph.chem.charges import (
    ALKALI,
    ALKALINE_EARTHS,
    ANIONS,
    BASIC,
    CHALCOGENS,
    HALOGENS,
    NONMETALS,
    PNICTOGENS,
    RARE_EARTHS,
    charges,
    compound,
    neutral,
    salt_charges,
)

__all__ = ["PAIRS", "TRIPLES"]

_Ratios = tuple[tuple[int, int], ...]


def _ratios(text: str, *, both_ways: bool = False) -> _Ratios:
    found = [(int(first), int(second)) for first, second in (ratio.split(":") for ratio in text.split())]
    return tuple(dict.fromkeys(found + [(second, first) for first, second in found if both_ways]))


#: Elements in the order in which they take the negative charge; elements that are not listed never do.
_NEGATIVITY: Final = "F O Cl N Br I S Se Te C P As Sb Bi H"
_NEGATIVE: Final = {symbol: rank for rank, symbol in enumerate(_NEGATIVITY.split())}
_NO_CATION: Final = HALOGENS | {"H", "C", "N", "O", "S"}
#: Atoms of the first element to atoms of the second, by the second element, and of two metals.
_PHASES: Final[dict[str, _Ratios]] = {
    **dict.fromkeys(sorted(CHALCOGENS), _ratios("1:1 1:2 2:1 2:3 3:4 1:3 4:3")),
    "N": _ratios("1:1 2:1 3:1 4:1 6:5"),
    **dict.fromkeys(sorted(PNICTOGENS), _ratios("1:1 1:2 1:3 2:3 3:4 3:5 4:5", both_ways=True)),
    "C": _ratios("1:1 2:1 3:1 3:2 7:3 23:6 4:1 1:2 4:3 2:3"),
    "B": _ratios("1:1 2:1 3:1 1:2 3:2 2:3 3:4 5:3 5:2 1:3 1:4 1:6 1:12"),
}
_ALLOYS: Final = _ratios("1:1 1:2 1:3 1:4 1:5 1:6 2:3 2:5 2:7 3:4 3:5 5:8 1:12 1:13 2:17", both_ways=True)
#: Atoms of the less charged to atoms of the more charged element of a ternary oxide: always, and for some charges only.
_TERNARY: Final = _ratios("1:1 1:2 2:1 1:3 3:1 2:3 3:2 1:4 4:1 3:4 4:3 4:5 5:4 5:3")
_LOW_CHARGES: Final = _ratios("1:1 1:2 2:1")
_EXTREME: Final[dict[tuple[int, int], _Ratios]] = {
    (1, 3): _ratios("1:5 5:1 1:11"),
    (1, 4): _ratios("6:1 8:1"),
    (1, 5): _ratios("5:1 7:1"),
    (1, 6): _ratios("6:1"),
    (2, 3): _ratios("1:6 1:12"),
    (2, 4): _ratios("1:5"),
    (3, 4): _ratios("12:1"),
    (3, 6): _ratios("6:1"),
}
#: Lowest charge in ternary oxides of elements that have a lower charge in binary compounds.
_LEAST: Final = {"Ti": 3, "V": 3, "Cr": 3, "Nb": 4, "Mo": 4, "W": 4, "U": 4}
#: Anions that an element forms with oxygen and that are the same in all salts, with their charges.
_OXOANIONS: Final = {
    "P": (("PO4", 3), ("P2O7", 4), ("PO3", 1)),
    "As": (("AsO4", 3), ("As2O7", 4), ("AsO3", 1)),
    "S": (("SO4", 2), ("SO3", 2), ("S2O7", 2)),
    "Se": (("SeO4", 2), ("SeO3", 2)),
    "Cl": (("ClO3", 1), ("ClO4", 1)),
    "Br": (("BrO3", 1),),
    "I": (("IO3", 1), ("IO4", 1)),
}
_SALTS: Final = _ratios("1:1 1:2 2:1 1:3 3:1 2:3 3:2")


def _binary(one: str, other: str) -> Iterator[str]:
    """Halides, sulfides, nitrides, phosphides ...: a cation and a monatomic anion."""
    cation, anion = _roles(one, other)
    for charge in charges(cation) if anion else ():
        cations, anions = neutral(charge, -ANIONS[anion])
        yield compound((cation, cations), (anion, anions))


def _phases(one: str, other: str) -> Iterator[str]:
    """Borides, carbides, nitrides, pnictides and chalcogenides in small whole numbers, whatever the charges."""
    for second in _PHASES:
        if second in (one, other):
            first = one if second == other else other
            if first not in HALOGENS | {"H"} and not (first in _NO_CATION and second in CHALCOGENS):
                yield from (compound((first, a), (second, b)) for a, b in _PHASES[second])
            return


def _alloys(one: str, other: str) -> Iterator[str]:
    """Intermetallic compounds and silicides in small whole numbers."""
    if not {one, other} & (_PHASES.keys() | HALOGENS | {"H"}):
        yield from (compound((one, a), (other, b)) for a, b in _ALLOYS)


def _oxoanions(one: str, other: str) -> Iterator[str]:
    """Sulfates, sulfites, phosphates, diphosphates, metaphosphates, arsenates, iodates, La2O2SO4 ..."""
    for cation, center in permutations((one, other)):
        for charge in () if cation in _NO_CATION | {"P", "Se"} else charges(cation):
            for anion, negative in _OXOANIONS.get(center, ()) if charge <= 4 else ():
                cations, anions = neutral(charge, negative)
                yield compound((cation, cations), (anion, anions))
        if cation in RARE_EARTHS and center in {"S", "Se"}:
            yield f"{cation}2O2{center}O4"


def _ternary_oxides(one: str, other: str) -> Iterator[str]:
    """Two oxides in small whole numbers: aluminates, silicates, titanates, spinels, perovskites ..."""
    if {one, other} & (_OXOANIONS.keys() | {"C", "H", "N"}):
        return
    for base, acid in permutations((one, other)):
        for low in charges(base):
            for high in charges(acid):
                for a, b in _oxide_ratios(base, low, acid, high):
                    doubled = 2 if (a * low + b * high) % 2 else 1
                    oxygen = doubled * (a * low + b * high) // 2
                    yield compound((base, doubled * a), (acid, doubled * b), ("O", oxygen))


def _oxide_ratios(base: str, low: int, acid: str, high: int) -> _Ratios:
    """Return the ratios in which two elements of these charges form an oxide: the less charged one is the base."""
    both_basic = base in BASIC and acid in BASIC
    if low > min(high, 5) or (low == high and (both_basic or (base not in BASIC and acid not in NONMETALS))):
        return ()
    if low < _LEAST.get(base, 0) or high < _LEAST.get(acid, 0):
        return ()
    if high <= 2 or both_basic:
        return _LOW_CHARGES
    return _TERNARY + _EXTREME.get((low, high), ())


def _acid_salts(one: str, other: str) -> Iterator[str]:
    """Hydrogen phosphates and arsenates, NH4MPO4, hypophosphites, hydrogen sulfates, borohydrides, alanates, MHF2."""
    for metal, center in permutations((one, other)):
        for charge in salt_charges(metal) if center in {"P", "As"} else ():
            cations, anions = neutral(charge, 2)
            yield compound((metal, 1), (f"H2{center}O4", charge))
            yield compound((metal, cations), (f"H{center}O4", anions))
            if charge == 2:
                yield f"NH4{metal}{center}O4"
            if charge <= 2 and center == "P":
                yield compound((metal, 1), ("H2PO2", charge))
        if metal in ALKALI and center in {"S", "Se"}:
            yield f"{metal}H{center}O4"
        if metal in ALKALI and center == "F":
            yield f"{metal}HF2"
        if metal in ALKALI | ALKALINE_EARTHS and center in {"B", "Al"}:
            yield compound((metal, 1), (f"{center}H4", charges(metal)[0]))
        if metal in ALKALI and center == "Al":
            yield f"{metal}3AlH6"


def _mixed_anions(one: str, other: str) -> Iterator[str]:
    """Oxide halides, oxide sulfides, oxide nitrides."""
    metal, anion = _roles(one, other)
    for charge in () if metal in NONMETALS and (metal, anion) != ("Si", "N") else charges(metal):
        if anion in HALOGENS:
            for oxygen in range(1, (charge + 1) // 2):
                yield compound((metal, 1), ("O", oxygen), (anion, charge - 2 * oxygen))
            if charge == 2:
                yield f"{metal}3O2{anion}2"
        if anion in CHALCOGENS and charge in (3, 4):
            yield f"{metal}2O2{anion}" if charge == 3 else f"{metal}O{anion}"
        if anion == "N" and charge in (4, 5):
            yield f"{metal}2ON2" if charge == 4 else f"{metal}ON"


def _ternary_salts(one: str, two: str, three: str) -> Iterator[str]:
    """Two cations and one anion other than oxygen: Na3AlF6, Cs2SnI6, CuInSe2, Li3PS4, LiAlH4 ..."""
    for base, acid, anion in permutations((one, two, three)):
        if not (_is_anion(anion) and _may_join(base, acid, anion)):
            continue
        negative = -ANIONS[anion]
        for low, high in ((low, high) for low in charges(base) if low <= 3 for high in charges(acid) if low <= high):
            for a, b in _SALTS:
                total = a * low + b * high
                times = negative // gcd(negative, total)
                if times <= 2:
                    yield compound((base, a * times), (acid, b * times), (anion, total * times // negative))


def _two_anions(one: str, two: str, three: str) -> Iterator[str]:
    """A metal with two halides, or with a chalcogenide and a halide: PbFCl, BiSI."""
    for metal, first, second in permutations((one, two, three)):
        if metal not in NONMETALS and second in HALOGENS:
            if 2 in charges(metal) and first in HALOGENS and _NEGATIVE[first] < _NEGATIVE[second]:
                yield f"{metal}{first}{second}"
            if 3 in charges(metal) and first in CHALCOGENS:
                yield f"{metal}{first}{second}"


def _is_anion(symbol: str) -> bool:
    return symbol in HALOGENS | CHALCOGENS | {"N", "H"}


def _may_join(base: str, acid: str, anion: str) -> bool:
    """Whether two elements form a ternary salt: the base is a metal, the acid is less negative than the anion."""
    return not (
        base in NONMETALS
        or base in _NO_CATION
        or acid in _NO_CATION
        or (base in BASIC and acid in BASIC)
        or any(_NEGATIVE.get(cation, len(_NEGATIVE)) <= _NEGATIVE[anion] for cation in (base, acid) if anion != "H")
    )


def _roles(one: str, other: str) -> tuple[str, str]:
    """Return cation and anion of a pair; the anion is empty where the pair has no such roles."""
    anion, cation = sorted((one, other), key=lambda symbol: _NEGATIVE.get(symbol, len(_NEGATIVE)))
    return cation, anion if anion in ANIONS and cation not in _NO_CATION else ""


PAIRS: Final[dict[str, Callable[[str, str], Iterator[str]]]] = {
    "binary salt": _binary,
    "oxoanion": _oxoanions,
    "ternary oxide": _ternary_oxides,
    "acid salt": _acid_salts,
    "mixed anions": _mixed_anions,
    "phase": _phases,
    "alloy": _alloys,
}
"""Generators by precursor class: each takes two element symbols and yields formulas."""

TRIPLES: Final[dict[str, Callable[[str, str, str], Iterator[str]]]] = {
    "ternary salt": _ternary_salts,
    "two anions": _two_anions,
}
"""Generators by precursor class: each takes three element symbols and yields formulas."""
