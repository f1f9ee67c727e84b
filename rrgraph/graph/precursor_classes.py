"""The chemical class of a precursor (oxide, carbonate, nitrate, ...) and the form in which it supplies an element.

A precursor never seen shares its form with known ones, so that known carbonates inform about a new carbonate.
"""

from __future__ import annotations

from typing import Final

from rrgraph.chem import Composition

__all__ = ["NON_METALS", "PRECURSOR_CLASSES", "precursor_class", "supply_form"]

NON_METALS: Final = frozenset({"H", "C", "N", "O", "F", "P", "S", "Cl", "Se", "Br", "I"})
"""Elements that form the anions of salts, beside metals and metalloids."""

PRECURSOR_CLASSES: Final = (
    "element",
    "oxide",
    "carbonate",
    "nitrate",
    "hydroxide",
    "organic",
    "ammonium",
    "oxyanion",
    "halide",
    "chalcogenide",
    "other",
)
"""Classes of precursor, distinguished by their non-metals."""


def supply_form(precursor: Composition, symbol: str) -> str:
    """Return the form in which `precursor` supplies the element `symbol`, such as ``metal C-O`` for Li in Li2CO3.

    It names the non-metals that come with the element, whether the element is itself one, and whether other metals come
    too.
    """
    partners = "-".join(sorted(precursor.elements & NON_METALS - {symbol}))
    own = "non-metal" if symbol in NON_METALS else "metal"
    mixed = "mixed" if precursor.elements - NON_METALS - {symbol} else ""
    return " ".join(word for word in (own, partners, mixed) if word)


def precursor_class(precursor: Composition) -> str:
    """Return the class of a precursor, one of `PRECURSOR_CLASSES`."""
    elements = precursor.elements
    anions = elements & NON_METALS
    if not anions:
        return "element"
    for name, exact in (
        ("oxide", {"O"}),
        ("carbonate", {"C", "O"}),
        ("nitrate", {"N", "O"}),
        ("hydroxide", {"H", "O"}),
    ):
        if anions == exact:
            return name
    for name, together in (("ammonium", {"N", "H"}), ("organic", {"C", "H"})):
        if together <= anions:
            return name
    if "O" in anions and anions & {"P", "S", "Se", "Cl", "I"}:
        return "oxyanion"
    if anions & {"F", "Cl", "Br", "I"}:
        return "halide"
    return "chalcogenide" if anions & {"S", "Se"} else "other"
