"""Salts without their water of crystallisation: a salt and its hydrates are one material to a synthesis.

Whether hydrogen is water follows from the composition alone, so that `La(NO3)3·6H2O` and `H12LaN3O15` are treated
alike: what is left after taking out H2O has to be a neutral salt, or acid, of common ions. Hydroxides such as Al(OH)3
and basic salts are not hydrates of their oxides, and keep their hydrogen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import lcm
from typing import Final, NamedTuple

from rrgraph.chem.canonical import canonical_key
from rrgraph.chem.charges import ALKALI, ALKALINE_EARTHS, CHARGES
from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.separators import split_terms
from rrgraph.chem.spelling import SEPARATOR

__all__ = ["anhydrous"]


class _Ion(NamedTuple):
    """An ion by the element that it is recognised by.

    Attributes:
        atoms: of that element in one ion.
        oxygen: atoms of O in one ion.
        hydrogen: atoms of H in one ion.
        charge: of one ion.
        basic_only: whether it is known only beside alkali metals, alkaline earths and ammonium.
    """

    atoms: int
    oxygen: int
    hydrogen: int
    charge: int
    basic_only: bool = False


_IONS: Final[dict[str, tuple[_Ion, ...]]] = {
    **dict.fromkeys(("F", "Br", "I"), (_Ion(1, 0, 0, -1), _Ion(1, 3, 0, -1))),
    "Cl": (_Ion(1, 0, 0, -1), _Ion(1, 3, 0, -1), _Ion(1, 4, 0, -1)),
    "N": (_Ion(1, 3, 0, -1), _Ion(1, 2, 0, -1), _Ion(1, 0, 4, 1)),
    "S": (_Ion(1, 4, 0, -2), _Ion(1, 3, 0, -2), _Ion(2, 3, 0, -2), _Ion(1, 4, 1, -1), _Ion(1, 0, 0, -2)),
    "Se": (_Ion(1, 4, 0, -2), _Ion(1, 3, 0, -2)),
    **dict.fromkeys(("P", "As"), (_Ion(1, 4, 0, -3), _Ion(1, 4, 1, -2), _Ion(1, 4, 2, -1), _Ion(2, 7, 0, -4))),
    # Carbonate, oxalate, hydrogencarbonate, formate, acetate, lactate, tartrate, citrate, gluconate.
    "C": (
        _Ion(1, 3, 0, -2),
        _Ion(2, 4, 0, -2),
        _Ion(1, 3, 1, -1),
        _Ion(1, 2, 1, -1),
        _Ion(2, 2, 3, -1),
        _Ion(3, 3, 5, -1),
        _Ion(4, 6, 4, -2),
        _Ion(6, 7, 5, -3),
        _Ion(6, 7, 11, -1),
    ),
    "B": (_Ion(4, 7, 0, -2, True), _Ion(1, 2, 0, -1, True)),
    **dict.fromkeys(("Si", "Sn"), (_Ion(1, 3, 0, -2, True),)),
    "V": (_Ion(1, 3, 0, -1, True), _Ion(10, 28, 0, -6, True)),
    "Cr": (_Ion(1, 4, 0, -2, True), _Ion(2, 7, 0, -2, True)),
    "Mo": (_Ion(1, 4, 0, -2, True), _Ion(7, 24, 0, -6, True)),
    "W": (_Ion(1, 4, 0, -2, True), _Ion(12, 39, 0, -6, True), _Ion(12, 41, 0, -10, True)),
}
#: Elements that are also cations in the salts of other acids.
_CATIONS: Final = frozenset({"Sn", "V", "Cr", "Mo", "W"})
#: Cations that keep oxygen in their salts (zirconyl, vanadyl, uranyl), and how many atoms of it.
_OXYCATIONS: Final = {"Ti": 1, "Zr": 1, "Hf": 1, "V": 1, "Bi": 1, "U": 2}
_BASES: Final = ALKALI | {"Sr", "Ba"}
_WHOLE: Final = 2 * lcm(*(ion.atoms for ions in _IONS.values() for ion in ions))
"""Amounts times this one stay whole where numbers of ions and of water are taken from them."""
#: Metals of complex acids such as HAuCl4.
_NOBLE: Final = frozenset({"Au", "Pt", "Ir"})


def anhydrous(composition: Composition) -> Composition:
    """Return a salt without its water of crystallisation; whatever is not a hydrate of a salt is returned as it is.

    >>> from rrgraph.chem import parse_formula
    >>> print(anhydrous(parse_formula("FeC2O4·2H2O")), anhydrous(parse_formula("Al(OH)3")))
    FeC2O4 Al(OH)3
    >>> anhydrous(parse_formula("H12LaN3O15")) == parse_formula("La(NO3)3")
    True
    """
    if "H" not in composition.key:  # quicker than its elements, for most compositions
        return composition
    elements = composition.elements
    if not elements >= {"H", "O"} or len(elements) < 3:
        return composition
    return _anhydrous(composition.formula, composition.amounts) or composition


@lru_cache(maxsize=2**14)
def _anhydrous(formula: str, amounts: tuple[tuple[str, Fraction], ...]) -> Composition | None:
    """Return the salt, None where nothing is taken out."""
    water = _water(dict(amounts))
    if not water:
        return None
    left = ((symbol, amount - water * {"H": 2, "O": 1}.get(symbol, 0)) for symbol, amount in amounts)
    dry = tuple((symbol, amount) for symbol, amount in left if amount)
    key = canonical_key(dry)
    salt = Composition(key=key, formula=_spelling(formula, key), amounts=dry)
    if salt.formula != key:
        return salt
    from rrgraph.chem.reagents.library import usual_spelling  # classes of reagents look at salts

    return usual_spelling(salt) or salt


def _spelling(formula: str, key: str) -> str:
    """Return the formula without its term of water if that is the salt, otherwise the key."""
    terms = [term for term in split_terms(formula) if term.lstrip("0123456789./").strip("()[]") != "H2O"]
    text = SEPARATOR.join(terms)
    return text if text and text != formula and parse_formula(text).key == key else key


def _water(amounts: dict[str, Fraction]) -> Fraction:
    """Return the most water that leaves a salt of common ions, 0 if it is none or already dry."""
    scale = _WHOLE * lcm(*(amount.denominator for amount in amounts.values()))
    return Fraction(_whole_water({symbol: int(amount * scale) for symbol, amount in amounts.items()}), scale)


def _whole_water(amounts: dict[str, int]) -> int:
    """Return the water of amounts that are multiples of `_WHOLE`."""
    hydrogen, oxygen = amounts.pop("H"), amounts.pop("O")
    found = []
    for ions, cations in _readings(amounts):
        counted = [(amounts[symbol] // ion.atoms, ion) for symbol, ion in ions]
        held = sum(count * ion.hydrogen for count, ion in counted)
        bound = sum(count * ion.oxygen for count, ion in counted)
        charge = -sum(count * ion.charge for count, ion in counted)
        water = (hydrogen - held) // 2
        beside = oxygen - bound - water  # oxygen of cations such as ZrO(2+), or none
        metals = {symbol: amounts[symbol] for symbol in cations}
        if water >= 0 and not (beside and held) and _is_neutral(metals, charge, beside):
            found.append(water)
        protons = hydrogen - held - 2 * (oxygen - bound)
        acid = protons > 0 and _NOBLE.issuperset(cations) and not any(ion.basic_only for _, ion in ions)
        if acid and oxygen >= bound and _is_neutral(metals, charge - protons, 0):
            found.append(oxygen - bound)
    if not found and amounts.keys() <= _BASES:
        charge = sum(amount * CHARGES[symbol][0] for symbol, amount in amounts.items())
        water = (hydrogen - charge) // 2
        if water > 0 and oxygen == charge + water:
            found.append(water)
    # A hydrogen phosphate is not taken for the hydrate of a phosphate that holds less hydrogen.
    return min(found, default=0)


def _readings(amounts: dict[str, int]) -> Iterator[tuple[list[tuple[str, _Ion]], list[str]]]:
    """Yield the ways to tell ions from cations: one ion for each element that can be in one."""
    symbols = [symbol for symbol in amounts if symbol in _IONS]
    options: Sequence[tuple[_Ion | None, ...]] = [
        (*_IONS[symbol], *((None,) if symbol in _CATIONS else ())) for symbol in symbols
    ]
    for chosen in product(*options):
        ions = [(symbol, ion) for symbol, ion in zip(symbols, chosen, strict=True) if ion is not None]
        named = {symbol for symbol, _ in ions}
        cations = [symbol for symbol in amounts if symbol not in named]
        basic = bool(cations or "N" in named) and set(cations) <= ALKALI | ALKALINE_EARTHS
        if ions and (basic or not any(ion.basic_only for _, ion in ions)):
            yield ions, cations


def _is_neutral(cations: dict[str, int], charge: int, oxygen: int) -> bool:
    """Whether cations with this much oxygen of their own can have the charge; ammonium alone is counted by its ion."""
    if oxygen:
        kept = sum(amount * _OXYCATIONS.get(symbol, 0) for symbol, amount in cations.items())
        if oxygen != kept:
            return False
    if not cations:
        return charge == 0
    if any(symbol not in CHARGES for symbol in cations):
        return False
    total = charge + 2 * oxygen
    if len(cations) == 1:
        ((symbol, amount),) = cations.items()
        return any(total == amount * each for each in CHARGES[symbol])
    low, high = (sum(amount * CHARGES[symbol][end] for symbol, amount in cations.items()) for end in (0, -1))
    return low <= total <= high
