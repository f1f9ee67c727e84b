"""All plausible binary and ternary precursors of a material, generated from charges and small whole numbers.

The compositions need not be in any table, so they are a harder list of candidates than the precursors of past
syntheses.
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
from rrgraph.errors import FormulaError

__all__ = ["plausible_by_class", "plausible_precursors"]

_FURTHER: Final = "further reagent"
_MANY_ELEMENTS: Final = 20


def plausible_precursors(target: Composition) -> tuple[Composition, ...]:
    """Return the distinct plausible precursors of a target in a fixed order, without the target itself.

    They contain elements of the target, and C, H, O and N as parts of common anions:

    - one element: the element; an oxide for each charge (`rrgraph.chem.charges`), peroxides; hydroxides,
      oxyhydroxides, acids; carbonates (hydrogen, hydroxide and oxide ones too), nitrates, oxalates, acetates,
      formates, alkoxides; ammonium salts; hydrides, amides, azides, cyanides of alkali and alkaline earth metals;
    - two elements: halides, chalcogenides, nitrides, pnictides of neutral charge; the latter three, carbides and
      borides also in other ratios of small whole numbers; intermetallic compounds from 1:1 to 2:17; sulfates,
      phosphates and other oxoanions, hydrogen phosphates; two oxides from 1:1 to 5:4; oxide halides, sulfides and
      nitrides;
    - three elements: salts of two cations with one anion, and of one cation with two anions;
    - a list of reagents that no rule generates: Fe3O4, Pr6O11, (NH4)6Mo7O24 ...

    For a target with oxygen there are no intermetallic compounds, for one without it there are no ternary oxides.
    Carbides, nitrides and hydrides (except those named above) are for targets that contain C, N or H. Compounds of more
    elements, intermetallic compounds of three elements and solid solutions are not generated. Of a target with more
    than 20 elements only compounds of one element are: it has hundreds of pairs and thousands of triples.
    """
    found = (composition for _, composition in _all(target.elements))
    return tuple({each.key: each for each in found if each.key != target.key}.values())


def plausible_by_class(elements: Collection[str]) -> dict[str, tuple[Composition, ...]]:
    """Return the plausible precursors of a target of these elements by class; a precursor may be in several classes."""
    classes: dict[str, dict[str, Composition]] = {name: {} for name in (*SINGLE, *PAIRS, *TRIPLES, _FURTHER)}
    for name, composition in _all(frozenset(elements)):
        classes[name].setdefault(composition.key, composition)
    return {name: tuple(found.values()) for name, found in classes.items()}


def _all(elements: frozenset[str]) -> Iterator[tuple[str, Composition]]:
    """Yield classes and compounds, possibly repeated: fewer elements first, then alphabetically."""
    own = sorted(elements - {"O"})
    for size in range(4 if len(elements) <= _MANY_ELEMENTS else 2):
        for symbols in combinations(own, size):
            yield from _compounds(symbols, "O" in elements)


@lru_cache(maxsize=2**12)
def _compounds(symbols: tuple[str, ...], oxide: bool) -> tuple[tuple[str, Composition], ...]:
    """Return the compounds of exactly these elements and the elements of common anions.

    Args:
        symbols: the elements.
        oxide: whether the target contains oxygen.
    """
    generators = ({}, SINGLE, PAIRS, TRIPLES)[len(symbols)]
    skipped = "alloy" if oxide else "ternary oxide"
    made = [
        (name, composition)
        for name, generate in generators.items()
        if name != skipped
        for text in generate(*symbols)
        if (composition := _read(text)) is not None
    ]
    made += [(_FURTHER, reagent) for reagent in _further().get(frozenset(symbols), ())]
    return tuple({(name, each.key): (name, each) for name, each in made}.values())


def _read(text: str) -> Composition | None:
    """Return a generated formula as a composition, None if it looks like a slip, as Rb2Se3H20 does for Rb2Se3H2O."""
    try:
        return parse_formula(text)
    except FormulaError:
        return None


@lru_cache(maxsize=1)
def _further() -> dict[frozenset[str], list[Composition]]:
    """Return the listed reagents by their elements; those of volatile elements alone by carbon or nitrogen."""
    found: dict[frozenset[str], list[Composition]] = {}
    for reagent in map(parse_formula, FURTHER):
        own = reagent.elements - VOLATILE
        for symbols in [own] if own else [frozenset({symbol}) for symbol in sorted(reagent.elements & {"C", "N"})]:
            found.setdefault(symbols, []).append(reagent)
    return found
