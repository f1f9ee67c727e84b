"""A balanced equation with exact coefficients, and its text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import format_amount
from rrgraph.chem.gases import BYPRODUCTS, Atmosphere, implied_atmosphere

__all__ = ["BalancedEquation", "Term", "format_coefficient"]

#: A composition and how many of its formula units (as typed) take part.
Term = tuple[Composition, Fraction]

_SIGNIFICANT_DIGITS = 4
_LARGEST_DENOMINATOR = 99


@dataclass(frozen=True, slots=True)
class BalancedEquation:
    """An equation that conserves every element exactly; every coefficient is positive.

    >>> from rrgraph.chem import balance
    >>> print(balance("LiCoO2", ["Li2CO3", "Co3O4"]).integer())
    6 Li2CO3 + 4 Co3O4 + O2 → 12 LiCoO2 + 6 CO2

    Attributes:
        target: the material made; its coefficient is 1 formula unit as typed.
        precursors: solids that are consumed, in the order given.
        reactant_gases: gases taken up from the atmosphere, the most common first.
        byproducts: what is released, gases first, the most common of them first; `solid_byproducts` are those that
            remain beside the target.

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

    @property
    def atmosphere(self) -> Atmosphere:
        """The least unusual atmosphere in which this can happen.

        >>> from rrgraph.chem import balance
        >>> balance("LiCoO2", ["Li2CO3", "Co3O4"]).atmosphere.value
        'air'
        """
        return implied_atmosphere(
            self.target,
            [precursor for precursor, _ in self.precursors],
            taken_up=[gas for gas, _ in self.reactant_gases],
            released=[product for product, _ in self.byproducts],
        )

    @property
    def solid_byproducts(self) -> tuple[Term, ...]:
        """Those by-products that are no gases: salts that were allowed, B2O3, carbon."""
        return tuple(term for term in self.byproducts if term[0] not in BYPRODUCTS)

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
