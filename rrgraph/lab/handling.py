"""Handling notes of materials and of precursor sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from rrgraph.chem import (
    ALKALI,
    ALKALINE_EARTHS,
    HALOGENS,
    BalancedEquation,
    Composition,
    Material,
    as_composition,
    reagent_classes,
)
from rrgraph.lab.compatibility import incompatibility, is_acid, is_active
from rrgraph.lab.furnace import furnace_notes
from rrgraph.lab.notes import HandlingNote, Hazard, merged
from rrgraph.lab.rules import RULES, Facts

__all__ = ["handling_notes", "set_notes"]


def handling_notes(material: Material) -> tuple[HandlingNote, ...]:
    """Return what to know of one material before its jar is opened, the gravest first.

    >>> for note in handling_notes("CrO3"):
    ...     print(note)  # doctest: +ELLIPSIS
    toxic: chromium(VI) (CrO3)
    carcinogenic: chromium(VI) (CrO3)
    ...

    An empty answer means that no rule speaks, and not that a material is harmless. See `DISCLAIMER`.

    Raises:
        FormulaError: the material cannot be read.
    """
    composition = as_composition(material)
    return merged(HandlingNote(hazard, text, (composition.formula,)) for hazard, text in _found(composition))


@lru_cache(maxsize=2**14)
def _found(material: Composition) -> tuple[tuple[Hazard, str], ...]:
    facts = Facts(material)
    return tuple((rule.hazard, rule.text) for rule in RULES if rule.applies(facts))


def set_notes(
    members: Iterable[Composition], *, target: Composition | None = None, equation: BalancedEquation | None = None
) -> tuple[HandlingNote, ...]:
    """Return the notes on mixing a precursor set and on heating it, the gravest first; not those on single members.

    Args:
        members: precursors, and sources of dopants.
        target: what is made, by which elements evaporate and crucibles are chosen.
        equation: by which gases are named; None where the set cannot be balanced.

    >>> from rrgraph.chem import parse_formula
    >>> print(set_notes([parse_formula("K"), parse_formula("I2")])[0])
    must not be mixed: K reacts violently with the halogen I2: never as a powder mixture (K, I2)
    """
    listed = list(dict.fromkeys(members))
    return merged([*_mixing_notes(listed), *furnace_notes(listed, target=target, equation=equation)])


_FUELS: Final = frozenset(("Al", "Mg", "Ca", "Ti", "Zr", "Hf", "Si", "B", "C", "S", "P", "Zn"))
_REDUCIBLE: Final = frozenset(("Cu", "Ag", "Pb", "Bi", "Hg", "Ni", "Co", "Fe", "Mn", "Cr", "V", "Mo", "W", "Sn"))
_DISSOLVING: Final = frozenset(("Be", "Mg", "Al", "Zn", "Mn", "Fe"))
_VIOLENT: Final = ALKALI | ALKALINE_EARTHS - {"Be", "Mg"}


def _mixing_notes(members: Iterable[Composition]) -> Iterator[HandlingNote]:
    """Yield what members do to each other: metals with acids, halogens and water, fuels with oxidisers, and more."""
    listed = list(members)
    reason = incompatibility(listed)
    if reason is not None:
        yield HandlingNote(Hazard.INCOMPATIBLE, reason, ())
    for one in listed:
        for other in listed:
            if one is other:
                continue
            for hazard, found in ((Hazard.INCOMPATIBLE, _violence(one, other)), (Hazard.MIXING, _reaction(one, other))):
                if found is not None and found != reason:
                    yield HandlingNote(hazard, found, (one.formula, other.formula))


def _violence(one: Composition, other: Composition) -> str | None:
    """Return why the first, a reactive metal, fuel or azide, must not be ground with the second."""
    classes, others = reagent_classes(one), reagent_classes(other)
    is_metal = one.elements <= _VIOLENT
    if is_active(one):
        if other.elements <= HALOGENS:
            return f"{one} reacts violently with the halogen {other}: never as a powder mixture"
        if _is_acidic(other):
            return f"{one} reacts violently with the acid {other}"
        if "hydrates" in others or "ammonium" in others or other.elements >= {"H", "O"}:
            return f"{one} gives hydrogen with {other}, which may catch fire"
    if "oxidisers" in others and (one.elements <= _FUELS or is_metal or "hydrides" in classes):
        return f"{one} burns or explodes with the oxidiser {other}: do not grind them together"
    if "azides" in classes and other.elements & {"Ag", "Cu", "Pb", "Hg"}:
        return f"{one} with {other} can form a heavy-metal azide, which explodes when touched"
    return None


def _reaction(one: Composition, other: Composition) -> str | None:
    """Return what happens between two that may be mixed with care."""
    classes, others = reagent_classes(one), reagent_classes(other)
    salts = others & {"nitrates", "nitrites", "halates", "perchlorates", "permanganates"}
    if one.elements <= _VIOLENT and other.elements <= {"S", "Se", "Te", "P", "As"}:
        return f"{one} reacts violently with {other}: bring them together cold, in small portions, under argon"
    if "oxidisers" in others and classes & _ORGANIC:
        return f"{one} burns fast with the oxidiser {other}: small portions, heat slowly"
    if "ammonium" in classes and "ammonium" not in others and salts:
        return f"{one} with {other} can form ammonium {min(salts)}, which explode when they are hot or confined"
    if one.elements <= _THERMITE and "oxides" in others and other.elements & _REDUCIBLE:
        return f"{one} and {other} can react like thermite"
    if _is_acidic(other):
        if one.elements <= _DISSOLVING:
            return f"{one} gives hydrogen with the acid {other}"
        for name, gas in _GASES_WITH_ACID.items():
            if name in classes:
                return f"{one} gives {gas} with the acid {other}"
    return None


def _is_acidic(material: Composition) -> bool:
    return is_acid(material) or "acids" in reagent_classes(material)


_ORGANIC: Final = frozenset(("organics", "oxalates", "acetates", "citrates", "formates", "cyanides", "thiocyanates"))
_THERMITE: Final = frozenset(("Al", "Mg", "Ca", "Ti", "Zr"))
_GASES_WITH_ACID: Final = {
    "fluorides": "HF",
    "sulfides": "H2S",
    "selenides": "H2Se",
    "phosphides": "PH3",
    "arsenides": "AsH3",
    "sulfites": "SO2",
    "nitrites": "NO2",
}
