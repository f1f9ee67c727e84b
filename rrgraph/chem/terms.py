"""The grammar of one term of a formula, in plain spelling and without separators: `Ba(NO3)2`, `La0.7Sr0.3MnO3-δ`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from rrgraph.chem.elements import ATOMIC_NUMBERS
from rrgraph.errors import FormulaError

__all__ = ["VARIABLE", "Amounts", "Offset", "Problem", "Term", "add_amount", "read_term"]

Amounts = dict[str, Fraction]

#: Pattern of the names people give to an unknown amount.
VARIABLE = r"(?:δ|delta|ε|[dmnuvwxyz])(?![a-z])"

_NUMBER = re.compile(r"(\d+)/(\d+)(?![\d.])|(\d*)\.(\d+)|(\d+)")
_OFFSET = re.compile(rf"[+\-±]((?:\d+(?:\.\d+)?)?({VARIABLE})(?:/\d+)?)")
_VARIABLE = re.compile(VARIABLE)
_SYMBOL = re.compile(r"[A-Z][a-z]?")
_PIECE = re.compile(r"[A-Z][a-z]?|[a-z]+|[\d./]+(?:[+\-±][a-zδε]*)?|[+\-±][\w./]*|.", re.DOTALL)
_NUMERAL = re.compile(r"\((?:II|III|IV|VI|VII|VIII|IX)\)|(\([IV]\))(\d*)", re.IGNORECASE)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SIGNS = frozenset("+-±")
_ONE = Fraction(1)


class Problem(FormulaError):
    """What is wrong with a formula, without the formula: a clause that follows "... is not a valid formula:".

    Args:
        clause: without full stop.
        letters: whether letters are at fault, so that other capitals may help.
        meant: what to suggest if it can be parsed.
    """

    def __init__(self, clause: str, *, letters: bool = False, meant: str = "") -> None:
        super().__init__(clause)
        self.clause, self.letters, self.meant = clause, letters, meant


@dataclass(frozen=True, slots=True)
class Offset:
    """An unknown amount that is set to zero: `text` is ``δ/2``, `name` is ``δ``."""

    name: str
    text: str


@dataclass(slots=True)
class Term:
    """The amounts of one term and the offsets that are set to zero in it."""

    amounts: Amounts
    offsets: list[Offset] = field(default_factory=list)


def read_term(term: str) -> Term:
    """Return the amounts of a term, multiplied by its leading coefficient.

    Raises:
        Problem: it cannot be parsed.
    """
    parser = _TermParser(term)
    return Term(parser.parse(), parser.offsets)


def add_amount(amounts: Amounts, symbol: str, amount: Fraction) -> None:
    """Add an amount; most symbols occur once, and adding fractions is slow."""
    amounts[symbol] = amounts[symbol] + amount if symbol in amounts else amount


class _TermParser:
    """Parses one term from left to right."""

    def __init__(self, term: str) -> None:
        self.term = term
        self.offsets: list[Offset] = []
        self.position = 0

    def parse(self) -> Amounts:
        """Return the amounts of the term, multiplied by its leading coefficient."""
        scale = self._number() or _ONE
        groups: list[Amounts] = [{}]
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
                raise Problem(f"the bracket {character!r} was not opened")
            else:
                symbol = self._symbol()
                add_amount(groups[-1], symbol, self._amount(symbol))
        if opened:
            raise Problem(f"the bracket {opened[-1]!r} is not closed")
        if not groups[0]:
            raise Problem(f"{self.term!r} contains no element")
        return groups[0] if scale is _ONE else {symbol: amount * scale for symbol, amount in groups[0].items()}

    def _close(self, groups: list[Amounts], inner: Amounts) -> None:
        """Multiply the closed group by the amount after it and add it to the enclosing group."""
        if not inner:
            raise Problem("a pair of brackets is empty")
        amount = self._amount("a bracket")
        for symbol, count in inner.items():
            add_amount(groups[-1], symbol, count * amount)

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
            raise Problem(f"{piece!r} is not an element", letters=True)
        raise self._unreadable()

    def _amount(self, owner: str) -> Fraction:
        """Parse the amount after an element or a bracket; 1 if there is none."""
        amount = self._number() or _ONE
        offset = _OFFSET.match(self.term, self.position)
        if offset:
            self.offsets.append(Offset(name=offset.group(2), text=offset.group(1)))
            self.position = offset.end()
        elif self.term[self.position : self.position + 1] in _SIGNS or _VARIABLE.match(self.term, self.position):
            raise self._unreadable(f" after {owner}")
        return amount

    def _piece(self) -> str:
        """Return the text at the position, for a message."""
        match = _PIECE.match(self.term, self.position)
        return match.group() if match else ""

    def _unreadable(self, where: str = "") -> Problem:
        """Return the error for the text at the position that cannot be parsed."""
        piece = self._piece()
        if _VARIABLE.match(piece):
            small = not any(character.isupper() for character in self.term)  # v2o5
            return Problem(f"{piece!r}{where} is a variable without a value", letters=small)
        if re.match(r"-\d", piece):
            return Problem(f"{piece!r}{where} is a negative amount")
        if piece == ",":
            return Problem("',' between elements leaves their amounts open; write them, such as Ba0.5Sr0.5")
        return Problem(f"{piece!r}{where} cannot be parsed", letters=piece.isalpha())

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
            raise Problem(f"the amount {match.group()!r} is not positive")
        self.position = match.end()
        return value

    def _refuse_oxidation_state(self) -> None:
        """Reject `Fe(III)`, which would otherwise be parsed as three atoms of iodine.

        `(I)` and `(V)` are iodine and vanadium where an amount follows that ends the term (`Pb(I)2`), or where no
        symbol stands before them (`[Co(NH3)6](I)3`, `Na3(V)2(PO4)3`).
        """
        match = _NUMERAL.match(self.term, self.position)
        if match is None:
            return
        letter, amount = match.groups()
        before = self.term[: self.position]
        if letter and amount and not (before[-1:].isalpha() and match.end() < len(self.term)):
            return
        element = {"I": " or write 'I' without brackets for iodine", "V": " or write 'V' without brackets for vanadium"}
        written = (letter or match.group()).upper()
        raise Problem(
            f"{letter or match.group()!r} looks like an oxidation state; leave it out{element.get(written[1:-1], '')}"
        )
