"""Anything that stands for a material, read as one composition: a formula, a pymatgen object, a structure file."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeGuard, runtime_checkable

from rrgraph.chem.composition import Composition
from rrgraph.chem.formula import composition_from_amounts, parse_formula, without_dopants
from rrgraph.errors import DataError, FormulaError, reason_of

__all__ = ["Material", "as_composition", "as_compositions", "is_material", "is_structure_file", "read_structure"]

_STRUCTURE_FILE = re.compile(r"(.*\.(cif|mcif|vasp|poscar|contcar)|(poscar|contcar)([._-].*)?)", re.IGNORECASE)


@runtime_checkable
class _HasAmounts(Protocol):
    """A pymatgen `Composition`, which need not be imported to be known by its method."""

    def get_el_amt_dict(self) -> dict[str, float]:
        """Return the amount of each element."""
        ...


@runtime_checkable
class _HasComposition(Protocol):
    """A pymatgen `Structure`, `Molecule` or `ComputedEntry`."""

    @property
    def composition(self) -> Any:
        """What it is made of."""
        ...


Material: TypeAlias = str | Composition | Mapping[str, float] | _HasAmounts | _HasComposition
"""A formula, the name of a CIF or POSCAR file, a composition of ours, amounts by element, or a pymatgen `Composition`,
`Structure` or `ComputedEntry`."""


def as_composition(material: Material, *, dopants: bool = False) -> Composition:
    """Return the composition of a material.

    A cell counts as one reduced formula unit: a `Structure` of four BaTiO3 is BaTiO3.

    >>> as_composition("BaTiO3")
    Composition(key='BaO3Ti', formula='BaTiO3')

    Args:
        material: formula, composition, pymatgen object, or name of a structure file.
        dopants: whether dopants may be named, as in `Y2O3:0.05Eu`; the composition is then that of the host.

    Raises:
        FormulaError: it is not a material, its formula cannot be read, or it names dopants.
        DataError: the structure file cannot be read.
    """
    if isinstance(material, Composition):
        return material if dopants else without_dopants(material)
    if isinstance(material, str):
        return read_structure(material) if is_structure_file(material) else parse_formula(material, dopants=dopants)
    if isinstance(material, _HasAmounts):
        return composition_from_amounts(material.get_el_amt_dict())
    if isinstance(material, Mapping):
        return composition_from_amounts(material)
    inner = getattr(material, "composition", None)
    if isinstance(inner, _HasAmounts):
        reduced: Any = getattr(inner, "reduced_composition", inner)
        return composition_from_amounts(reduced.get_el_amt_dict())
    raise FormulaError(
        "A material must be a formula such as 'Fe2O3', a composition, or a pymatgen Composition, Structure or "
        f"ComputedEntry, not {type(material).__name__}."
    )


def is_material(value: object) -> TypeGuard[Material]:
    """Whether a value stands for one material, and not for several."""
    return isinstance(value, str | Composition | Mapping | _HasAmounts | _HasComposition)


def as_compositions(materials: Material | Iterable[Material], *, dopants: bool = False) -> list[Composition]:
    """Return the compositions of one material or of several.

    >>> [str(each) for each in as_compositions(["BaTiO3", "Ba(NO3)2"])]
    ['BaTiO3', 'Ba(NO3)2']

    Args and errors are those of `as_composition`.
    """
    if not isinstance(materials, list | tuple) and is_material(materials):
        return [as_composition(materials, dopants=dopants)]
    if not isinstance(materials, Iterable):
        return [as_composition(materials)]  # which says what was expected
    return [as_composition(each, dopants=dopants) for each in materials]


def is_structure_file(name: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a CIF or POSCAR file, which no formula looks like."""
    return _STRUCTURE_FILE.fullmatch(Path(name).name) is not None


def read_structure(path: str | os.PathLike[str]) -> Composition:
    """Return the composition of the structure in a CIF or POSCAR file.

    Raises:
        DataError: there is no such file, or it does not hold a structure.
    """
    if not Path(path).is_file():
        raise DataError(f"There is no structure file '{path}'.")
    from pymatgen.core.structure import Structure

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of occupancies that are rounded, and the like
            return as_composition(Structure.from_file(Path(path)))
    except FormulaError as error:
        raise DataError(f"'{path}' holds a structure whose composition cannot be used: {error}") from None
    except Exception as error:  # whatever the readers of pymatgen stumble over
        reason = reason_of(error, most=200)
        raise DataError(f"'{path}' is not a CIF or POSCAR file that can be read: {reason}.") from None
