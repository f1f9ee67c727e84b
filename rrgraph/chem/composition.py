"""The composition of one material, identified by its canonical key."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ["Composition"]


@dataclass(frozen=True, slots=True)
class Composition:
    """The amount of each element; equal to every other spelling of the same material.

    Attributes:
        key: canonical reduced formula; two compositions are equal when their keys are.
        formula: the spelling as typed, for display only.
        amounts: (element symbol, exact amount) pairs of the formula unit as typed, sorted by symbol.

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

    @property
    def elements(self) -> frozenset[str]:
        """Symbols of the elements."""
        return frozenset(symbol for symbol, _ in self.amounts)

    @property
    def fractions(self) -> dict[str, float]:
        """Atomic fractions by element symbol; they sum to 1."""
        total = sum(amount for _, amount in self.amounts)
        return {symbol: float(amount / total) for symbol, amount in self.amounts}

    def __str__(self) -> str:
        return self.formula
