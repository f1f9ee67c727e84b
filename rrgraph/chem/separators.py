"""Where a formula is divided into terms, and which full stops are decimal points.

`·` and its look-alikes always join two terms, and so does a full stop before a capital or a bracket (`CuSO4.H2O`,
`2MgCO3.Mg(OH)2`). A full stop before a digit is a decimal point (`Fe2.5O4`), except in two cases. Before an amount of
water, up to the end or the next term, it joins a hydrate (`CuSO4.5H2O`, `CaSO4.0.5H2O`, `(NH4)6Mo7O24.4H2O`), unless
the number before it is 0 (`Mn0.5H2O`) or itself the amount of water (`Cu(NO3)2·2.5H2O`). After an anion, charges
decide: in `CaO.2Al2O3` they cancel only where the stop separates, in `CsPbI2.4Br0.6` only where it is a decimal point.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from rrgraph.chem.charges import charge_fit
from rrgraph.chem.spelling import SEPARATOR, compact, plain_spelling
from rrgraph.chem.terms import Amounts, Problem, read_term
from rrgraph.errors import FormulaError

__all__ = ["Division", "divide", "split_terms"]

# Not after a separator or at the start, where the number is the amount of water (`·2.5H2O`).
_WATER_AFTER_STOP = re.compile(
    r"(?!^)(?<![·\d.])(\d*)\.((?:\d+/\d+|\d+(?:\.\d+)?)?(?:H2O|\(H2O\)|\[H2O\]))(?=$|[.·]|0\.)"
)
_AMOUNT_WITH_POINT = re.compile(r"(?<![.\d·])(?!^)(\d*)\.(?=\d+\.\d+[A-Z(\[{])")
_STOP_BEFORE_TERM = re.compile(r"\.(?=[A-Z(\[{])")
_SEVERAL_STOPS = re.compile(r"\.{2,3}(?=(?:\d+(?:\.\d+)?)?[A-Z(\[{])|…")
#: A full stop after an anion and before a number and a new symbol; a number that begins with 0 is never whole.
_DOUBTFUL = re.compile(r"(?:(?<=[)\]}OFCINSH])|(?<=Cl|Br))(?:(?<!\d)(?!1\.)[1-9]\d*)?(\.)[1-9]\d*(?=[A-Z(\[{])")
#: More doubtful stops than these are decimal points: that many readings are too many to compare.
_MOST_DOUBTFUL = 6


@dataclass(frozen=True, slots=True)
class Division:
    """The terms of a formula.

    Attributes:
        terms: in plain spelling.
        other: how to write the reading that was not taken, where charges allow two; else empty.
    """

    terms: tuple[str, ...]
    other: str = ""


def split_terms(text: str) -> list[str]:
    """Return the terms of a hydrate or adduct in plain spelling (ASCII digits, no blanks): ``["CuSO4", "5H2O"]``.

    Raises:
        FormulaError: the text is blank, only a blank separates two numbers (`CuSO4 5H2O`), or there is a decimal comma.
    """
    try:
        return list(divide(compact(plain_spelling(text))).terms)
    except Problem as problem:
        raise FormulaError(f"{text!r} is not a valid formula: {problem.clause}.") from None


def divide(text: str) -> Division:
    """Return the terms of a formula in plain spelling without blanks."""
    if "." not in text and "…" not in text:
        return Division(tuple(text.split(SEPARATOR)))
    joined = _SEVERAL_STOPS.sub(SEPARATOR, text)
    if joined != text and not all(_is_compound(term) for term in joined.split(SEPARATOR)):
        raise Problem("'..' could be a decimal point or separate two materials; write '.' or '·'")
    joined = _WATER_AFTER_STOP.sub(_join_water, joined)
    parted = _AMOUNT_WITH_POINT.sub(lambda match: match[0] if match[1] == "0" else match[1] + SEPARATOR, joined)
    if parted != joined and all(_is_compound(term) for term in parted.split(SEPARATOR)):
        joined = parted
    joined = _STOP_BEFORE_TERM.sub(SEPARATOR, joined)
    doubtful = [match.start(1) for match in _DOUBTFUL.finditer(joined)]
    if not doubtful or len(doubtful) > _MOST_DOUBTFUL:
        return Division(tuple(joined.split(SEPARATOR)))
    return _decided(joined, doubtful)


def _join_water(match: re.Match[str]) -> str:
    whole, water = match.groups()
    return f"{whole}.{water}" if whole == "0" else f"{whole}{SEPARATOR}{water}"


def _decided(text: str, stops: Sequence[int]) -> Division:
    """Choose the reading whose charges cancel best; a whole coefficient or another separator breaks ties.

    A warning names the other reading, unless its charges cancel worse and the rest of the text is against it as well.
    """
    separates = SEPARATOR in text or re.match(r"\d+(?!\d*[./])", text) is not None
    readings = []
    for chosen in product((True, False), repeat=len(stops)):
        cut = "".join(
            SEPARATOR if place in stops and chosen[stops.index(place)] else character
            for place, character in enumerate(text)
        )
        fit = _fit(cut.split(SEPARATOR))
        if fit or not any(chosen):
            readings.append((fit, sum(chosen) if separates else -sum(chosen), cut))
    best, *others = sorted(readings, reverse=True)
    least = best[0] if separates and SEPARATOR in best[2] else 1
    rival = next((cut for fit, _, cut in others if fit >= least), "")
    return Division(tuple(best[2].split(SEPARATOR)), _spelled_out(rival) if rival else "")


def _is_compound(term: str) -> bool:
    try:
        return charge_fit(read_term(term).amounts) > 0
    except Problem:
        return True  # which is reported where the term is read


def _fit(terms: Sequence[str]) -> int:
    """Return how well the charges of all terms cancel; the whole of one term, or each of several by itself."""
    fits = []
    for term in terms:
        try:
            amounts: Amounts = read_term(term).amounts
        except Problem:
            return 0
        coefficient = re.match(r"\d*", term)
        scale = int(coefficient[0]) if coefficient and coefficient[0] else 1
        # 5B0.2Te0.5 is not a material with a coefficient, but the rest of O2.5B0.2Te0.5.
        fits.append(charge_fit(amounts) if len(terms) == 1 or max(amounts.values()) >= scale else 0)
    return min(fits)


def _spelled_out(text: str) -> str:
    """Spell a reading so that every stop is read as meant: decimal amounts as fractions after an anion."""
    return _DOUBTFUL.sub(lambda match: _as_fraction(match[0]), text)


def _as_fraction(amount: str) -> str:
    exact = Fraction(amount)
    return f"{exact.numerator}/{exact.denominator}"
