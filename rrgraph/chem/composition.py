"""The composition of one material, identified by its canonical key, and the dopants named beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm

__all__ = ["Composition", "Dopant"]


@dataclass(frozen=True, slots=True)
class Dopant:
    """An element that is added to a host in a small amount.

    >>> from rrgraph.chem import parse_formula
    >>> print(*parse_formula("NaYF4:20%Yb3+,Er").dopants, sep=", ")
    0.2 Yb3+, Er

    Attributes:
        symbol: of the element.
        amount: atoms per formula unit of the host as typed, None when not stated; 2 mol % are 0.02 atoms.
        charge: as typed, None when not stated.
    """

    symbol: str
    amount: Fraction | None = None
    charge: int | None = None

    @property
    def ion(self) -> str:
        """The symbol with the charge, if it is stated: ``Eu2+``."""
        if self.charge is None:
            return self.symbol
        return f"{self.symbol}{abs(self.charge) if abs(self.charge) > 1 else ''}{'+' if self.charge > 0 else '-'}"

    def __str__(self) -> str:
        return self.ion if self.amount is None else f"{float(self.amount):.6g} {self.ion}"


@dataclass(frozen=True, slots=True)
class Composition:
    """The amount of each element; equal to every other spelling of the same material.

    >>> from rrgraph.chem import parse_formula
    >>> sorted(parse_formula("BaTiO3").elements)
    ['Ba', 'O', 'Ti']

    Attributes:
        key: canonical reduced formula; two compositions are equal when their keys are.
        formula: the spelling as typed, for display only.
        amounts: (element symbol, exact amount) pairs of the formula unit as typed, sorted by symbol.
        dopants: named beside the host (`Y2O3:0.05Eu`); they are not part of the amounts, and a host with dopants
            equals the host alone.
        elements: symbols of the elements.
        scale: smallest number by which all amounts are whole.
        whole: the amounts times `scale`, in order.

    Examples:
        >>> from rrgraph.chem import parse_formula
        >>> parse_formula("Fe4O6") == parse_formula("Fe2O3")
        True
        >>> parse_formula("Fe2O3").fractions
        {'Fe': 0.4, 'O': 0.6}
    """

    key: str
    formula: str = field(compare=False)
    amounts: tuple[tuple[str, Fraction], ...] = field(compare=False, repr=False)
    dopants: tuple[Dopant, ...] = field(default=(), compare=False, repr=False)

    elements: frozenset[str] = field(init=False, compare=False, repr=False)
    scale: int = field(init=False, compare=False, repr=False)
    whole: tuple[int, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        scale = lcm(*[amount.denominator for _, amount in self.amounts])
        whole = tuple([amount.numerator * (scale // amount.denominator) for _, amount in self.amounts])
        found = frozenset([symbol for symbol, _ in self.amounts]), scale, whole
        for name, value in zip(("elements", "scale", "whole"), found, strict=True):
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def atoms(self) -> Fraction:
        """Number of atoms of the formula unit as typed."""
        return Fraction(sum(self.whole), self.scale)

    @property
    def floats(self) -> dict[str, float]:
        """The amounts of the formula unit by element symbol, rounded."""
        return {symbol: amount / self.scale for (symbol, _), amount in zip(self.amounts, self.whole, strict=True)}

    @property
    def fractions(self) -> dict[str, float]:
        """Atomic fractions by element symbol; they sum to 1."""
        total = sum(self.whole)
        return {symbol: amount / total for (symbol, _), amount in zip(self.amounts, self.whole, strict=True)}

    def __str__(self) -> str:
        return self.formula
