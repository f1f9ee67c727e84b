"""Corrections that put predicted formation energies on the scale of measured ones.

Predictions are those of density functional theory. A correction is added for each atom of an element and for each
oxyanion, fitted by `make_energy_corrections.py` to the solids that have measured enthalpies; docs/energies.md states
what it brings.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from rrgraph.chem import Composition
from rrgraph.planning import FormationEnergy

__all__ = ["corrected_energy", "correction_terms"]

#: Row of the table with the standard deviation that remains, eV/atom.
SPREAD = "spread"
_OXYANIONS = (("C", 3, "CO3"), ("N", 3, "NO3"), ("N", 2, "NO2"), ("S", 4, "SO4"), ("S", 3, "SO3"), ("P", 3, "PO4"))
_HALOGENS = ("Cl", "Br", "I")


def correction_terms(composition: Composition) -> dict[str, float]:
    """Return the number of each element, oxyanion and hydrogen bound to oxygen, to which corrections belong.

    Oxyanions are recognised by their oxygen alone: a carbonate has three or more for each carbon.

    >>> from rrgraph.chem import parse_formula
    >>> correction_terms(parse_formula("BaCO3"))
    {'Ba': 1.0, 'C': 1.0, 'O': 3.0, 'CO3': 1.0}
    """
    terms = {symbol: float(amount) for symbol, amount in composition.amounts}
    oxygen, hydrogen = terms.get("O", 0.0), terms.get("H", 0.0)
    found: dict[str, float] = {}
    for symbol, least, name in _OXYANIONS:
        amount = terms.get(symbol, 0.0)
        ammonium = symbol == "N" and ("C" in terms or hydrogen >= 4 * amount)
        if amount and oxygen >= least * amount and not ammonium and not any(key.startswith(symbol) for key in found):
            found[name] = amount
    halogens = sum(terms.get(symbol, 0.0) for symbol in _HALOGENS)
    if halogens and oxygen >= 3 * halogens:
        found["XO3"] = halogens
    if hydrogen and oxygen >= hydrogen / 2 and not {"C", "N"} & terms.keys():
        found["OH"] = hydrogen
    return terms | found


def corrected_energy(composition: Composition, value: float, deviation: float) -> FormationEnergy:
    """Return a predicted formation energy and its standard deviation with the correction, all in eV/atom."""
    corrections = _corrections()
    total = sum(count * corrections.get(term, 0.0) for term, count in correction_terms(composition).items())
    return value + total / float(composition.atoms), math.hypot(deviation, corrections[SPREAD])


@cache
def _corrections() -> Mapping[str, float]:
    """Return the corrections in eV by term."""
    with (files("rrgraph.models") / "energy_corrections.csv").open(encoding="utf-8") as lines:
        return MappingProxyType({row["term"]: float(row["correction"]) for row in csv.DictReader(lines)})
