"""Slips that would give another material: raised digits, bare numerals, amounts that begin with 0, zero for O."""

from __future__ import annotations

import re
from typing import Final

from rrgraph.chem.charges import charge_fit, charges
from rrgraph.chem.elements import ATOMIC_NUMBERS
from rrgraph.chem.spelling import SEPARATOR, SUPERSCRIPTS
from rrgraph.chem.terms import Problem, read_term

__all__ = [
    "HAS_OXYGEN",
    "NUMERAL",
    "ZERO_FOR_O",
    "refuse_leading_zeros",
    "refuse_letter_o",
    "refuse_numerals",
    "refuse_superscripts",
    "refuse_zeros_for_o",
]

#: A zero inside a number, which may be meant as O: `Fe203`, `BaFe12019`, `LiNi0.5Mn1.504`.
ZERO_FOR_O: Final = re.compile(r"((?<![\d./])[1-9]\d?|\.\d?[1-9](?=0[1-9]\d?$))0([1-9]\d?)(?![\d/])")
#: The symbol O, not that of Os, and not the O of water.
HAS_OXYGEN: Final = re.compile(r"(?<!H2)O(?!s)")

#: An oxidation state without brackets: `FeIIIPO4`, `MnIVO2`.
NUMERAL: Final = re.compile(r"(?<=[A-HJ-UW-Za-z])(?:V?II+(?![Ia-z])|(?:IV|VI)(?![a-z\d.]))")
_SUPERSCRIPT: Final = re.compile(rf"([{SUPERSCRIPTS}]+)([+-]?)")
_LEADING_ZERO: Final = re.compile(r"(?<![\d./])0(?=\d)")
_ZERO: Final = re.compile(r"(?<![\d./])0(?![\d./])")
_WATER: Final = re.compile(r"(\d*[(\[]?H2)0(?=[)\]]?\d*$)")
_WATER_BEHIND_STOP: Final = re.compile(r"(\.\d+(?:\.\d+)?[(\[]?H2)0(?=[)\]]?$)")
_SINGLE: Final = re.compile(r"(\d*(?:Li|Na|K|Rb|Cs|Ag|Cu|Tl|H)2)0")
_O_FOR_ZERO: Final = re.compile(r"(?<=[A-Za-z)\]])O(?=\.\d)")
_DIGITS: Final = str.maketrans(SUPERSCRIPTS, "0123456789")


def refuse_superscripts(text: str) -> None:
    """Refuse digits that tell isotopes or charges (`Mg¹¹B2`, `Fe³⁺`), and raised amounts.

    Raises:
        Problem: there are raised digits.
    """
    match = _SUPERSCRIPT.search(text)
    if match is None:
        return
    digits, sign = match.groups()
    number = int(digits.translate(_DIGITS))
    symbol = re.match(r"[A-Z][a-z]?", text[match.end() :])
    atom = ATOMIC_NUMBERS.get(symbol[0], 0) or ATOMIC_NUMBERS.get(symbol[0][0], 0) if symbol else 0
    if sign:
        raise Problem(f"{match[0]!r} is a charge; leave it out", meant=_SUPERSCRIPT.sub("", text))
    if atom and number >= atom:
        raise Problem(
            f"{digits!r} is a mass number, and isotopes are not distinguished; leave it out",
            meant=_SUPERSCRIPT.sub("", text),
        )
    beside = re.search(rf"\d[{SUPERSCRIPTS}]|[{SUPERSCRIPTS}]\d", text)  # ⁷ of Li⁷2CO3 is not a digit of an amount
    raise Problem(
        f"{digits!r} is a raised number, as in isotopes and charges; amounts are not raised",
        meant=_SUPERSCRIPT.sub("", text) if beside else text.translate(_DIGITS),
    )


def refuse_leading_zeros(text: str) -> None:
    """Refuse amounts that begin with 0 and have no point.

    Raises:
        Problem: there is such an amount; the message suggests the spelling whose charges cancel best.
    """
    leading = _LEADING_ZERO.search(text)
    if leading:
        amount = re.match(r"\d+", text[leading.start() :])
        written = amount.group() if amount else "0"
        meant = _best(text, [_as_o(text), _LEADING_ZERO.sub("0.", text), _LEADING_ZERO.sub("", text)])
        raise Problem(f"the amount {written!r} begins with 0 and has no point", meant=meant)


def refuse_zeros_for_o(terms: list[str]) -> None:
    """Refuse zeros in place of O.

    Raises:
        Problem: there is one; the message suggests O where charges cancel with it.
    """
    for index, term in enumerate(terms):
        oxide = _oxide(term)
        if oxide:
            meant = SEPARATOR.join([*terms[:index], oxide, *terms[index + 1 :]])
            raise Problem("a zero stands in place of O", meant=meant)


def refuse_numerals(text: str) -> None:
    """Refuse oxidation states without brackets (`FeIIIPO4`), which would be read as iodine and vanadium.

    Raises:
        Problem: there are two I in a row, or `IV` or `VI` behind an element that can have this charge.
    """
    numeral = NUMERAL.search(text)
    if numeral is None:
        return
    bare = NUMERAL.sub("", text)
    symbol = re.search(r"[A-Z][a-z]?$", text[: numeral.start()])
    value = {"IV": 4, "VI": 6}.get(numeral.group())
    if value is None or (symbol and value in charges(symbol[0]) and _fit(bare)):
        raise Problem(f"{numeral.group()!r} looks like an oxidation state; leave it out", meant=bare)


def refuse_letter_o(terms: list[str]) -> None:
    """Refuse the letter O before a decimal point, which may be meant as zero (`LaO.7Sr0.3MnO3`).

    Raises:
        Problem: there is such a letter.
    """
    for term in terms:
        match = _O_FOR_ZERO.search(term)
        if match:
            meant = _O_FOR_ZERO.sub("0", term)
            better = len(terms) == 1 and HAS_OXYGEN.search(term, match.end())
            raise Problem("'O.' could be oxygen or a zero; write 'O0.' or '0.'", meant=meant if better else "")


def _as_o(text: str) -> str:
    terms = [_SINGLE.sub(r"\1O", term) if _SINGLE.fullmatch(term) else term for term in text.split(SEPARATOR)]
    return ZERO_FOR_O.sub(r"\1O\2", _LEADING_ZERO.sub("O", _ZERO.sub("O", SEPARATOR.join(terms))))


def _oxide(term: str) -> str | None:
    """Return a term with O in place of zeros if only then its charges cancel."""
    if _WATER_BEHIND_STOP.search(term) or _WATER.fullmatch(term) or (_WATER.search(term) and _fit(term) == 0):
        return _WATER.sub(r"\1O", term)
    single = _SINGLE.fullmatch(term)
    if single:
        candidate = f"{single[1]}O"
    elif _ZERO.search(term):
        candidate = _ZERO.sub("O", ZERO_FOR_O.sub(r"\1O\2", term))
    elif not HAS_OXYGEN.search(term) and _has_such_decimals(term):
        candidate = ZERO_FOR_O.sub(r"\1O\2", term)
    else:
        return None
    return candidate if candidate != term and _fit(candidate) > 0 == _fit(term) else None


def _has_such_decimals(term: str) -> bool:
    """Whether `1.504` may be 1.5 and O4: other amounts have as many decimals as the number before the zero."""
    match = ZERO_FOR_O.search(term)
    if match is None or not match[1].startswith("."):
        return True
    others = re.findall(r"\.(\d+)", term[: match.start()])
    return bool(others) and all(len(decimals) == len(match[1]) - 1 for decimals in others)


def _best(text: str, candidates: list[str]) -> str:
    """Return the candidate whose charges cancel best; where none do, the first for a text without O."""
    fits = [_fit(candidate) for candidate in candidates]
    if max(fits):
        return candidates[fits.index(max(fits))]
    return candidates[1 if HAS_OXYGEN.search(text) else 0]


def _fit(text: str) -> int:
    """Return how well charges cancel in each term, 0 for what cannot be parsed."""
    try:
        return min(charge_fit(read_term(term).amounts) for term in text.split(SEPARATOR))
    except Problem:
        return 0
