"""One material as the rest of the package sees it: a frozen composition with one canonical key."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ["Composition"]


@dataclass(frozen=True, slots=True)
class Composition:
    """Amounts of each element, equal to every other spelling of the same material.

    >>> from rrgraph.chem import parse_formula
    >>> sorted(parse_formula("BaTiO3").elements)
    ['Ba', 'O', 'Ti']

    Attributes:
        key: canonical reduced formula; two compositions are equal when their keys are.
        formula: the spelling that was typed, for display only.
        amounts: (element symbol, exact amount) pairs of the formula unit as typed, sorted by symbol.
    """

    key: str
    formula: str = field(compare=False)
    amounts: tuple[tuple[str, Fraction], ...] = field(compare=False, repr=False)

    @property
    def elements(self) -> frozenset[str]:
        """The element symbols."""
        return frozenset(symbol for symbol, _ in self.amounts)

    @property
    def fractions(self) -> dict[str, float]:
        """Atomic fractions by element symbol; they sum to 1."""
        total = sum(amount for _, amount in self.amounts)
        return {symbol: float(amount / total) for symbol, amount in self.amounts}

    def __str__(self) -> str:
        return self.formula
