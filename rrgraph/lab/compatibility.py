"""Precursors that must not be mixed, whatever a model thinks of the set."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rrgraph.chem import ALKALI, ALKALINE_EARTHS, HALOGENS, Composition, reagent_classes

__all__ = ["incompatibility", "is_acid", "is_active"]

_ACTIVE: Final = ALKALI | ALKALINE_EARTHS - {"Be", "Mg"}
_ACID_ELEMENTS: Final = HALOGENS | frozenset(["H", "B", "C", "N", "O", "Si", "P", "S", "As", "Se"])

#: What acids set free from salts of these classes.
_GASSING: Final = {"azides": "explosive HN3", "cyanides": "deadly HCN"}


def incompatibility(precursors: Iterable[Composition]) -> str | None:
    """Return why a set must not be mixed, None if nothing is known against it.

    Alkali metals, the heavy alkaline earths, and their hydrides and amides react violently with acids, also with those
    of ammonium hydrogen fluoride; metals and hydrides besides with nitrates, chlorates and the like. Azides and
    cyanides give explosive and deadly gases with acids.

    >>> from rrgraph.chem import parse_formula
    >>> print(incompatibility(map(parse_formula, ["K", "H2SiF6"])))
    K reacts violently with the acid H2SiF6
    >>> print(incompatibility(map(parse_formula, ["KF", "SiO2"])))
    None
    """
    members = list(precursors)
    bases = [each for each in members if is_active(each)]
    for base in bases:
        for other in members:
            if is_acid(other):
                return f"{base} reacts violently with the acid {other}"
            if "N" not in base.elements and _is_oxidiser(other):
                return f"{base} reacts violently with the oxidiser {other}"
    acid = next((each for each in members if is_acid(each)), None)
    if acid is not None:
        for each in members:
            found = reagent_classes(each) & _GASSING.keys()
            if found and "Fe" not in each.elements:  # ferrocyanides bind it
                return f"{each} gives {_GASSING[min(found)]} with the acid {acid}"
    return None


@lru_cache(maxsize=2**12)
def is_active(precursor: Composition) -> bool:
    """Whether it is an active metal, or a hydride or amide of one."""
    rest = precursor.elements - _ACTIVE
    return rest != precursor.elements and (not rest or rest == {"H"} or rest == {"H", "N"})


@lru_cache(maxsize=2**12)
def is_acid(precursor: Composition) -> bool:
    """Whether it is an acid of nonmetals, such as H2SiF6 or H3PO4, or the acid salt NH4HF2."""
    elements = precursor.elements
    if "H" not in elements or not elements <= _ACID_ELEMENTS or elements <= {"H", "C", "N"} or elements == {"H", "O"}:
        return False
    amounts = dict(precursor.amounts)
    if "C" in elements and "O" in elements:  # organic acids have at least one O for each C: H2C2O4, C6H8O7, HCOOH
        return "N" not in elements and amounts["O"] >= amounts["C"]
    if "N" not in elements:
        return True
    nitric = "O" in elements and amounts["O"] >= 3 * amounts["N"] and amounts["H"] < 4 * amounts["N"]
    bifluoride = elements == {"H", "N", "F"} and amounts["F"] > amounts["N"]
    return nitric or bifluoride


@lru_cache(maxsize=2**12)
def _is_oxidiser(precursor: Composition) -> bool:
    """Whether it is a nitrate, or a chlorate, bromate or iodate or one of their higher kin."""
    amounts = dict(precursor.amounts)
    oxygen = amounts.get("O", 0)
    return any(symbol in amounts and oxygen >= 3 * amounts[symbol] for symbol in ("N", "Cl", "Br", "I"))
