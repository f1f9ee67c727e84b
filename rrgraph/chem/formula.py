"""Parse formulas as people type them: `LiNi0.8Co0.1Mn0.1O2`, `Ba(NO3)2`, `CuSO4·5H2O`, `La0.7Sr0.3MnO3-δ`.

Most texts follow the grammar of `rrgraph.chem.terms` and are parsed at once. What does not, or could mean something
else, is taken apart from the outside: quotes, labels of phases, dopants, several materials, terms, groups.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import inf
from typing import Final

from rrgraph.chem.acronyms import explain_abbreviation, is_abbreviation
from rrgraph.chem.canonical import canonical_key
from rrgraph.chem.charges import charge_fit
from rrgraph.chem.composition import Composition
from rrgraph.chem.dopants import BRACKETED_ION, bracketed_dopants, separate_dopants
from rrgraph.chem.elements import ATOMIC_NUMBERS
from rrgraph.chem.groups import HIDDEN, expand_groups
from rrgraph.chem.labels import BRACKETED_LETTER, without_labels
from rrgraph.chem.mixtures import parts_of_mixture, refuse_composite, sum_of_parts
from rrgraph.chem.separators import divide
from rrgraph.chem.spelling import MAX_CHARACTERS, SEPARATOR, compact, other_capitals, plain_spelling, shorten, unquoted
from rrgraph.chem.terms import Amounts, Offset, Problem, add_amount, read_term
from rrgraph.chem.typos import (
    HAS_OXYGEN,
    NUMERAL,
    ZERO_FOR_O,
    refuse_leading_zeros,
    refuse_letter_o,
    refuse_numerals,
    refuse_superscripts,
    refuse_zeros_for_o,
)
from rrgraph.errors import FormulaError

__all__ = ["FormulaWarning", "composition_from_amounts", "format_amount", "parse_formula", "without_dopants"]

#: A formula that needs no interpretation, if `_SUSPICIOUS` is not in it.
_ORDINARY: Final = re.compile(r"[A-Z\d(\[{][A-Za-z\d.()\[\]{}]*", re.ASCII)
#: What the grammar would accept and people mean otherwise.
_SUSPICIOUS: Final = re.compile(
    rf"{HIDDEN}|{BRACKETED_LETTER}|{NUMERAL.pattern}|/\d+H2O|{BRACKETED_ION}|(?<![\d.])0(?![.])|H20|^[A-Z][a-z]?20$|\.\.|O\.\d|^(?:[BCFHIKNOPSUVWY]{{3,}}|(?:Li|Na)[BFPONSI]{{3}})$"
)
_NAME: Final = re.compile(r"(?<![A-Za-z])[A-Za-z]?[a-z]{3,}(?![A-Za-z\d])(?:\s*\([IViv]+\))?")
_HYDRATE: Final = re.compile(r"[\s,(-]+(?P<number>[a-z]*?)hydrate\)?$", re.IGNORECASE)
_NUMBERS: Final = {
    name: text
    for text, names in {
        "0.5": "hemi",
        "1.5": "sesqui",
        "": "mono",
        "2": "di",
        "3": "tri",
        "4": "tetra",
        "5": "penta",
    }.items()
    for name in names.split()
} | dict(zip(["hexa", "hepta", "octa", "nona", "deca", "undeca", "dodeca"], map(str, range(6, 13)), strict=True))
_DEFICIENCIES: Final = frozenset({"δ", "delta", "d"})


class FormulaWarning(UserWarning):
    """A formula was parsed with an assumption that its author should know about."""


@dataclass(slots=True)
class _Reading:
    """What one text is read as.

    Attributes:
        amounts: by element.
        offsets: that are set to zero.
        notes: on what was assumed, each the rest of a sentence that begins with the text.
    """

    amounts: Amounts
    offsets: tuple[Offset, ...] = ()
    notes: tuple[str, ...] = ()


def parse_formula(text: str, *, dopants: bool = True) -> Composition:
    """Parse one typed formula; results are cached by spelling.

    >>> print(parse_formula("CuSO4·5H2O").fractions["Cu"])
    0.047619047619047616
    >>> parse_formula("Li(Ni0.8Co0.2)O2") == parse_formula("LiCo0.2Ni0.8O2")
    True

    A `FormulaWarning` tells of whatever was assumed or left out: an offset of unknown size that is set to zero (`O3-δ`,
    `O7-x`, `O3±δ`), a label of a phase (`α-Al2O3`), a full stop that could mean two things, dopants (`Y2O3:0.05Eu`).

    Args:
        text: as typed.
        dopants: whether dopants may be named; the composition is then that of the host, with its `dopants`.

    Raises:
        FormulaError: the text is not a valid formula; the message is one sentence naming what could not be parsed.

    Examples:
        >>> hydrate = parse_formula("CuSO4·5H2O")
        >>> hydrate.key
        'CuH10O9S'
        >>> sorted(hydrate.elements)
        ['Cu', 'H', 'O', 'S']
    """
    if not isinstance(text, str):
        raise FormulaError(f"A formula must be text such as 'Fe2O3', not {type(text).__name__}.")
    composition, notes = _parse(text)
    if notes:
        if not dopants:
            without_dopants(composition)
        for note in notes:
            warnings.warn(f"{' '.join(text.split())!r} {note}.", FormulaWarning, stacklevel=2)
    return composition


def without_dopants(composition: Composition) -> Composition:
    """Return a composition that has no dopants.

    Raises:
        FormulaError: it has some.
    """
    if composition.dopants:
        named = ",".join(dopant.ion for dopant in composition.dopants)
        raise FormulaError(
            f"'{composition.formula}:{named}' names a dopant, which only a material to be made may have; write "
            f"{composition.formula!r}, or all elements in one formula."
        )
    return composition


def composition_from_amounts(
    amounts: Mapping[str, Fraction | Decimal | int | float], *, formula: str | None = None
) -> Composition:
    """Build a composition from positive amounts by element symbol.

    Args:
        amounts: amount of each element; a float is taken as its shortest decimal spelling (0.1 is one tenth).
        formula: the spelling to display; by default the amounts in the order given.

    Raises:
        FormulaError: no amounts, an unknown element, or an amount that is not a positive finite number.
    """
    exact: Amounts = {}
    for symbol, amount in amounts.items():
        if symbol not in ATOMIC_NUMBERS:
            meant = other_capitals(str(symbol)[:MAX_CHARACTERS])
            near = f" Did you mean {meant!r}?" if meant in ATOMIC_NUMBERS else ""
            raise FormulaError(f"{shorten(symbol)} is not an element.{near}")
        try:
            if not 0 < float(amount) < inf:
                raise FormulaError(f"The amount of {symbol} must be positive and finite, not {shorten(amount)}.")
            exact[symbol] = Fraction(str(amount))
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, FormulaError):
                raise
            raise FormulaError(f"The amount of {symbol} must be a number, not {shorten(amount)}.") from None
    if not exact:
        raise FormulaError("A composition needs at least one element.")
    return _composition(formula or _render(exact), exact)


def format_amount(amount: Fraction) -> str:
    """Return an amount as exact text: a decimal of at most 10 decimal places (``0.8``), else a fraction (``1/3``)."""
    if amount.denominator == 1:
        return str(amount.numerator)
    scaled = amount * 10**10
    if scaled.denominator != 1:
        return f"{amount.numerator}/{amount.denominator}"
    whole, rest = divmod(scaled.numerator, 10**10)
    return f"{whole}.{rest:010d}".rstrip("0")


@lru_cache(maxsize=2**16)
def _parse(text: str) -> tuple[Composition, tuple[str, ...]]:
    """Return the composition, and notes on what was assumed."""
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(
            f"A formula has {MAX_CHARACTERS} characters at most, but the text starting with {text[:20]!r} has "
            f"{len(text)}."
        )
    try:
        return _parsed(text)
    except Problem as problem:
        raise FormulaError(f"{text!r} is not a valid formula: {problem.clause}.{_suggestion(text, problem)}") from None


def _parsed(text: str) -> tuple[Composition, tuple[str, ...]]:
    if _is_ordinary(text):
        try:
            terms = divide(text)
            if not terms.other:
                return _composition(text, _sum(list(terms.terms)).amounts), ()
        except Problem:
            pass  # what it may mean is worked out below
    return _interpreted(text)


def _is_ordinary(text: str) -> bool:
    if not _ORDINARY.fullmatch(text) or _SUSPICIOUS.search(text):
        return False
    return not ("0" in text and ZERO_FOR_O.search(text) and not HAS_OXYGEN.search(text))


def _interpreted(text: str) -> tuple[Composition, tuple[str, ...]]:
    """Take a text apart from the outside."""
    bare = unquoted(text)
    plain, labels = without_labels(plain_spelling(bare))
    host, dopants = separate_dopants(plain)
    behind = None if dopants else bracketed_dopants(plain)
    if behind is not None and _is_closed(behind[0]):
        host, dopants = behind
    if dopants:
        host, more = without_labels(host)
        labels += more
    reading = _host(host)
    formula = "".join(host.split()) if labels or dopants else " ".join(bare.split())
    notes = [*_offset_notes(reading.offsets), *reading.notes]
    if labels:
        named, verb = " and ".join(map(repr, labels)), "tell" if len(labels) > 1 else "tells"
        notes.append(f"is parsed as {formula!r}: {named} {verb} the phase or form, not the composition")
    if dopants:
        named, plural = " and ".join(map(str, dopants)), "s" if len(dopants) > 1 else ""
        notes.append(f"is parsed as the host {formula!r} with the dopant{plural} {named}")
    composition = _composition(formula, reading.amounts)
    return replace(composition, dopants=dopants) if dopants else composition, tuple(notes)


def _offset_notes(offsets: tuple[Offset, ...]) -> list[str]:
    """Return what to tell of offsets that are set to zero.

    Raises:
        Problem: two amounts depend on one variable, which cannot be zero in both as a deficiency can.
    """
    for name, count in Counter(offset.name for offset in offsets).items():
        if count > 1 and name not in _DEFICIENCIES:
            raise Problem(f"the variable {name!r} is used {count} times and has no value")
    zeroed = " and ".join(dict.fromkeys(offset.text for offset in offsets))
    return [f"is parsed with {zeroed} set to zero"] if zeroed else []


def _host(text: str) -> _Reading:
    """Read a text without labels and dopants: one material, or several with coefficients."""
    try:
        return _materials(text)
    except Problem as problem:
        if problem.letters:
            _refuse_names(text)
        raise


def _materials(text: str) -> _Reading:
    refuse_superscripts(text)
    bare = compact(text)
    parts, joiner = parts_of_mixture(bare)
    refuse_composite(bare, lambda part: _terms(part).amounts)
    bare_parts = [part for part in parts if part.coefficient is None or part.unit == "behind"]
    if not joiner or (joiner == "-" and not all(_is_closed(part.formula) for part in bare_parts)):
        return _terms(bare)  # a dash before a number is a minus sign in Ca2Gd-0.4Zr2O7
    for part in parts:
        if part.coefficient is not None and len(divide(part.formula).terms) > 1:
            raise Problem(f"the coefficient before {part.formula!r} could be that of its first part alone")
    amounts, notes = sum_of_parts(parts, joiner, lambda part: _terms(part).amounts)
    return _Reading(amounts, notes=tuple(f"is parsed as several materials: {note}" for note in notes))


def _refuse_names(text: str) -> None:
    """Refuse a name beside a formula, such as `bismuth oxide Bi2O3`.

    Raises:
        Problem: there is one.
    """
    hydrate = _HYDRATE.search(text)
    if hydrate:
        number = _NUMBERS.get(hydrate["number"].lower())
        raise Problem(
            f"{hydrate.group().strip(' ,-()')!r} is not part of a formula",
            meant=text[: hydrate.start()] if number is None else f"{text[: hydrate.start()]}{SEPARATOR}{number}H2O",
        )
    name = " ".join(_NAME.findall(text))
    if name and (rest := _NAME.sub("", text).strip(" -,;[]()")) and rest[:1].isupper():
        raise Problem(f"{name!r} is not part of a formula", meant=rest)


def _is_closed(text: str) -> bool:
    """Whether charges of the elements of a formula can cancel."""
    try:
        return charge_fit(_terms(text).amounts) > 0
    except Problem as problem:
        return not problem.letters or explain_abbreviation(text) is not None


def _terms(text: str) -> _Reading:
    """Read one material."""
    abbreviation = explain_abbreviation(text)
    try:
        refuse_leading_zeros(text)
        refuse_numerals(text)
        _refuse_slash_before_water(text)
        division = divide(text)
        terms = list(division.terms)
        refuse_zeros_for_o(terms)
        refuse_letter_o(terms)
        expanded = [expand_groups(term) for term in terms]
        reading = _sum([term for term, _ in expanded])
    except Problem as problem:
        if abbreviation:
            raise Problem(abbreviation) from None
        raise problem from None
    notes = [f"is parsed with an assumption: {remark}" for _, remarks in expanded for remark in remarks]
    if division.other:
        notes.append(f"is parsed as {SEPARATOR.join(terms)!r}; if another full stop is meant, write {division.other!r}")
    if is_abbreviation(text):
        notes.append(
            "is parsed as element symbols but looks like an abbreviation"
            + (f": {abbreviation}" if abbreviation else "")
        )
    return _Reading(reading.amounts, reading.offsets, tuple(notes))


def _refuse_slash_before_water(text: str) -> None:
    """Refuse a slash between a salt and its water, which would divide the amount before it (`CuSO4/5H2O`).

    Raises:
        Problem: there is one.
    """
    slash = re.search(r"(?<=[A-Za-z)\]])(\d+)/(\d+H2O)$", text)
    if slash:
        raise Problem(
            f"write '{SEPARATOR}' instead of '/' in {slash.group()!r}",
            meant=f"{text[: slash.end(1)]}{SEPARATOR}{slash[2]}",
        )


def _sum(terms: list[str]) -> _Reading:
    """Return the sum of terms."""
    if len(terms) == 1:
        term = read_term(terms[0])
        return _Reading(term.amounts, tuple(term.offsets))
    total: Amounts = {}
    offsets: list[Offset] = []
    for text in terms:
        if not text:
            raise Problem(f"one side of {SEPARATOR!r} is empty")
        term = read_term(text)
        offsets += term.offsets
        for symbol, amount in term.amounts.items():
            add_amount(total, symbol, amount)
    return _Reading(total, tuple(offsets))


def _suggestion(text: str, problem: Problem) -> str:
    """Return ``" Did you mean 'NaCl'?"`` if that can be parsed, else an empty string."""
    capitals = other_capitals(text) if problem.letters and not problem.meant else None
    meant = problem.meant or (_with_anions(capitals) if capitals else "")
    if not meant or meant == text:
        return ""
    try:
        _parsed(meant)
    except Problem:
        return ""
    return f" Did you mean {meant!r}?"


def _with_anions(text: str) -> str:
    """Return a formula with CO3 in place of Co3, NO3 of No3, PO4 of Po4, NH4 of Nh4 if only then charges cancel."""
    options = [text]
    for symbol in ("Co", "No", "Po", "Nh"):
        options += [re.sub(rf"{symbol}(?=\d)", symbol.upper(), option) for option in options]
    return max(options, key=_is_closed)


def _composition(formula: str, amounts: Amounts) -> Composition:
    ordered = tuple(sorted(amounts.items()))
    return Composition(key=canonical_key(ordered), formula=formula, amounts=ordered)


def _render(amounts: Amounts) -> str:
    """Spell amounts in their order so that `parse_formula` returns the same amounts."""
    items = list(amounts.items())
    texts = ["" if amount == 1 else format_amount(amount) for _, amount in items]
    plain = "".join(symbol + text for (symbol, _), text in zip(items, texts, strict=True))
    if _is_ordinary(plain) and len(divide(plain).terms) == 1:
        return plain
    # Ac1 is actinium, not acetate; Mg5/2H2O is not the hydrate Mg2·5H2O; S201/1 is not S2O1.
    return "".join(f"{symbol}{amount}" + ("/1" if ZERO_FOR_O.search(str(amount)) else "") for symbol, amount in items)
