"""The chemical form in which a precursor brings an element: oxide, carbonate, nitrate, the element itself, ...

Compositions flow in; out come form names that a precursor never seen shares with known ones, so that what is known of
carbonates says something about a carbonate that is new.
"""

from __future__ import annotations

from typing import Final

from rrgraph.chem import Composition

__all__ = ["KINDS", "NON_METALS", "precursor_kind", "supply_form"]

NON_METALS: Final = frozenset({"H", "C", "N", "O", "F", "P", "S", "Cl", "Se", "Br", "I"})
"""Elements that form the anions of salts, beside metals and metalloids."""

KINDS: Final = (
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
"""Kinds of precursor, told apart by their non-metals."""


def supply_form(precursor: Composition, symbol: str) -> str:
    """Return the form in which `precursor` brings the element `symbol`, such as ``metal C-O`` for Li in Li2CO3.

    It names the non-metals that come with the element, whether the element is itself one, and whether other metals come
    too.
    """
    partners = "-".join(sorted(precursor.elements & NON_METALS - {symbol}))
    own = "non-metal" if symbol in NON_METALS else "metal"
    mixed = "mixed" if precursor.elements - NON_METALS - {symbol} else ""
    return " ".join(word for word in (own, partners, mixed) if word)


def precursor_kind(precursor: Composition) -> str:
    """Return the kind of a precursor, one of `KINDS`."""
    elements = precursor.elements
    anions = elements & NON_METALS
    if not anions:
        return "element"
    for kind, exact in (
        ("oxide", {"O"}),
        ("carbonate", {"C", "O"}),
        ("nitrate", {"N", "O"}),
        ("hydroxide", {"H", "O"}),
    ):
        if anions == exact:
            return kind
    for kind, together in (("ammonium", {"N", "H"}), ("organic", {"C", "H"})):
        if together <= anions:
            return kind
    if "O" in anions and anions & {"P", "S", "Se", "Cl", "I"}:
        return "oxyanion"
    if anions & {"F", "Cl", "Br", "I"}:
        return "halide"
    return "chalcogenide" if anions & {"S", "Se"} else "other"
