"""Rules for whether a recorded reaction is kept, and for what is removed from its precursor set.

A reaction that breaks a rule raises `Dropped` with a named reason; every removal and correction is counted.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rrgraph.chem import VOLATILE, Composition, FormulaWarning, parse_formula, split_terms
from rrgraph.data.cleaning.corrections import corrections
from rrgraph.errors import FormulaError

__all__ = ["CleaningOptions", "Dropped", "clean_precursors", "clean_spelling", "is_composite", "read_precursor"]


@dataclass(frozen=True, kw_only=True)
class CleaningOptions:
    """What cleaning does beyond the rules of Retro-Rank-In section 4.1.

    With all of it off (and composites and additives kept), only the paper's rules apply: explicit stoichiometry, real
    elements, every target element except C, H, O and N in the precursors, no target among its own precursors.

    Attributes:
        expand_variables: make one row for each listed value of a recipe's variables instead of dropping the recipe;
            for raw recipes only.
        correct_formulas: correct impossible precursor formulas, or drop the row where that is not possible.
        remove_media: remove gases, water, solvents, organic auxiliaries and fluxes from the precursor sets.
        remove_water: remove water of crystallisation from targets and precursors, so that a salt and its hydrates
            are one material.
        keep_composites: keep targets of several phases as the sum of their phases.
        keep_additives: keep targets whose dopant is given separately and is not part of the formula.
    """

    expand_variables: bool = False
    correct_formulas: bool = True
    remove_media: bool = True
    remove_water: bool = True
    keep_composites: bool = False
    keep_additives: bool = False


class Dropped(Exception):
    """A row that breaks a rule.

    Attributes:
        reason: name of the rule, for the report.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _keys(text: str) -> frozenset[str]:
    return frozenset(parse_formula(formula).key for formula in text.split())


#: Gases of the furnace, and water. They are conditions, not precursors: balancing treats them as gases.
_GASES = _keys("O2 H2 N2 CO CO2 NH3 CH4 Ar He H2O H2O2")
#: Liquids and binders used for mixing or pressing, and nitric acid: never a source of carbon or nitrogen.
_SOLVENTS = _keys("CH3OH C2H5OH C3H7OH C4H9OH C2H4(OH)2 C3H6O C4H8O C3H7NO C6H6 C7H8 C6H14 C7H16 C2H4O HNO3 HCOOH")
_GRAPHITE = "C"

_PURITY = re.compile(r"\s*\((?:\d+N|[\d.]+\s*%?|[AC]\.[RP]\.)\)$|(?<=\d)99\.9+\s*%?$")
_WATER = re.compile(r"\(?(?:[\d./]+|[nxy])?\)?[(\[]?H2O[)\]]?[nxy]?")
_STOP_BEFORE_UNKNOWN_WATER = re.compile(r"\.(?=\s*\(?[nxy]\)?\s*[(\[]?H2O)")


def clean_spelling(text: str, *, remove_water: bool = True) -> str:
    """Return a typed formula without its grade (`La2O3(4N)`) and, optionally, without water of crystallisation."""
    plain = _PURITY.sub("", text.strip())
    if remove_water:
        terms = _terms(plain)
        dry = [term for term in terms if not _WATER.fullmatch(term)]
        if dry and len(dry) < len(terms):
            return "·".join(dry)
    return plain


def read_precursor(text: str, *, remove_water: bool = True) -> tuple[Composition, bool]:
    """Return the composition of a cleaned precursor and whether its spelling was changed.

    An unknown deficiency is set to zero.

    Raises:
        FormulaError: it is not a valid formula.
    """
    plain = clean_spelling(text, remove_water=remove_water)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormulaWarning)
        return parse_formula(plain, dopants=False), plain != text.strip()


def is_composite(text: str) -> bool:
    """Whether a spelling without water of crystallisation has several terms."""
    return len(_terms(text)) > 1


def _terms(text: str) -> list[str]:
    """Return the terms of a spelling, or the spelling itself if it cannot be parsed."""
    try:
        return split_terms(_STOP_BEFORE_UNKNOWN_WATER.sub("·", text))
    except FormulaError:
        return [text]


def clean_precursors(
    target: Composition, precursors: Iterable[Composition], options: CleaningOptions, changed: Counter[str]
) -> tuple[Composition, ...]:
    """Apply the rules to one row and return the remaining precursors.

    Args:
        target: the product.
        precursors: as recorded.
        options: rules to apply.
        changed: counter to which the corrected and removed precursors are added, by reason, if the row is kept.

    Raises:
        Dropped: the row breaks a rule.
    """
    changes: Counter[str] = Counter()
    kept: dict[str, Composition] = {}
    for precursor in precursors:
        if options.correct_formulas:
            precursor = _corrected(precursor, changes)
        medium = _medium(precursor, target) if options.remove_media else None
        if medium:
            changes[medium] += 1
        else:
            kept.setdefault(precursor.key, precursor)
    if not kept:
        raise Dropped("no precursor is left")
    if target.key in kept:
        raise Dropped("target among its own precursors")
    if not target.elements - VOLATILE <= frozenset().union(*(precursor.elements for precursor in kept.values())):
        raise Dropped("target element missing from the precursors")
    changed.update(changes)
    return tuple(kept.values())


def _corrected(precursor: Composition, changes: Counter[str]) -> Composition:
    correction = corrections().get(precursor.key)
    if correction is None:
        return precursor
    if correction.meant is None:
        raise Dropped("impossible precursor formula")
    changes["impossible precursor formula corrected"] += 1
    return correction.meant


def _medium(precursor: Composition, target: Composition) -> str | None:
    """Return the reason why a listed material is not a precursor, or None if it is one.

    A compound of C, H, O and N alone is a precursor only if it supplies carbon to a target with carbon or nitrogen
    to a target with nitrogen. Graphite always is a precursor: it also reduces oxides to carbides, nitrides, borides or
    lower charges (LiFePO4 from iron(III)). Any other compound must share an element other than these four with the
    target; otherwise it is a flux, a mineraliser or an acid.
    """
    elements = precursor.elements
    if precursor.key in _GASES:
        return "gas or water removed"
    if precursor.key in _SOLVENTS:
        return "solvent or organic auxiliary removed"
    if elements <= VOLATILE:
        source = precursor.key == _GRAPHITE or elements & target.elements & {"C", "N"}
        return None if source else "solvent or organic auxiliary removed"
    needed = target.elements - VOLATILE
    if needed and not elements & needed:
        return "flux or medium foreign to the target removed"
    return None
