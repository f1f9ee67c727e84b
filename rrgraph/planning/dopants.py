"""Where the dopants of a target come from: the usual precursor of each, and how much of it.

A dopant is not part of the set that is ranked: the host is planned, and the source of the dopant is added to every set.
It is the most used precursor that brings the element and nothing else which stays, of the kind that suits the host:

- oxides and other hosts with oxygen: compounds with oxygen (Eu2O3, MnCO3), for what else they hold leaves on heating;
- halides without oxygen: the halide (YbF3), for an oxide would bring oxygen in; K2MnF6 for Mn4+ in potassium fluorides;
- nitrides and chalcogenides without oxygen: the compound of the same anion (EuN, MnS) if one is in use;
- alloys and elements: the element;
- where none of these is in use, any compound, such as NH4F for F in SnO2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Final

from rrgraph.chem import HALOGENS, VOLATILE, Composition, Dopant, added_mass, anhydrous, common_halide, parse_formula
from rrgraph.data import load_table
from rrgraph.planning.constraints import SetConstraints

__all__ = ["PlannedDopant", "Usage", "plan_dopants"]

Usage = Sequence[tuple[Composition, int]]
"""Precursors and how many training targets use each."""

_ANIONS: Final = ("N", "S", "Se", "Te")
#: Sources of what leaves on heating and so is in no source element of its own.
_OF_VOLATILE: Final = {"N": "CO(NH2)2", "C": "C"}
_FLUOROMANGANATE: Final = "K2MnF6"


@dataclass(frozen=True)
class PlannedDopant:
    """A dopant and its source.

    >>> import rrgraph as rr
    >>> plan = rr.plan("Y2O3:0.05Eu", literature=False)
    >>> print(*plan.dopants)
    Eu from Eu2O3, 0.025 per Y2O3

    Attributes:
        dopant: as it was asked for.
        host: what it is added to.
        source: its usual precursor; None where the host holds the element already, or no precursor is known or allowed.
    """

    dopant: Dopant
    host: Composition
    source: Composition | None

    @property
    def source_amount(self) -> Fraction | None:
        """Formula units of the source for one of the host; None where the amount or the source is not known."""
        if self.source is None or self.dopant.amount is None:
            return None
        return self.dopant.amount / dict(self.source.amounts)[self.dopant.symbol]

    def grams(self, host_grams: float) -> float | None:
        """Return the mass of the source in g for so many g of host, None where `source_amount` is."""
        if self.source is None or self.source_amount is None:
            return None
        return added_mass(self.host, host_grams, self.source, self.source_amount)

    def to_dict(self, *, host_grams: float | None = None) -> dict[str, Any]:
        """Return JSON-ready values, the mass for so many g of host."""
        amount, source_amount = self.dopant.amount, self.source_amount
        found: dict[str, Any] = {
            "element": self.dopant.symbol,
            "charge": self.dopant.charge,
            "amount": None if amount is None else float(amount),
            "source": None if self.source is None else self.source.formula,
            "source_amount": None if source_amount is None else float(source_amount),
        }
        if host_grams is not None:
            grams = self.grams(host_grams)
            found["grams"] = None if grams is None else float(f"{grams:.6g}")
        return found

    def __str__(self) -> str:
        if self.source is None:
            held = self.dopant.symbol in self.host.elements
            return f"{self.dopant.ion}, " + ("which the host holds already" if held else "no source known or allowed")
        amount = self.source_amount
        much = ", amount not stated" if amount is None else f", {float(amount):.4g} per {self.host}"
        return f"{self.dopant.ion} from {self.source}{much}"


def plan_dopants(target: Composition, usage: Usage, constraints: SetConstraints) -> tuple[PlannedDopant, ...]:
    """Return the dopants of a target with their sources, which the constraints allow.

    Args:
        target: host with dopants.
        usage: precursors of the training reactions; those of the textbook table are used where it has none.
        constraints: what is in stock, and what is excluded.
    """
    if not target.dopants:
        return ()
    at_hand = [(each, 0) for each in constraints.spelled(constraints.stock or ())]
    pools = [_allowed([*usage, *at_hand], constraints), _allowed(_textbook(), constraints)]
    return tuple(
        PlannedDopant(
            dopant,
            target,
            None if dopant.symbol in target.elements else _source(dopant, target, pools, constraints),
        )
        for dopant in target.dopants
    )


def _source(
    dopant: Dopant, host: Composition, pools: Sequence[Usage], constraints: SetConstraints
) -> Composition | None:
    """Return the usual source of a dopant, None if none is known or allowed."""
    special = _special(dopant, host)
    if special is not None and _allowed([(special, 1)], constraints):
        return special
    for suits in (True, False):
        for pool in pools:
            found = [
                (count, -len(each.formula), -place)
                for place, (each, count) in enumerate(pool)
                if _brings(each, dopant.symbol, host) and (not suits or _suits(each, dopant.symbol, host))
            ]
            if found:
                return pool[-max(found)[2]][0]
    listed = _OF_VOLATILE.get(dopant.symbol)
    return parse_formula(listed) if listed and _allowed([(parse_formula(listed), 1)], constraints) else None


def _special(dopant: Dopant, host: Composition) -> Composition | None:
    """Return the source that the charge or a halide host calls for, None where use decides."""
    halogen = _anion(host)
    if halogen not in HALOGENS or dopant.symbol in HALOGENS:
        return None
    if dopant.symbol == "Mn" and dopant.charge == 4 and {"K", "F"} <= host.elements:
        return parse_formula(_FLUOROMANGANATE)
    formula = common_halide(dopant.symbol, halogen, dopant.charge)
    return parse_formula(formula) if formula else None


def _anion(host: Composition) -> str:
    """Return the anion by which sources are chosen: O if there is any, else a halogen, N, S, Se, Te, or none."""
    if "O" in host.elements:
        return "O"
    halogens = sorted(host.elements & HALOGENS)
    return halogens[0] if halogens else next((symbol for symbol in _ANIONS if symbol in host.elements), "")


def _brings(precursor: Composition, symbol: str, host: Composition) -> bool:
    """Whether a precursor brings an element, and besides only what leaves or what the host has as its anion."""
    rest = precursor.elements - VOLATILE - {symbol}
    return symbol in precursor.elements and (not rest or rest == {_anion(host)})


def _suits(precursor: Composition, symbol: str, host: Composition) -> bool:
    anion = _anion(host)
    if anion == "O":
        return "O" in precursor.elements or symbol in HALOGENS
    return precursor.elements == ({symbol, anion} if anion else {symbol})


def _allowed(usage: Usage, constraints: SetConstraints) -> Usage:
    return [
        (each, count)
        for each, count in usage
        if anhydrous(each).key not in constraints.excluded
        and not each.elements & constraints.excluded_elements
        and (constraints.stock is None or anhydrous(each).key in constraints.stock)
    ]


@cache
def _textbook() -> Usage:
    """Return the precursors of the textbook table and how many reactions use each."""
    used: Iterable[Composition] = (each for precursors in load_table("textbook").precursor_sets for each in precursors)
    return list(Counter(used).items())
