"""Solids that may remain beside the target, by name or as the salts of a metathesis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rrgraph.chem.charges import ALKALI, ALKALINE_EARTHS, HALOGENS, compound, neutral
from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.materials import Material, as_composition, is_material
from rrgraph.errors import FormulaError, suggestion

__all__ = ["SALTS", "byproduct_elements", "read_byproducts", "solid_byproducts"]

SALTS: Final = "salts"
"""Stands for the halides, sulfates and nitrates of the alkali and alkaline-earth metals among the precursors."""

_SALT_ELEMENTS: Final = ALKALI | ALKALINE_EARTHS | HALOGENS | {"N", "O", "S"}
_ANIONS: Final = {**dict.fromkeys(sorted(HALOGENS), 1), "SO4": 2, "NO3": 1}


def read_byproducts(names: Material | Iterable[Material]) -> tuple[Composition | str, ...]:
    """Return by-products as compositions, and `SALTS` as it is; text is divided at commas.

    >>> [str(each) for each in read_byproducts("NaCl, salts")]
    ['NaCl', 'salts']

    Raises:
        FormulaError: one of them is not a material.
    """
    if is_material(names):
        return tuple(dict.fromkeys(_read(names)))
    if not isinstance(names, Iterable):
        return (as_composition(names),)  # which says what was expected
    return tuple(dict.fromkeys(found for each in names for found in _read(each)))


def _read(material: Material) -> Iterator[Composition | str]:
    if not isinstance(material, str):
        yield as_composition(material)
        return
    for name in filter(None, (text.strip() for text in material.split(","))):
        try:
            yield SALTS if name == SALTS else as_composition(name)
        except FormulaError as error:
            raise FormulaError(f"{error}{suggestion(name, [SALTS])}") from None


def solid_byproducts(
    names: Material | Iterable[Material], precursors: Sequence[Composition]
) -> tuple[Composition, ...]:
    """Return the solids that may remain, `SALTS` replaced by those of the precursors' elements.

    >>> from rrgraph.chem import parse_formula
    >>> [str(each) for each in solid_byproducts("salts", [parse_formula("Na2CO3"), parse_formula("BaCl2")])]
    ['NaCl', 'BaCl2']

    Raises:
        FormulaError: a name is not a material.
    """
    if names == ():
        return ()
    present = frozenset().union(*(precursor.elements for precursor in precursors))
    found = [
        each
        for name in read_byproducts(names)
        for each in (_salts(present) if isinstance(name, str) else [name])
        if each.elements <= present
    ]
    return tuple(dict.fromkeys(found))


def byproduct_elements(byproducts: Iterable[Composition | str]) -> frozenset[str]:
    """Return the elements that by-products may carry away.

    >>> sorted(byproduct_elements(read_byproducts("NaCl, Li2SO4")))
    ['Cl', 'Li', 'Na', 'O', 'S']
    """
    found = [_SALT_ELEMENTS if isinstance(each, str) else each.elements for each in byproducts]
    return frozenset().union(*found)


def _salts(present: frozenset[str]) -> Iterator[Composition]:
    for metals, charge in ((ALKALI, 1), (ALKALINE_EARTHS, 2)):
        for metal in sorted(metals & present):
            for anion, negative in _ANIONS.items():
                metal_count, anion_count = neutral(charge, negative)
                salt = parse_formula(compound((metal, metal_count), (anion, anion_count)))
                if salt.elements <= present:
                    yield salt
