"""Balanced equations of one target's sets, each worked out once for whoever asks."""

from __future__ import annotations

from rrgraph.chem import BalancedEquation, BalanceError, Composition, balance
from rrgraph.data import PrecursorSet

__all__ = ["Equations"]


class Equations:
    """The equations by which sets of precursors make one target.

    Args:
        target: what is made.
    """

    def __init__(self, target: Composition) -> None:
        self.target = target
        self._found: dict[tuple[str, ...], BalancedEquation | None] = {}

    def of(self, precursors: PrecursorSet) -> BalancedEquation | None:
        """Return the equation of a set, None when it cannot be balanced; see `rrgraph.chem.balance`."""
        spelling = tuple(precursor.formula for precursor in precursors)
        if spelling not in self._found:
            try:
                self._found[spelling] = balance(self.target, precursors)
            except BalanceError:
                self._found[spelling] = None
        return self._found[spelling]

    def balances(self, precursors: PrecursorSet) -> bool:
        """Return whether a set can be balanced."""
        return self.of(precursors) is not None
