"""Spelling of formulas: a plain ASCII form of every typed variant, and suggestions for wrong letters."""

from __future__ import annotations

import re
import unicodedata

from rrgraph.chem.elements import ATOMIC_NUMBERS
from rrgraph.chem.terms import VARIABLE, Problem

__all__ = [
    "MAX_CHARACTERS",
    "SEPARATOR",
    "SUPERSCRIPTS",
    "compact",
    "other_capitals",
    "plain_spelling",
    "shorten",
    "unquoted",
]

#: Longest text that is accepted as a formula.
MAX_CHARACTERS = 200
#: Separates the terms of a hydrate or adduct.
SEPARATOR = "·"
#: Digits that tell isotopes and charges, never amounts.
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"

_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_PLAIN = str.maketrans(
    {
        **dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)),
        **dict(zip("₊₋₍₎ₓ⁺⁻⁽⁾ˣ", "+-()x+-()x", strict=True)),
        **dict.fromkeys("•∙⋅‧・･·●∗×∘⋆*◦⦁˙․°", SEPARATOR),
        **dict.fromkeys("‐‑‒–—−﹣", "-"),
        **dict.fromkeys("∶꞉ː﹕", ":"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad↑↓", ""),  # invisible characters in copied text, arrows
        **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full-width forms
        **{chr(0x2160 + index): text for index, text in enumerate(_NUMERALS)},
        "∆": "δ",
        "Δ": "δ",
        "𝛿": "δ",
        "⁄": "/",
        "∕": "/",
        "½": "1/2",
        "¼": "1/4",
        "¾": "3/4",
        "⅓": "1/3",
        "⅔": "2/3",
    }
)
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "‘": "’", "«": "»", "”": "”", "’": "’"}
_MARKUP = re.compile(r"<sub>([^<>]*)</sub>|_\{([^{}]*)\}|_(?=\d)|\$", re.IGNORECASE)
_FRACTION = re.compile(r"\d\s*([½¼¾⅓⅔])")
_SPACED_NUMBERS = re.compile(r"[\d.]\s+[\d.]")
_SPACED_STOP = re.compile(r"(?:\s+\.\s*|\.\s+)(?=(?:\d+(?:\.\d+)?)?\s*[(\[]?H2O)|(?<=\d)\s+[xX]\s+(?=[\d(\[A-Z])")
_LETTER_X = re.compile(r"(?<=[\d)\]])[xX](?=\d+(?:\.\d+)?[(\[]?H2O)")
_SEVERAL_DOTS = re.compile(rf"\s*{SEPARATOR}(?:\s*{SEPARATOR})+\s*")
_DECIMAL_COMMA = re.compile(r"\d+,\d+")
_BRACKETED_OFFSET = re.compile(rf"(?<=[A-Za-z)\]}}])[(\[{{](\d+(?:\.\d+)?[+\-±][\d.]*{VARIABLE}(?:/\d+)?)[)\]}}](?!\d)")
_LETTERS = re.compile(r"[A-Za-z]+")
_OTHER_LETTERS = str.maketrans("АВСЕНІКМОРЅТХУасеіорѕхуΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABCEHIKMOPSTXYaceiopsxyABEZHIKMNOPTYX")


def unquoted(text: str) -> str:
    """Return a text without one pair of quotes around it."""
    bare = text.strip()
    if len(bare) > 2 and _QUOTES.get(bare[0]) == bare[-1]:
        return bare[1:-1].strip()
    return bare


def plain_spelling(text: str) -> str:
    """Return a text with ASCII digits, signs and brackets, one kind of separator and one blank at a time.

    Raises:
        Problem: the text is blank, or holds digits or letters of another script.
    """
    text = _MARKUP.sub(r"\1\2", text)
    mixed = _FRACTION.search(text)
    if mixed:
        raise Problem(f"write the number before {mixed[1]!r} as a decimal")
    plain = " ".join(text.translate(_PLAIN).split())
    if not plain:
        raise Problem("the formula is blank")
    for character in "" if plain.isascii() else plain:
        if not character.isascii() and character.isalnum() and character not in _KNOWN:
            _refuse_script(plain, character)
    return _SEVERAL_DOTS.sub(SEPARATOR, plain)


def compact(plain: str) -> str:
    """Return a plain spelling without blanks.

    Raises:
        Problem: only a blank separates two numbers (`CuSO4 5H2O`), or there is a decimal comma.
    """
    plain = _SPACED_STOP.sub(SEPARATOR, plain)
    spaced = _SPACED_NUMBERS.search(plain)
    if spaced:
        raise Problem(f"write '·' instead of the blank in {spaced.group()!r}")
    comma = _DECIMAL_COMMA.search(plain)
    if comma:
        raise Problem(f"write {comma.group()!r} with a decimal point")
    joined = _LETTER_X.sub(SEPARATOR, "".join(plain.split()))
    return _BRACKETED_OFFSET.sub(r"\1", joined)  # O(3-δ) is O3-δ


def other_capitals(text: str) -> str | None:
    """Return a text with the capitals that turn all its letters into element symbols, None if there are none.

    Capitals only become small where all letters are capitals: the M of `BaMO3` stands for a metal, not for that of Mo.
    """
    spelled = []
    for run in _LETTERS.findall(text):
        symbols = _symbols(run)
        if symbols is None:
            return None
        spelled.append(symbols)
    symbols_in_order = iter(spelled)
    found = _LETTERS.sub(lambda _: next(symbols_in_order), text)
    raised = all(new == old or new.isupper() for new, old in zip(found, text, strict=True))
    return found if found != text and (raised or text == text.upper()) else None


def shorten(value: object) -> str:
    """Return a value quoted for a message, cut to a readable length."""
    quoted = repr(value)
    return quoted if len(quoted) <= 60 else quoted[:57] + "..."


#: Letters that are neither ASCII nor a mistake: labels of phases and names of unknown amounts.
_KNOWN = frozenset("αβγδεζηθικλμνξοπρστυφχψω" + SUPERSCRIPTS)


def _refuse_script(plain: str, character: str) -> None:
    """Refuse a digit or letter of another script, and say which are meant.

    Raises:
        Problem: always.
    """
    value = unicodedata.digit(character, None)
    if value is not None:
        meant = "".join(each if each.isascii() else str(unicodedata.digit(each, each)) for each in plain)
        raise Problem(f"{character!r} is a digit of another script", meant=meant)
    script = unicodedata.name(character, "unknown").split()[0].capitalize()
    meant = plain.translate(_OTHER_LETTERS)
    raise Problem(f"{character!r} is a letter of another script ({script})", meant=meant)


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
