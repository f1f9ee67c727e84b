"""Molar masses, and the mass of each precursor for a batch.

Atomic masses are those of pymatgen, which is imported when first needed because the import is slow.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from functools import cache

from rrgraph.chem.composition import Composition
from rrgraph.chem.elements import ELEMENTS
from rrgraph.chem.equation import BalancedEquation
from rrgraph.errors import RRGraphError

__all__ = ["added_mass", "batch_masses", "molar_mass"]


def molar_mass(composition: Composition) -> float:
    """Return the mass of one mole of formula units as typed, in g/mol."""
    masses = _atomic_masses()
    return sum(float(amount) * masses[symbol] for symbol, amount in composition.amounts)


def batch_masses(equation: BalancedEquation, target_grams: float) -> dict[Composition, float]:
    """Return the grams of each precursor that give `target_grams` grams of target, in the equation's order.

    Raises:
        RRGraphError: `target_grams` is not a positive finite number.
    """
    moles = _moles(equation.target, target_grams)
    return {
        precursor: float(coefficient) * moles * molar_mass(precursor) for precursor, coefficient in equation.precursors
    }


def added_mass(target: Composition, target_grams: float, added: Composition, amount: Fraction) -> float:
    """Return the grams of a material that is added to a target, so many formula units to one of the target.

    >>> from rrgraph.chem import parse_formula
    >>> f"{added_mass(parse_formula('Y2O3'), 10, parse_formula('Eu2O3'), Fraction(1, 40)):.4f}"
    '0.3896'

    Raises:
        RRGraphError: `target_grams` is not a positive finite number.
    """
    return float(amount) * _moles(target, target_grams) * molar_mass(added)


def _moles(target: Composition, target_grams: float) -> float:
    """Return the moles of formula units in so many grams.

    Raises:
        RRGraphError: `target_grams` is not a positive finite number.
    """
    if isinstance(target_grams, bool) or not isinstance(target_grams, (int, float)):
        raise RRGraphError(f"The batch size must be a number of grams, not {target_grams!r}.")
    if not 0 < target_grams <= sys.float_info.max:
        raise RRGraphError(f"The batch size must be a positive number of grams, not {target_grams!r}.")
    return target_grams / molar_mass(target)


@cache
def _atomic_masses() -> dict[str, float]:
    """Return atomic masses in g/mol by symbol."""
    from pymatgen.core.periodic_table import Element

    return {symbol: float(Element(symbol).atomic_mass) for symbol in ELEMENTS}
