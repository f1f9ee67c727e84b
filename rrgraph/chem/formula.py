"""Parse formulas as people type them: `LiNi0.8Co0.1Mn0.1O2`, `Ba(NO3)2`, `CuSO4·5H2O`, `La0.7Sr0.3MnO3-δ`.

How dots are parsed: `·`, `•`, `∙`, `⋅`, `*` always join two terms, and so does a full stop before a capital or a
bracket (`CuSO4.H2O`, `2MgCO3.Mg(OH)2`). A full stop before a digit is a decimal point (`Fe2.5O4`), except where
everything after it, up to the end or the next term, is an amount of water (`CuSO4.5H2O`, `CaSO4.0.5H2O`,
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
from rrgraph.chem.spelling import MAX_CHARACTERS, SEPARATOR, VARIABLE, respell, shorten, split_terms
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
    """A formula was parsed with an assumption that its author should know about."""


def parse_formula(text: str) -> Composition:
    """Parse one typed formula; results are cached by spelling.

    An offset of unknown size (`O3-δ`, `O7-x`, `O7-delta`, `O3±δ`) is set to zero with a `FormulaWarning`.

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
    composition, zeroed = _parse(text)
    if zeroed:
        message = f"{composition.formula!r} is parsed with {' and '.join(zeroed)} set to zero."
        warnings.warn(message, FormulaWarning, stacklevel=2)
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
    """Return the composition and the offsets that were set to zero."""
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(
            f"A formula has {MAX_CHARACTERS} characters at most, but the text starting with {text[:20]!r} has "
            f"{len(text)}."
        )
    zeroed: list[tuple[str, str]] = []
    total: _Amounts = {}
    for term in split_terms(text):
        if not term:
            raise FormulaError(f"{text!r} is not a valid formula: one side of {SEPARATOR!r} is empty.")
        for symbol, amount in _TermParser(text, term, zeroed).parse().items():
            _add(total, symbol, amount)
    for name, count in Counter(name for name, _ in zeroed).items():
        if count > 1 and name not in _DEFICIENCIES:
            raise FormulaError(
                f"{text!r} is not a valid formula: the variable {name!r} is used {count} times and has no value."
            )
    return _composition(" ".join(text.split()), total), tuple(dict.fromkeys(offset for _, offset in zeroed))


def _composition(formula: str, amounts: _Amounts) -> Composition:
    ordered = tuple(sorted(amounts.items()))
    return Composition(key=canonical_key(ordered), formula=formula, amounts=ordered)


def _render(amounts: _Amounts) -> str:
    """Spell amounts in their order so that `parse_formula` returns the same amounts."""
    items = list(amounts.items())
    texts = ["" if amount == 1 else format_amount(amount) for _, amount in items]
    if [symbol for symbol, _ in items[-2:]] == ["H", "O"] and texts[-2:] == ["2", ""] and "." in "".join(texts[-3:-2]):
        texts[-3] = f"{items[-3][1].numerator}/{items[-3][1].denominator}"  # Mg2.5H2O would be a hydrate
    return "".join(symbol + text for (symbol, _), text in zip(items, texts, strict=True))


def _add(amounts: _Amounts, symbol: str, amount: Fraction) -> None:
    """Add an amount; most symbols occur once, and adding fractions is slow."""
    amounts[symbol] = amounts[symbol] + amount if symbol in amounts else amount


class _TermParser:
    """Parses one term of a formula (without separators) from left to right."""

    def __init__(self, text: str, term: str, zeroed: list[tuple[str, str]]) -> None:
        self.text = text
        self.term = term
        self.zeroed = zeroed
        self.position = 0

    def parse(self) -> _Amounts:
        """Return the amounts of the term, multiplied by its leading coefficient."""
        scale = self._number() or _ONE
        groups: list[_Amounts] = [{}]
        opened: list[str] = []
        while self.position < len(self.term):
            character = self.term[self.position]
            if character in _CLOSING:
                self._refuse_oxidation_state()
                opened.append(character)
                groups.append({})
                self.position += 1
            elif opened and character == _CLOSING[opened[-1]]:
                self.position += 1
                opened.pop()
                self._close(groups, groups.pop())
            elif character in ")]}":
                raise self._error(f"the bracket {character!r} was not opened")
            else:
                symbol = self._symbol()
                _add(groups[-1], symbol, self._amount(symbol))
        if opened:
            raise self._error(f"the bracket {opened[-1]!r} is not closed")
        if not groups[0]:
            raise self._error(f"{self.term!r} contains no element")
        return groups[0] if scale is _ONE else {symbol: amount * scale for symbol, amount in groups[0].items()}

    def _close(self, groups: list[_Amounts], inner: _Amounts) -> None:
        """Multiply the closed group by the amount after it and add it to the enclosing group."""
        if not inner:
            raise self._error("a pair of brackets is empty")
        amount = self._amount("a bracket")
        for symbol, count in inner.items():
            _add(groups[-1], symbol, count * amount)

    def _symbol(self) -> str:
        """Parse an element symbol at the position."""
        match = _SYMBOL.match(self.term, self.position)
        if match:
            symbol = match.group()
            if symbol in ATOMIC_NUMBERS:
                self.position = match.end()
                return symbol
            if symbol[0] in ATOMIC_NUMBERS:  # Ox, Hy: the following letter is reported next
                self.position += 1
                return symbol[0]
        piece = self._piece()
        if match or (piece.isascii() and piece.isalpha() and not _VARIABLE.fullmatch(piece)):
            raise self._error(f"{piece!r} is not an element", respelling=True)
        raise self._unreadable()

    def _amount(self, owner: str) -> Fraction:
        """Parse the amount after an element or a bracket; 1 if there is none."""
        amount = self._number() or _ONE
        offset = _OFFSET.match(self.term, self.position)
        if offset:
            self.zeroed.append((offset.group(2), offset.group(1)))
            self.position = offset.end()
        elif self.term[self.position : self.position + 1] in _SIGNS or _VARIABLE.match(self.term, self.position):
            raise self._unreadable(f" after {owner}")
        return amount

    def _piece(self) -> str:
        """Return the text at the position, for a message."""
        match = _PIECE.match(self.term, self.position)
        return match.group() if match else ""

    def _unreadable(self, where: str = "") -> FormulaError:
        """Return the error for the text at the position that cannot be parsed."""
        piece = self._piece()
        if _VARIABLE.match(piece):
            return self._error(f"{piece!r}{where} is a variable without a value", respelling=True)
        if re.match(r"-\d", piece):
            return self._error(f"{piece!r}{where} is a negative amount")
        return self._error(f"{piece!r}{where} cannot be parsed", respelling=True)

    def _number(self) -> Fraction | None:
        """Parse an unsigned number at the position, if there is one."""
        match = _NUMBER.match(self.term, self.position)
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
        """Reject `Fe(III)`, which would otherwise be parsed as three atoms of iodine."""
        match = _OXIDATION_STATE.match(self.term, self.position)
        if match:
            raise self._error(f"{match.group()!r} looks like an oxidation state")

    def _error(self, problem: str, *, respelling: bool = False) -> FormulaError:
        near = respell(self.text) if respelling else ""
        return FormulaError(f"{self.text!r} is not a valid formula: {problem}.{near}")
