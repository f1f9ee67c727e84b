"""Several materials in one text: solid solutions with coefficients, which are read, and composites, which are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from rrgraph.chem.acronyms import explain_abbreviation
from rrgraph.chem.spelling import SEPARATOR
from rrgraph.chem.terms import VARIABLE, Amounts, Problem, add_amount

__all__ = ["parts_of_mixture", "refuse_composite", "sum_of_parts"]

Reader = Callable[[str], Amounts]

_CARBONS: Final = (
    "graphene|rGO|RGO|GO|MWCNTs?|SWCNTs?|CNTs?|CNFs?|CB|KB|carbon(?: black| nanotubes?| fibers?| cloth)?|graphite|"
    "Super ?P|PANI|PPy|PVDF|PEDOT|polyaniline|polypyrrole|MXenes?|g-C3N4|C"
)
_BETWEEN_PHASES: Final = re.compile(
    rf"\s*(?:/(?!\d)|(?<=[A-Z)\]])/|(?<=[A-Z][a-ce-lo-t])/|@|&|[-+](?=(?:{_CARBONS})$))\s*"
)
_PERCENT: Final = r"(?P<unit>mol\.?%|%|wt\.?%|vol\.?%|at\.?%|%mol)"
_COEFFICIENT: Final = r"(?=(?:\d+(?:\.\d+|/[1-9]\d*)?|\.\d+)?(?:(?:mol\.?|wt\.?|vol\.?|at\.?)?%(?:mol)?)?[A-Z(\[{])"
_JOINER: Final = re.compile(rf"[-+]{_COEFFICIENT}")
_JOINER_OF_PERCENTS: Final = re.compile(rf"[-+{SEPARATOR}]{_COEFFICIENT}")
_PART: Final = re.compile(
    rf"(?P<number>\d+(?:\.\d+|/[1-9]\d*)?|\.\d+)?{_PERCENT}?(?P<formula>.+?)(?P<scale>\)\d[\d./]*)?"
)
_ALL_PERCENT: Final = re.compile(r"(?:\((?:in)?mol\.?%\)|,?(?:in)?mol\.?%)$")
_VARIABLE_COEFFICIENT: Final = re.compile(
    rf"(?:^|[-+])(?P<written>\(?[\d.]*[-+]?[\d.]*(?P<name>{VARIABLE})[\d.]*(?:[-+][\d.a-z]+)*\)?(?:/\d+)?)(?=[A-Z(\[{{])(?!Bu|Pr)"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A material with its coefficient, None when there is none.

    The unit is ``%``, ``behind`` for a coefficient that stays in the formula, as in `(BaTiO3)0.9`, or empty.
    """

    formula: str
    coefficient: Fraction | None
    unit: str


def parts_of_mixture(text: str) -> tuple[list[Part], str]:
    """Return the materials that dashes or plus signs outside of brackets join, and the joiner; one material for none.

    Args:
        text: in plain spelling without blanks.

    Raises:
        Problem: a coefficient has a variable, or is given by weight or volume.
    """
    bare = _ALL_PERCENT.sub("", text)
    depths = _depths(bare)
    joiner = _JOINER if "%" not in bare else _JOINER_OF_PERCENTS
    cuts = [match.start() for match in joiner.finditer(bare) if match.start() and not depths[match.start()]]
    variable = next(
        (
            match
            for match in _VARIABLE_COEFFICIENT.finditer(bare)
            if not depths[match.start("written")] and (match.start() == 0 or cuts)
        ),
        None,
    )
    if variable:
        written = re.sub(r"^\((.*)\)$", r"\1", variable["written"])
        depends = "" if written == variable["name"] else f" depends on {variable['name']!r}, which"
        raise Problem(f"{written!r}{depends} has no value")
    if not cuts:
        return [Part(text, None, "")], ""
    edges = [-1, *cuts, len(bare)]
    pieces = [bare[start + 1 : end] for start, end in pairwise(edges)]
    joiners = {bare[cut] for cut in cuts}
    if len(joiners) > 1:
        raise Problem("it joins materials by '+' and '-'; write one of them, such as 0.9BaTiO3-0.1CaTiO3")
    return [_part(piece) for piece in pieces], joiners.pop()


def sum_of_parts(parts: Sequence[Part], joiner: str, read: Reader) -> tuple[Amounts, tuple[str, ...]]:
    """Return the amounts of a mixture, and remarks on coefficients that were assumed.

    Args:
        parts: at least two.
        joiner: between them.
        read: returns the amounts of a formula.

    Raises:
        Problem: a part is not a formula of several elements, or its amount is not given.
    """
    amounts = [read(part.formula) for part in parts]
    for part, found in zip(parts, amounts, strict=True):
        if len(found) < 2:
            raise Problem(f"it joins several materials by {joiner!r}, of which {part.formula!r} is an element")
    coefficients, remarks = _coefficients(parts, joiner)
    total: Amounts = {}
    for coefficient, found in zip(coefficients, amounts, strict=True):
        for symbol, amount in found.items():
            add_amount(total, symbol, coefficient * amount)
    return total, remarks


def refuse_composite(text: str, read: Reader) -> None:
    """Refuse several phases side by side (`LiFePO4/C`), naming those that are formulas of several elements.

    Raises:
        Problem: the text names several phases.
    """
    pieces = [piece for piece in _BETWEEN_PHASES.split(text) if piece]
    if len(pieces) < 2:
        return
    if re.search(r"\([^()]*[/&][^()]*\)", text):
        raise Problem("'/' in brackets leaves the amounts open; write them, such as (Mg0.5Zn0.5)O")
    abbreviation = next(filter(None, map(explain_abbreviation, pieces)), None)
    if abbreviation:
        raise Problem(f"it names a composite of several phases, and {abbreviation}")
    plannable = [repr(piece) for piece in dict.fromkeys(pieces) if _is_compound(piece, read)]
    parts = " or ".join(plannable)
    advice = f"plan {parts} alone" if plannable else "write one formula"
    raise Problem(f"it names a composite of several phases; {advice}")


def _is_compound(text: str, read: Reader) -> bool:
    try:
        return len(read(text)) > 1
    except Problem:
        return False


def _part(text: str) -> Part:
    match = _PART.fullmatch(text)
    assert match is not None  # the pattern takes anything
    unit = match["unit"] or ""
    if unit.startswith(("wt", "vol", "at")):
        raise Problem(f"{text!r} is given in {unit}, expected mol % or coefficients")
    if match["number"] is None and match["scale"] and match["formula"].startswith("("):
        return Part(text, Fraction(1), "behind")
    number = match["number"]
    if unit and number is None:
        raise Problem(f"{text!r} has a '%' without a number")
    if number is not None and not Fraction(number):
        raise Problem(f"the amount {number!r} is not positive")
    return Part(
        (match["formula"] or "") + (match["scale"] or ""),
        None if number is None else Fraction(number),
        "%" if unit else "",
    )


def _coefficients(parts: Sequence[Part], joiner: str) -> tuple[list[Fraction], tuple[str, ...]]:
    given = [part.coefficient / 100 if part.unit == "%" and part.coefficient else part.coefficient for part in parts]
    missing = [part.formula for part, value in zip(parts, given, strict=True) if value is None]
    if not missing:
        return [value for value in given if value is not None], ()
    names = " and ".join(repr(name) for name in missing)
    known = sum((value for value in given if value is not None), Fraction(0))
    percents = any(part.unit == "%" for part in parts)
    if len(missing) == len(parts) or (joiner == "+" and not percents) or len(missing) > 1:
        raise Problem(
            f"it joins materials by {joiner!r} without an amount of {names}; write them, such as 0.9BaTiO3-0.1CaTiO3"
        )
    if percents and known >= 1:
        raise Problem(f"the percentages leave nothing for {names}")
    rest = 1 - known if percents and joiner == "-" else Fraction(1)
    share = f"{float(rest):.6g}"
    return [rest if value is None else value for value in given], (f"the amount of {names} is taken as {share}",)


def _depths(text: str) -> list[int]:
    """Return how many brackets are open at each place."""
    depth, depths = 0, []
    for character in text:
        depth -= character in ")]}"
        depths.append(depth)
        depth += character in "([{"
    return depths
