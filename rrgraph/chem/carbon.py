"""Where the carbon of a target comes from: the air gives it to carbonates, and to nothing else."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from rrgraph.chem.charges import ALKALI, ALKALINE_EARTHS, CHARGES, HALOGENS
from rrgraph.chem.composition import Composition
from rrgraph.chem.hydrates import anhydrous

__all__ = ["carbon_source", "supplies_carbon"]

_CARBONATE_OXYGEN: Final = 3


def carbon_source(target: Composition) -> str | None:
    """Return what has to bring the carbon of a target: ``"carbon"``, ``"organic carbon"``, or None for the air.

    Carbonates take it from the air. Whatever else holds carbon (carbides, MAX phases, cyanides, oxalates, organic
    cations, frameworks) needs a precursor with carbon, which has to be organic where carbon and hydrogen are together.

    >>> from rrgraph.chem import parse_formula
    >>> [carbon_source(parse_formula(text)) for text in ("La2O2CO3", "Ti3AlC2", "CH3NH3PbI3", "BaTiO3")]
    [None, 'carbon', 'organic carbon', None]
    """
    amounts = dict(anhydrous(target).amounts)
    if "C" not in amounts or _is_carbonate(amounts):
        return None
    return "organic carbon" if "H" in amounts else "carbon"


def supplies_carbon(precursor: Composition, target: Composition) -> bool:
    """Return whether a precursor can bring the carbon of a target that does not take it from the air.

    It must not hold more oxygen per carbon than the target, for carbonates do not become carbides, nor acetates
    frameworks; nitrogen for the cyanides of other than basic metals; and no hydrogen if the target holds neither
    hydrogen nor nitrogen nor oxygen. For an organic target its carbon, nitrogen and hydrogen have the ratio of the
    molecule or ion, which an acid exceeds by one H for every two O, and from which an amine lacks one for every N.

    >>> from rrgraph.chem import parse_formula
    >>> precursors = [parse_formula(text) for text in ("CH3NH3I", "C", "Pb(CH3COO)2")]
    >>> [supplies_carbon(each, parse_formula("CH3NH3PbI3")) for each in precursors]
    [True, False, False]
    """
    given, needed = dict(anhydrous(precursor).amounts), dict(anhydrous(target).amounts)
    if "C" not in given or _per_carbon(given, "O") > _per_carbon(needed, "O"):
        return False
    if _is_cyanide(needed) and "N" not in given:
        return False
    if "H" not in needed:
        return "H" not in given or not needed.keys().isdisjoint(("N", "O"))
    if "H" not in given or _per_carbon(given, "N") != _per_carbon(needed, "N"):
        return False
    more = _per_carbon(given, "H") - _per_carbon(needed, "H")
    return -_per_carbon(needed, "N") <= more <= _per_carbon(needed, "O") / 2


def _per_carbon(amounts: dict[str, Fraction], symbol: str) -> Fraction:
    return amounts.get(symbol, Fraction(0)) / amounts["C"]


def _is_cyanide(amounts: dict[str, Fraction]) -> bool:
    """Whether it is a cyanide of other metals than those whose carbides and carbonates take up nitrogen."""
    carbon = amounts["C"]
    metals = {symbol: amount for symbol, amount in amounts.items() if symbol not in ("C", "H", "N", "O")}
    return (
        amounts.get("N") == carbon and carbon > sum(metals.values()) and not metals.keys() <= ALKALI | ALKALINE_EARTHS
    )


def _is_carbonate(amounts: dict[str, Fraction]) -> bool:
    """Whether there is oxygen for CO3 and enough of it and of halogens for carbon of charge 4 beside all cations."""
    if _per_carbon(amounts, "O") < _CARBONATE_OXYGEN:
        return False
    negative = 2 * amounts["O"] + sum(amount for symbol, amount in amounts.items() if symbol in HALOGENS)
    positive = sum(
        amount * CHARGES.get(symbol, (1,))[0] for symbol, amount in amounts.items() if symbol not in HALOGENS | {"O"}
    )
    return negative >= positive
