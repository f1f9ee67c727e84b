"""A balanced equation with exact coefficients, and its text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import format_amount

__all__ = ["BalancedEquation", "Term", "format_coefficient"]

#: A composition and how many of its formula units (as typed) take part.
Term = tuple[Composition, Fraction]

_SIGNIFICANT_DIGITS = 4
_LARGEST_DENOMINATOR = 99


@dataclass(frozen=True, slots=True)
class BalancedEquation:
    """An equation that conserves every element exactly; every coefficient is positive.

    Attributes:
        target: the material made; its coefficient is 1 formula unit as typed.
        precursors: solids that are consumed, in the order given.
        reactant_gases: gases taken up from the atmosphere, the most common first.
        byproducts: gases released, the most common first.

    Examples:
        >>> from rrgraph.chem import balance, parse_formula
        >>> equation = balance(parse_formula("LiFePO4"), [parse_formula("Li3PO4"), parse_formula("Fe3(PO4)2")])
        >>> print(equation)
        1/3 Li3PO4 + 1/3 Fe3(PO4)2 → LiFePO4
        >>> equation.integer()
        'Li3PO4 + Fe3(PO4)2 → 3 LiFePO4'
    """

    target: Composition
    precursors: tuple[Term, ...]
    reactant_gases: tuple[Term, ...] = ()
    byproducts: tuple[Term, ...] = ()

    def __str__(self) -> str:
        """``3.5 Li2CO3 + 1.5 La2O3 + 2 ZrO2 → Li7La3Zr2O12 + 3.5 CO2``."""
        return self._text(Fraction(1))

    def integer(self) -> str:
        """Return the same equation in the smallest whole numbers, the target's coefficient included."""
        terms = (*self.precursors, *self.reactant_gases, *self.byproducts)
        return self._text(Fraction(lcm(*(coefficient.denominator for _, coefficient in terms))))

    def _text(self, scale: Fraction) -> str:
        left = (*self.precursors, *self.reactant_gases)
        right = ((self.target, Fraction(1)), *self.byproducts)
        return f"{_side(left, scale)} → {_side(right, scale)}"


def format_coefficient(value: Fraction) -> str:
    """Return a coefficient as text: exactly, as a decimal of up to 4 digits (``0.0125``) or as a fraction with a
    denominator below 100 (``1/12``), otherwise rounded to 4 significant digits.
    """
    exact = format_amount(value)
    if value.denominator == 1 or ("/" not in exact and len(exact.replace(".", "").lstrip("0")) <= _SIGNIFICANT_DIGITS):
        return exact
    if value.denominator <= _LARGEST_DENOMINATOR:
        return f"{value.numerator}/{value.denominator}"
    return f"{float(value):.{_SIGNIFICANT_DIGITS}g}"


def _side(terms: Iterable[Term], scale: Fraction) -> str:
    return " + ".join(
        composition.formula if coefficient * scale == 1 else f"{format_coefficient(coefficient * scale)} {composition}"
        for composition, coefficient in terms
    )
