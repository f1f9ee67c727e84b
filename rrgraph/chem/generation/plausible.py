"""Every plausible binary or ternary precursor of a material, made up from charges and small whole numbers.

The elements of a target flow in; out come compositions that need not be in any table: the harder list of candidates,
which no record of past syntheses shortens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import combinations
from typing import Final

from rrgraph.chem.composition import Composition
from rrgraph.chem.elements import VOLATILE
from rrgraph.chem.formula import parse_formula
from rrgraph.chem.generation.phases import PAIRS, TRIPLES
from rrgraph.chem.generation.reagents import FURTHER, SINGLE

__all__ = ["plausible_kinds", "plausible_precursors"]

_FURTHER: Final = "further reagent"


def plausible_precursors(target: Composition) -> tuple[Composition, ...]:
    """Return the plausible precursors of a target, distinct, in a fixed order, the target itself left out.

    They hold elements of the target, and C, H, O and N that come with salts:

    - one element: the element; an oxide for each charge (`rrgraph.chem.charges`), peroxides; hydroxides,
      oxyhydroxides, acids; carbonates (hydrogen, hydroxide and oxide ones too), nitrates, oxalates, acetates,
      formates, alkoxides; ammonium salts; hydrides, amides, azides, cyanides of alkali and alkaline earth metals;
    - two elements: halides, chalcogenides, nitrides, pnictides of neutral charge; the latter three, carbides and
      borides in other small whole numbers too; intermetallic compounds from 1:1 to 2:17; sulfates, phosphates and
      other oxoanions, hydrogen phosphates; two oxides from 1:1 to 5:4; oxide halides, sulfides and nitrides;
    - three elements: salts of two cations with one anion, and of one cation with two;
    - a list of reagents that no rule gives: Fe3O4, Pr6O11, (NH4)6Mo7O24 ...

    Where the target holds oxygen there are no intermetallic compounds, where it does not there are no pairs of oxides.
    Carbides, nitrides and hydrides (those named above aside) are for targets that hold C, N or H. Compounds of more
    elements, intermetallic compounds of three and solid solutions are not made up.
    """
    found = (composition for _, composition in _all(target.elements))
    return tuple({each.key: each for each in found if each.key != target.key}.values())


def plausible_kinds(elements: Collection[str]) -> dict[str, tuple[Composition, ...]]:
    """Return the plausible precursors of a target of these elements by kind; one of several kinds is in each."""
    kinds: dict[str, dict[str, Composition]] = {name: {} for name in (*SINGLE, *PAIRS, *TRIPLES, _FURTHER)}
    for kind, composition in _all(frozenset(elements)):
        kinds[kind].setdefault(composition.key, composition)
    return {name: tuple(found.values()) for name, found in kinds.items()}


def _all(elements: frozenset[str]) -> Iterator[tuple[str, Composition]]:
    """Yield kinds and compounds, some of them several times: fewer elements first, then by alphabet."""
    own = sorted(elements - {"O"})
    for size in range(4):
        for symbols in combinations(own, size):
            yield from _compounds(symbols, "O" in elements)


@lru_cache(maxsize=2**14)
def _compounds(symbols: tuple[str, ...], oxide: bool) -> tuple[tuple[str, Composition], ...]:
    """The compounds that hold just these elements and what salts bring, for a target with or without oxygen."""
    kinds = ({}, SINGLE, PAIRS, TRIPLES)[len(symbols)]
    skipped = "alloy" if oxide else "ternary oxide"
    made = [(kind, parse_formula(text)) for kind, make in kinds.items() if kind != skipped for text in make(*symbols)]
    made += [(_FURTHER, reagent) for reagent in _further().get(frozenset(symbols), ())]
    return tuple({(kind, each.key): (kind, each) for kind, each in made}.values())


@lru_cache(maxsize=1)
def _further() -> dict[frozenset[str], list[Composition]]:
    """The listed reagents by their elements; carbon or nitrogen alone count where nothing else is there."""
    found: dict[frozenset[str], list[Composition]] = {}
    for reagent in map(parse_formula, FURTHER):
        own = reagent.elements - VOLATILE
        for symbols in [own] if own else [frozenset({symbol}) for symbol in sorted(reagent.elements & {"C", "N"})]:
            found.setdefault(symbols, []).append(reagent)
    return found
