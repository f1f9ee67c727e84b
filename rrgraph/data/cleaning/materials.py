"""Compositions of the materials in raw recipes.

A mined material has a formula, the composition of its terms, and listed values of its variables; it gives one
composition, or one for each combination of listed values. A mined composition is used only where its elements are those
of the formula: from a name (`lead titanate`), an abbreviation or a formula with a dopant it was guessed or cut.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

from rrgraph.chem import ATOMIC_NUMBERS, Composition, FormulaWarning, composition_from_amounts, parse_formula
from rrgraph.data.cleaning.rules import CleaningOptions, Dropped, clean_spelling, read_precursor
from rrgraph.data.cleaning.variables import evaluate, variable_names
from rrgraph.errors import FormulaError

__all__ = ["read_mined_precursor", "read_targets"]

Material = Mapping[str, Any]

#: Largest number of rows that one recipe may expand to.
_MOST_ROWS = 200
#: Largest amount of an element from a listed value; a larger one is a misread percentage or temperature.
_LARGEST = 100
_WATER = {"H": "2", "O": "1"}
_SYMBOL = re.compile(r"[A-Z][a-z]?")
#: A word beside a formula: `Iron molybdate Fe2(MoO4)3`.
_WORD = re.compile(r"(?<![A-Za-z\d])[A-Z]?[a-z]{2,}[a-z](?![A-Za-z\d])")
#: An abbreviation in a formula: `Mn(ac)2`.
_GROUP = re.compile(r"(?<![A-Za-z])[a-z]{2,}")


def read_mined_precursor(material: Material, options: CleaningOptions) -> tuple[Composition, bool]:
    """Return the composition of a precursor and whether water or a grade was removed.

    It is parsed from the formula, or else taken from the mined composition of its terms.

    Raises:
        Dropped: it is not a valid formula.
    """
    try:
        return read_precursor(str(material["material_formula"]), remove_water=options.remove_water)
    except FormulaError:
        pass
    mined = material["composition"]
    try:
        if not _agrees(material):
            raise Dropped("mined composition with other elements than the formula")
        terms = _without_water(mined) if options.remove_water else mined
        return composition_from_amounts(_amounts(terms, {}, {})), len(terms) < len(mined)
    except (FormulaError, Dropped):
        raise Dropped("precursor is not a valid formula") from None


def read_targets(
    material: Material, substitution: Mapping[str, str], options: CleaningOptions
) -> tuple[list[Composition | Dropped], Counter[str]]:
    """Return the compositions of a target, and the changes made to each of them.

    Args:
        material: the mined target.
        substitution: element chosen for each element variable (`RE` -> `La`).
        options: whether water is removed, variables are expanded, composites and additives kept.

    Returns:
        One composition, or one for each combination of listed values, where a combination without a valid composition
        is replaced by the reason; and the number of changes by description.

    Raises:
        Dropped: no combination is usable.
    """
    changes: Counter[str] = Counter()
    terms: Sequence[Material] = material["composition"]
    if options.remove_water and len(dry := _without_water(terms)) < len(terms):
        terms = dry
        changes["water or grade removed from the target"] += 1
    if len(terms) > 1 and not options.keep_composites:
        raise Dropped("target is a composite")
    if material["additives"] and not options.keep_additives:
        raise Dropped("additive missing from the target formula")
    try:
        if not _agrees(material):
            raise Dropped("mined composition with other elements than the formula")
        names, symbols, deficient = _unknowns(terms)
        if deficient:
            changes["oxygen deficiency of the target set to zero"] += 1
        if not names and not symbols:
            return [_target(terms, {}, {}, material)], changes
        if not options.expand_variables:
            raise Dropped("variables in the target")
        combinations = _combinations(material, names, symbols, substitution)
    except FormulaError:
        raise Dropped("target is not a valid formula") from None
    changes["variables of the target replaced by listed values"] += 1
    return [_try(terms, values, elements, material) for values, elements in combinations], changes


def _agrees(material: Material) -> bool:
    """Whether the elements of the mined composition, and its variables for elements, are the symbols of the formula.

    Additives that are listed apart need not be in the composition.
    """
    terms: Sequence[Material] = material["composition"]
    mined = {symbol for term in terms for symbol in term["elements"]}
    letters = {name for term in terms for amount in term["elements"].values() for name in variable_names(amount)}
    words = sorted((symbol for symbol in mined if symbol not in ATOMIC_NUMBERS and len(symbol) > 1), key=len)
    pattern = "|".join([*map(re.escape, reversed(words)), "[A-Z][a-z]?"])
    text = _WORD.sub(" ", clean_spelling(str(material["material_formula"]), remove_water=False))
    if _GROUP.search(text):
        return False
    found = set()
    for symbol in re.findall(pattern, text):
        if symbol not in mined and (symbol not in ATOMIC_NUMBERS or symbol[1:] in letters):
            symbol = symbol[0]  # followed by a variable
        found.add(symbol)
    return found - set(_SYMBOL.findall(" ".join(material["additives"]))) <= mined <= found


def _unknowns(terms: Iterable[Material]) -> tuple[list[str], list[str], bool]:
    """Return the variables of amounts, the variables of elements, and whether there is an oxygen deficiency."""
    names: set[str] = set()
    symbols: set[str] = set()
    for term in terms:
        names |= variable_names(term["amount"])
        for symbol, amount in term["elements"].items():
            names |= variable_names(amount)
            if symbol not in ATOMIC_NUMBERS:
                symbols.add(symbol)
    deficient = {name for name in names if _is_deficiency(name)}
    return sorted(names - deficient), sorted(symbols), bool(deficient)


def _is_deficiency(name: str) -> bool:
    return name == "δ" or name.startswith("del_")


def _combinations(
    material: Material, names: Sequence[str], symbols: Sequence[str], substitution: Mapping[str, str]
) -> list[tuple[dict[str, Fraction], dict[str, str]]]:
    """Return every combination of listed values.

    Raises:
        Dropped: a variable has no listed value, or there are too many combinations.
    """
    amounts = [
        list(dict.fromkeys(Fraction(str(value)) for value in material["amounts_vars"].get(name, {}).get("values", ())))
        for name in names
    ]
    elements = [
        [substitution[symbol]]
        if symbol in substitution
        else list(dict.fromkeys(material["elements_vars"].get(symbol, ())))
        for symbol in symbols
    ]
    size = 1
    for values in (*amounts, *elements):
        size *= len(values)
    if not size:
        raise Dropped("variable of the target without listed values")
    if size > _MOST_ROWS:
        raise Dropped(f"more than {_MOST_ROWS} combinations of listed values")
    return [
        (dict(zip(names, chosen[: len(names)], strict=True)), dict(zip(symbols, chosen[len(names) :], strict=True)))
        for chosen in product(*amounts, *elements)
    ]


def _try(
    terms: Sequence[Material], values: Mapping[str, Fraction], elements: Mapping[str, str], material: Material
) -> Composition | Dropped:
    try:
        return _target(terms, values, elements, material)
    except FormulaError:
        return Dropped("target is not a valid formula")
    except Dropped as drop:
        return drop


def _target(
    terms: Sequence[Material], values: Mapping[str, Fraction], elements: Mapping[str, str], material: Material
) -> Composition:
    """Return the composition for one combination of values, in the published spelling if that is equivalent."""
    amounts = _amounts(terms, values, elements)
    found = composition_from_amounts(amounts)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FormulaWarning)
            published = parse_formula(str(material["material_formula"]), dopants=False)
    except (FormulaError, FormulaWarning):
        return found
    return published if published.amounts == found.amounts else found


def _amounts(
    terms: Iterable[Material], values: Mapping[str, Fraction], elements: Mapping[str, str]
) -> dict[str, Fraction]:
    """Return the amounts of the elements of all terms, in the order of the formulas, without zero amounts.

    Raises:
        Dropped: an amount is negative, or too large to be plausible.
        FormulaError: an amount cannot be evaluated.
    """
    known = _Values(values)
    total: dict[str, Fraction] = {}
    for term in terms:
        order = {symbol: index for index, symbol in reversed(list(enumerate(_SYMBOL.findall(str(term["formula"])))))}
        scale = evaluate(term["amount"], known)
        for symbol in sorted(term["elements"], key=lambda symbol: order.get(symbol, len(order))):
            element = elements.get(symbol, symbol)
            amount = scale * evaluate(term["elements"][symbol], known)
            if amount < 0 or (values and amount > _LARGEST):
                raise Dropped("listed value gives an impossible amount")
            total[element] = total.get(element, Fraction(0)) + amount
    return {element: amount for element, amount in total.items() if amount}


class _Values(dict[str, Fraction]):
    """Values of variables; every oxygen deficiency is zero."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and _is_deficiency(name))

    def __missing__(self, name: str) -> Fraction:
        return Fraction(0)


def _without_water(terms: Sequence[Material]) -> list[Material]:
    return [term for term in terms if dict(term["elements"]) != _WATER]
