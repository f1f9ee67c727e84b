"""Spelling of formulas: a plain ASCII form of every typed variant, and suggestions for wrong capitals."""

from __future__ import annotations

import re

from rrgraph.chem.elements import ATOMIC_NUMBERS
from rrgraph.errors import FormulaError

__all__ = ["MAX_CHARACTERS", "SEPARATOR", "VARIABLE", "respell", "shorten", "split_terms"]

#: Longest text that is accepted as a formula.
MAX_CHARACTERS = 200
#: Separates the terms of a hydrate or adduct.
SEPARATOR = "·"
#: Pattern of the names people give to an unknown amount.
VARIABLE = r"(?:δ|delta|ε|[dmnuvwxyz])(?![a-z])"

_PLAIN = str.maketrans(
    {
        **dict(zip("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹", "01234567890123456789", strict=True)),
        **dict(zip("₊₋₍₎ₓ⁺⁻⁽⁾ˣ", "+-()x+-()x", strict=True)),
        **dict.fromkeys("•∙⋅‧・*", SEPARATOR),
        **dict.fromkeys("‐‑‒–—−﹣", "-"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", ""),  # invisible characters in copied text
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full-width forms
        "∆": "δ",
        "Δ": "δ",
        "𝛿": "δ",
        "⁄": "/",
        "½": "1/2",
    }
)
# Not after a separator or at the start, where the number is the amount of water (`·2.5H2O`).
_WATER_AFTER_STOP = re.compile(r"(?!^)(?<![·\d.])(\d*)\.((?:\d+/\d+|\d+(?:\.\d+)?)?(?:H2O|\(H2O\)|\[H2O\]))(?=$|[.·])")
_BRACKETED_OFFSET = re.compile(rf"(?<=[A-Za-z)\]}}])[(\[{{](\d+(?:\.\d+)?[+\-±][\d.]*{VARIABLE}(?:/\d+)?)[)\]}}](?!\d)")
_STOP_BEFORE_TERM = re.compile(r"\.(?=[A-Z(\[{])")
_SPACED_NUMBERS = re.compile(r"[\d.]\s+[\d.]")
_DECIMAL_COMMA = re.compile(r"\d+,\d+")
_LETTERS = re.compile(r"[A-Za-z]+")


def split_terms(text: str) -> list[str]:
    """Return the terms of a hydrate or adduct in plain spelling (ASCII digits, no blanks): ``["CuSO4", "5H2O"]``.

    Raises:
        FormulaError: the text is blank, only a blank separates two numbers (`CuSO4 5H2O`), or there is a decimal comma.
    """
    if re.search(r"\d½", text):
        raise FormulaError(f"{text!r} is not a valid formula: write the number before '½' as a decimal.")
    plain = text.translate(_PLAIN).strip()
    if not plain:
        raise FormulaError("The formula is blank.")
    spaced = _SPACED_NUMBERS.search(plain)
    if spaced:
        raise FormulaError(f"{text!r} is not a valid formula: write '·' instead of the blank in {spaced.group()!r}.")
    comma = _DECIMAL_COMMA.search(plain)
    if comma:
        raise FormulaError(f"{text!r} is not a valid formula: write {comma.group()!r} with a decimal point.")
    compact = "".join(plain.split())
    compact = _BRACKETED_OFFSET.sub(r"\1", compact)  # O(3-δ) is O3-δ
    compact = _WATER_AFTER_STOP.sub(_join_water, compact)
    return _STOP_BEFORE_TERM.sub(SEPARATOR, compact).split(SEPARATOR)


def respell(text: str) -> str:
    """Return ``" Did you mean 'NaCl'?"`` if other capitals turn all letters into element symbols, else ``""``."""
    if len(text) > MAX_CHARACTERS:
        return ""
    spelled = []
    for run in _LETTERS.findall(text):
        symbols = _symbols(run)
        if symbols is None:
            return ""
        spelled.append(symbols)
    if not spelled:
        return ""
    symbols_in_order = iter(spelled)
    suggestion = _LETTERS.sub(lambda _: next(symbols_in_order), text)
    return f" Did you mean {suggestion!r}?" if suggestion != text else ""


def shorten(value: object) -> str:
    """Return a value quoted for a message, cut to a readable length."""
    quoted = repr(value)
    return quoted if len(quoted) <= 60 else quoted[:57] + "..."


def _join_water(match: re.Match[str]) -> str:
    whole, water = match.groups()
    return f"{whole}.{water}" if whole == "0" else f"{whole}{SEPARATOR}{water}"


def _symbols(letters: str) -> str | None:
    """Split letters of any case into the fewest element symbols; None if they cannot be."""
    best: list[list[str] | None] = [[]]
    for end in range(1, len(letters) + 1):
        options = []
        for length in (2, 1):
            before = best[end - length] if end >= length else None
            symbol = letters[end - length : end].capitalize()
            if before is not None and symbol in ATOMIC_NUMBERS:
                options.append([*before, symbol])
        best.append(min(options, key=len) if options else None)
    found = best[-1]
    return None if found is None else "".join(found)
