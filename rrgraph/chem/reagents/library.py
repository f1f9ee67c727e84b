"""The bundled library: compounds that can be bought or are commonly made, with usual spelling, name and CAS number.

`make_reagents.py` made the file; README.md names its sources.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.reagents.groups import WATER

__all__ = ["Reagent", "find_reagent", "reagent_library", "usual_spelling"]

#: Spellings of compositions that are no reagents, mostly misprints that tables of reactions hold.
_SPELLINGS: Final = """
    AlC3H7O3 Sr5Cl13·5H2O Na5P5H20O26 MnC4H8O4 FeC2H22N4O16P2 Ni4CO3(OH)4 Ca5S5O21·5H2O Zr(CH3COO)2
    Zr(C5H8O2)4 H3PW9O31
"""


class Reagent(NamedTuple):
    """A compound of the library.

    Attributes:
        composition: in its usual spelling.
        name: systematic or common name.
        cas: registry number, empty where it is not certain.
    """

    composition: Composition
    name: str
    cas: str

    @property
    def is_hydrate(self) -> bool:
        """Whether the formula ends in water."""
        return self.composition.formula.endswith(WATER) and "·" in self.composition.formula


@cache
def reagent_library() -> Mapping[str, Reagent]:
    """Return the library by canonical key.

    >>> from rrgraph.chem import parse_formula
    >>> found = reagent_library()[parse_formula("BaN2O6").key]
    >>> found.composition.formula, found.name, found.cas
    ('Ba(NO3)2', 'barium nitrate', '10022-31-8')
    """
    text = (resources.files(__package__) / "reagents.csv").read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines()[1:])
    listed = (Reagent(parse_formula(formula), name, cas) for formula, name, cas in rows)
    return {each.composition.key: each for each in listed}


def find_reagent(composition: Composition) -> Reagent | None:
    """Return the entry of a composition, None if the library lacks it."""
    return reagent_library().get(composition.key)


def usual_spelling(composition: Composition) -> Composition | None:
    """Return a composition as chemists write it, None if that is not known.

    >>> from rrgraph.chem import parse_formula
    >>> usual_spelling(parse_formula("KCO2")).formula, usual_spelling(parse_formula("H5NF2")).formula
    ('K2C2O4', 'NH4HF2')
    """
    found = reagent_library().get(composition.key)
    return _further_spellings().get(composition.key) if found is None else found.composition


@cache
def _further_spellings() -> Mapping[str, Composition]:
    return {each.key: each for each in map(parse_formula, _SPELLINGS.split())}
