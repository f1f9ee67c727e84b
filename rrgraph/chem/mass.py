"""Molar masses, and the mass of each precursor for a batch.

Atomic masses are those of pymatgen, which is imported when first needed because the import is slow.
"""

from __future__ import annotations

import sys
from functools import cache

from rrgraph.chem.composition import Composition
from rrgraph.chem.elements import ELEMENTS
from rrgraph.chem.equation import BalancedEquation
from rrgraph.errors import RRGraphError

__all__ = ["batch_masses", "molar_mass"]


def molar_mass(composition: Composition) -> float:
    """Return the mass of one mole of formula units as typed, in g/mol."""
    masses = _atomic_masses()
    return sum(float(amount) * masses[symbol] for symbol, amount in composition.amounts)


def batch_masses(equation: BalancedEquation, target_grams: float) -> dict[Composition, float]:
    """Return the grams of each precursor that give `target_grams` grams of target, in the equation's order.

    Raises:
        RRGraphError: `target_grams` is not a positive finite number.
    """
    if isinstance(target_grams, bool) or not isinstance(target_grams, (int, float)):
        raise RRGraphError(f"The batch size must be a number of grams, not {target_grams!r}.")
    if not 0 < target_grams <= sys.float_info.max:
        raise RRGraphError(f"The batch size must be a positive number of grams, not {target_grams!r}.")
    moles = target_grams / molar_mass(equation.target)
    return {
        precursor: float(coefficient) * moles * molar_mass(precursor) for precursor, coefficient in equation.precursors
    }


@cache
def _atomic_masses() -> dict[str, float]:
    """Return atomic masses in g/mol by symbol."""
    from pymatgen.core.periodic_table import Element

    return {symbol: float(Element(symbol).atomic_mass) for symbol in ELEMENTS}
