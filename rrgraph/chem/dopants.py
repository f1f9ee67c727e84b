"""Dopants after a colon: `CaAlSiN3:Eu2+`, `Y2O3:0.05Eu`, `SrAl2O4:Eu,Dy`, `NaYF4:20%Yb3+,2%Er3+`, `Al-doped ZnO`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from rrgraph.chem.composition import Dopant
from rrgraph.chem.elements import ATOMIC_NUMBERS
from rrgraph.chem.spelling import SUPERSCRIPTS
from rrgraph.chem.terms import VARIABLE, Problem

__all__ = ["BRACKETED_ION", "bracketed_dopants", "separate_dopants"]

_DIGITS: Final = str.maketrans(SUPERSCRIPTS, "0123456789")
_DOPED: Final = re.compile(
    r"(?P<dopants>.+?)[\s-]*(?:\b(?:co|tri)-?)?(?:doped|activated|substituted)[\s-]+(?!with\b|by\b)(?P<host>.+)"
    r"|(?P<left>.+?)\s*,?\s*(?:\b(?:co|tri)-?)?(?:doped|activated)\s+(?:with|by)\s+(?P<right>.+)",
    re.IGNORECASE,
)
_PERCENT: Final = r"(?:mol\.?\s*%|at\.?\s*%|%\s*mol|mol\b|%)"
_NUMBER: Final = r"(?:\d+(?:\.\d+)?|\.\d+|\d+/\d+)"
_CHARGE: Final = r"(?P<charge>\^?\(?\d?[+-]\)?|\(?[+-]\d\)?|\([IV]+\))?"
_ION: Final = re.compile(
    rf"(?P<before>{_NUMBER})?\s*(?P<percent>{_PERCENT})?\s*(?:of\s+)?\(?(?P<symbol>[A-Z][a-z]?){_CHARGE}"
    rf"\s*(?P<after>{_NUMBER})?\)?\s*\(?(?:(?P<last>{_NUMBER})?\s*(?P<percent_after>{_PERCENT}))?\)?"
)
_BETWEEN: Final = re.compile(
    r"(?<=\D)\s*[,/&+]\s*(?=[\d.]*\s*(?:mol|%|[A-Z]))|(?<=[\d%]),\s+|,(?=[A-Z])|(?<=[%)+]),|\s+and\s+"
)
_BEHIND: Final = re.compile(
    r"(?P<host>[A-Z].*[A-Za-z\d)\]])\s*\((?P<dopants>[A-Z][a-z]?(?:\d?[+-])?(?:,\s*[A-Z][a-z]?(?:\d?[+-])?)*)\)"
)
#: What ends a text that may have dopants in brackets.
BRACKETED_ION: Final = r"[A-Za-z\d)\]]\([A-Z][a-z]?\)$"
_ROMAN: Final = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7}


def separate_dopants(text: str) -> tuple[str, tuple[Dopant, ...]]:
    """Return the host of a plain spelling, and its dopants; none where the text names none.

    >>> separate_dopants("Y2O3:0.05Eu")
    ('Y2O3', (Dopant(symbol='Eu', amount=Fraction(1, 20), charge=None),))

    Raises:
        Problem: a dopant cannot be read.
    """
    doped = _DOPED.fullmatch(text)
    if doped:
        return _host(doped["host"] or doped["left"]), _dopants(doped["dopants"] or doped["right"])
    if ":" not in text:
        return text, ()
    host, *rest = text.split(":")
    if len(rest) > 1:
        raise Problem(f"it has {len(rest)} colons, expected one between host and dopants")
    left, right = host.strip(), rest[0].strip()
    if not left or not right:
        raise Problem("one side of ':' is empty")
    # Lasers are named the other way round: Nd:YVO4.
    if _are_ions(left) and not _are_ions(right):
        left, right = right, left
    return _host(left), _dopants(right)


def bracketed_dopants(text: str) -> tuple[str, tuple[Dopant, ...]] | None:
    """Return the host and the dopants in brackets behind it, as in `NaI(Tl)`; None where there are none.

    Whether the rest is a host, and not a part of a formula, has to be seen from its charges.
    """
    match = _BEHIND.fullmatch(text)
    return (match["host"], _dopants(match["dopants"])) if match and _are_ions(match["dopants"]) else None


def _host(text: str) -> str:
    """Return the host without the brackets around all of it."""
    bare = text.strip().removesuffix("-").strip()
    return bare[1:-1] if re.fullmatch(r"\([^()]*\)|\[[^\[\]]*\]", bare) else bare


def _parts(text: str) -> list[str]:
    bare = text.translate(_DIGITS).strip("[]{},; ")
    inner = bare[1:-1] if re.fullmatch(r"\([^()]*\)", bare) else bare
    return [part.strip() for part in _BETWEEN.split(inner)]


def _are_ions(text: str) -> bool:
    found = [_ION.fullmatch(part) for part in _parts(text)]
    return all(match is not None and match["symbol"] in ATOMIC_NUMBERS for match in found)


def _dopants(text: str) -> tuple[Dopant, ...]:
    dopants = []
    for part in _parts(text):
        match = _ION.fullmatch(part)
        if match is None:
            _refuse(part)
        elif match["symbol"] not in ATOMIC_NUMBERS:
            raise Problem(f"the dopant {match['symbol']!r} is not an element")
        else:
            dopants.append(_dopant(match, part))
    symbols = [dopant.symbol for dopant in dopants]
    twice = next((symbol for symbol in symbols if symbols.count(symbol) > 1), None)
    if twice:
        raise Problem(f"the dopant {twice} is named twice")
    return tuple(dopants)


def _refuse(part: str) -> None:
    """Refuse what is not a dopant.

    Raises:
        Problem: always.
    """
    variable = re.search(rf"(?<![A-Za-z]){VARIABLE}|(?<=[A-Z][a-z]){VARIABLE}$", part)
    if variable:
        raise Problem(f"the amount of the dopant {part!r} depends on {variable[0]!r}, which has no value")
    if re.search(r"(?:wt|vol)", part):
        raise Problem(f"the dopant {part!r} is given by weight or volume, expected mol % or atoms per formula unit")
    raise Problem(
        f"{part!r} is not a dopant, expected an element with or without charge and amount, such as 'Eu', 'Eu2+' or "
        "'0.05Eu'"
    )


def _dopant(match: re.Match[str], part: str) -> Dopant:
    given = [match[name] for name in ("before", "after", "last") if match[name]]
    if len(given) > 1:
        raise Problem(f"the dopant {part!r} has two amounts")
    percent = match["percent"] or match["percent_after"]
    amount = None
    if given:
        if given[0].endswith("/0") or not (amount := Fraction(given[0])):
            raise Problem(f"the amount of the dopant {part!r} is not positive")
        amount = amount / 100 if percent else amount
        if amount >= 1 and not percent:
            raise Problem(
                f"{part!r} would be {given[0]} or more atoms per formula unit of the host; write "
                f"{given[0]}%{match['symbol']} for mol %"
            )
    elif percent:
        raise Problem(f"the dopant {part!r} has a '%' without a number")
    return Dopant(match["symbol"], amount, _charge(match["charge"]))


def _charge(text: str | None) -> int | None:
    if not text:
        return None
    bare = text.strip("^()")
    if bare in _ROMAN:
        return _ROMAN[bare]
    size = int(bare.strip("+-") or 1)
    return -size if "-" in bare else size
