"""Formulas as people type them, read into compositions.

Flows in: one spelling (`LiNi0.8Co0.1Mn0.1O2`, `Ba(NO3)2`, `CuSO4·5H2O`, `La0.7Sr0.3MnO3-δ`). Flows out: a
`Composition` with exact amounts, or a `FormulaError` that names the piece that could not be read.

How dots are read. `·`, `•`, `∙`, `⋅`, `*` always join two parts, and so does a full stop before a capital or a
bracket (`CuSO4.H2O`, `2MgCO3.Mg(OH)2`). A full stop before a digit is a decimal point (`Fe2.5O4`), except where
everything after it, up to the end or the next part, is an amount of water (`CuSO4.5H2O`, `CaSO4.0.5H2O`,
`(NH4)6Mo7O24.4H2O`): then it joins a hydrate, unless the number before it is 0 (`Mn0.5H2O` is a decimal) or
itself the amount of water (`Cu(NO3)2·2.5H2O`).
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import inf

from rrgraph.chem.canonical import canonical_key
from rrgraph.chem.composition import Composition
from rrgraph.chem.elements import ATOMIC_NUMBERS
from rrgraph.chem.spelling import MAX_CHARACTERS, SEPARATOR, VARIABLE, respell, shorten, split_parts
from rrgraph.errors import FormulaError

__all__ = ["FormulaWarning", "composition_from_amounts", "format_amount", "parse_formula"]

_Amounts = dict[str, Fraction]

_NUMBER = re.compile(r"(\d+)/(\d+)(?![\d.])|(\d*)\.(\d+)|(\d+)")
_OFFSET = re.compile(rf"[+\-±]((?:\d+(?:\.\d+)?)?({VARIABLE})(?:/\d+)?)")
_VARIABLE = re.compile(VARIABLE)
_SYMBOL = re.compile(r"[A-Z][a-z]?")
_PIECE = re.compile(r"[A-Z][a-z]?|[a-z]+|[\d./]+(?:[+\-±][a-zδε]*)?|[+\-±][\w./]*|.", re.DOTALL)
_OXIDATION_STATE = re.compile(r"\((?:II|III|IV|VI|VII)\)")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SIGNS = frozenset("+-±")
_DEFICIENCIES = frozenset({"δ", "delta", "d"})
_ONE = Fraction(1)


class FormulaWarning(UserWarning):
    """Part of a formula was read in a way its author should know about."""


def parse_formula(text: str) -> Composition:
    """Read one typed formula; answers are cached by spelling.

    >>> print(parse_formula("CuSO4·5H2O").fractions["Cu"])
    0.047619047619047616
    >>> parse_formula("Li(Ni0.8Co0.2)O2") == parse_formula("LiCo0.2Ni0.8O2")
    True

    An offset of unknown size (`O3-δ`, `O7-x`, `O7-delta`, `O3±δ`) is read as zero with a `FormulaWarning`.

    Raises:
        FormulaError: the text is no composition; the message is one sentence naming the offending piece.
    """
    if not isinstance(text, str):
        raise FormulaError(f"A formula must be text such as 'Fe2O3', not {type(text).__name__}.")
    composition, zeroed = _parse(text)
    if zeroed:
        message = f"{composition.formula!r} is read with {' and '.join(zeroed)} set to zero."
        warnings.warn(message, FormulaWarning, stacklevel=2)
    return composition


def composition_from_amounts(
    amounts: Mapping[str, Fraction | Decimal | int | float], *, formula: str | None = None
) -> Composition:
    """Build a composition from positive amounts by element symbol.

    Args:
        amounts: a float counts as its shortest decimal spelling (0.1 is one tenth).
        formula: the spelling to display; by default the amounts in the order given.

    Raises:
        FormulaError: no amounts, an unknown element, or an amount that is not a positive finite number.
    """
    exact: _Amounts = {}
    for symbol, amount in amounts.items():
        if symbol not in ATOMIC_NUMBERS:
            raise FormulaError(f"{shorten(symbol)} is not an element.{respell(str(symbol))}")
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
    """Write an amount exactly: a decimal where it ends within 10 digits (``0.8``), else a fraction (``1/3``)."""
    if amount.denominator == 1:
        return str(amount.numerator)
    scaled = amount * 10**10
    if scaled.denominator != 1:
        return f"{amount.numerator}/{amount.denominator}"
    whole, rest = divmod(scaled.numerator, 10**10)
    return f"{whole}.{rest:010d}".rstrip("0")


@lru_cache(maxsize=2**16)
def _parse(text: str) -> tuple[Composition, tuple[str, ...]]:
    """Return the composition and the offsets that were set to zero."""
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(
            f"A formula may have {MAX_CHARACTERS} characters, but this text, starting {text[:20]!r}, has {len(text)}."
        )
    zeroed: list[tuple[str, str]] = []
    total: _Amounts = {}
    for part in split_parts(text):
        if not part:
            raise FormulaError(f"{text!r} is not a composition: nothing stands on one side of {SEPARATOR!r}.")
        for symbol, amount in _Reader(text, part, zeroed).read().items():
            _put(total, symbol, amount)
    for name, count in Counter(name for name, _ in zeroed).items():
        if count > 1 and name not in _DEFICIENCIES:
            raise FormulaError(
                f"{text!r} is not a composition: {name!r} is a variable, used {count} times, without value."
            )
    return _composition(" ".join(text.split()), total), tuple(dict.fromkeys(offset for _, offset in zeroed))


def _composition(formula: str, amounts: _Amounts) -> Composition:
    ordered = tuple(sorted(amounts.items()))
    return Composition(key=canonical_key(ordered), formula=formula, amounts=ordered)


def _render(amounts: _Amounts) -> str:
    """Spell amounts in their order so that `parse_formula` reads the same amounts back."""
    items = list(amounts.items())
    texts = ["" if amount == 1 else format_amount(amount) for _, amount in items]
    if [symbol for symbol, _ in items[-2:]] == ["H", "O"] and texts[-2:] == ["2", ""] and "." in "".join(texts[-3:-2]):
        texts[-3] = f"{items[-3][1].numerator}/{items[-3][1].denominator}"  # Mg2.5H2O would be a hydrate
    return "".join(symbol + text for (symbol, _), text in zip(items, texts, strict=True))


def _put(amounts: _Amounts, symbol: str, amount: Fraction) -> None:
    """Add an amount; most symbols come once, and sums of fractions are slow."""
    amounts[symbol] = amounts[symbol] + amount if symbol in amounts else amount


class _Reader:
    """Reads one part of a formula (no separators in it) from left to right."""

    def __init__(self, text: str, part: str, zeroed: list[tuple[str, str]]) -> None:
        self.text = text
        self.part = part
        self.zeroed = zeroed
        self.position = 0

    def read(self) -> _Amounts:
        """Return the amounts of the part, its leading coefficient multiplied in."""
        scale = self._number() or _ONE
        groups: list[_Amounts] = [{}]
        opened: list[str] = []
        while self.position < len(self.part):
            character = self.part[self.position]
            if character in _CLOSING:
                self._refuse_oxidation_state()
                opened.append(character)
                groups.append({})
                self.position += 1
            elif opened and character == _CLOSING[opened[-1]]:
                self.position += 1
                opened.pop()
                self._add(groups, groups.pop())
            elif character in ")]}":
                raise self._error(f"the bracket {character!r} closes nothing")
            else:
                symbol = self._symbol()
                _put(groups[-1], symbol, self._amount(symbol))
        if opened:
            raise self._error(f"the bracket {opened[-1]!r} is never closed")
        if not groups[0]:
            raise self._error(f"{self.part!r} names no element")
        return groups[0] if scale is _ONE else {symbol: amount * scale for symbol, amount in groups[0].items()}

    def _add(self, groups: list[_Amounts], inner: _Amounts) -> None:
        """Multiply the group just closed by the amount after it and add it to the group around it."""
        if not inner:
            raise self._error("a pair of brackets is empty")
        amount = self._amount("a bracket")
        for symbol, count in inner.items():
            _put(groups[-1], symbol, count * amount)

    def _symbol(self) -> str:
        """Read an element symbol at the position."""
        match = _SYMBOL.match(self.part, self.position)
        if match:
            symbol = match.group()
            if symbol in ATOMIC_NUMBERS:
                self.position = match.end()
                return symbol
            if symbol[0] in ATOMIC_NUMBERS:  # Ox, Hy: the letter after it is reported next
                self.position += 1
                return symbol[0]
        piece = self._piece()
        if match or (piece.isascii() and piece.isalpha() and not _VARIABLE.fullmatch(piece)):
            raise self._error(f"{piece!r} is not an element", respelling=True)
        raise self._unreadable()

    def _amount(self, owner: str) -> Fraction:
        """Read the amount after an element or a bracket; 1 if there is none."""
        amount = self._number() or _ONE
        offset = _OFFSET.match(self.part, self.position)
        if offset:
            self.zeroed.append((offset.group(2), offset.group(1)))
            self.position = offset.end()
        elif self.part[self.position : self.position + 1] in _SIGNS or _VARIABLE.match(self.part, self.position):
            raise self._unreadable(f" after {owner}")
        return amount

    def _piece(self) -> str:
        """Return what stands at the position, for a message."""
        match = _PIECE.match(self.part, self.position)
        return match.group() if match else ""

    def _unreadable(self, place: str = "") -> FormulaError:
        """Name the piece at the position that cannot be read."""
        piece = self._piece()
        if _VARIABLE.match(piece):
            return self._error(f"{piece!r}{place} is a variable without value", respelling=True)
        if re.match(r"-\d", piece):
            return self._error(f"{piece!r}{place} is a negative amount")
        return self._error(f"{piece!r}{place} cannot be read", respelling=True)

    def _number(self) -> Fraction | None:
        """Read an unsigned number at the position, if there is one."""
        match = _NUMBER.match(self.part, self.position)
        if not match:
            return None
        numerator, denominator, whole, decimals, integer = match.groups()
        if integer is not None:
            value = Fraction(int(integer))
        elif decimals is not None:
            value = Fraction(int(whole + decimals), 10 ** len(decimals))
        else:
            value = Fraction(int(numerator), int(denominator)) if int(denominator) else Fraction(0)
        if not value:
            raise self._error(f"the amount {match.group()!r} is not positive")
        self.position = match.end()
        return value

    def _refuse_oxidation_state(self) -> None:
        """Refuse `Fe(III)`, which otherwise reads as three atoms of iodine."""
        match = _OXIDATION_STATE.match(self.part, self.position)
        if match:
            raise self._error(f"{match.group()!r} looks like an oxidation state")

    def _error(self, problem: str, *, respelling: bool = False) -> FormulaError:
        return FormulaError(f"{self.text!r} is not a composition: {problem}.{respell(self.text) if respelling else ''}")
