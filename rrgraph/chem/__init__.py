"""Chemistry of one material: parse any spelling, one canonical composition, its elements.

Flows in: formulas as people type them. Flows out: compositions, balanced equations and batch masses.
"""

from __future__ import annotations

from rrgraph.chem.balance import BalanceError, balance
from rrgraph.chem.canonical import TOLERANCE
from rrgraph.chem.composition import Composition
from rrgraph.chem.elements import ATOMIC_NUMBERS, ELEMENTS, VOLATILE, element_system, source_elements
from rrgraph.chem.equation import BalancedEquation
from rrgraph.chem.formula import FormulaWarning, composition_from_amounts, format_amount, parse_formula
from rrgraph.chem.gases import ATMOSPHERE, BYPRODUCTS
from rrgraph.chem.mass import batch_masses, molar_mass
from rrgraph.chem.spelling import split_parts

__all__ = [
    "ATMOSPHERE",
    "ATOMIC_NUMBERS",
    "BYPRODUCTS",
    "ELEMENTS",
    "TOLERANCE",
    "VOLATILE",
    "BalanceError",
    "BalancedEquation",
    "Composition",
    "FormulaWarning",
    "balance",
    "batch_masses",
    "composition_from_amounts",
    "element_system",
    "format_amount",
    "molar_mass",
    "parse_formula",
    "source_elements",
    "split_parts",
]
