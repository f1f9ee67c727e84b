"""Precursor sets that are named by the user, to be compared with each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from rrgraph.chem import Composition, Material, as_compositions, parse_formula
from rrgraph.data import PrecursorSet
from rrgraph.errors import PlanningError
from rrgraph.planning.planner import Planner
from rrgraph.planning.ranking import RankedSet

__all__ = ["Route", "ranked_routes", "read_routes"]

Route: TypeAlias = str | PrecursorSet | Iterable[Material]
"""A precursor set: text such as ``BaCO3 + TiO2``, or the materials."""

#: A plus sign stands between blanks or before a formula, and no comma in brackets separates.
_SEPARATOR = re.compile(r"\s*;\s*|\s+\+\s+|\+(?=[A-Z(\[])(?![^()]*\))|\s*,\s*(?![^()]*\))")


def read_routes(routes: str | Iterable[Route]) -> tuple[PrecursorSet, ...]:
    """Return precursor sets, each once; one text is one route.

    >>> [str(route) for route in read_routes(["BaCO3 + TiO2", "BaO;TiO2", ["Ba(NO3)2", "TiO2"]])]
    ['BaCO3 + TiO2', 'BaO + TiO2', 'Ba(NO3)2 + TiO2']

    Raises:
        RRGraphError: a formula cannot be read, or a route is empty.
    """
    found: dict[frozenset[str], PrecursorSet] = {}
    for route in [routes] if isinstance(routes, str) else routes:
        members = _read_route(route)
        # By these keys, a salt and its hydrate differ: they make one set, but two equations.
        found.setdefault(frozenset(member.key for member in members), members)
    return tuple(found.values())


def ranked_routes(
    planner: Planner, target: Composition, routes: Sequence[PrecursorSet]
) -> Iterator[tuple[PrecursorSet, RankedSet | None]]:
    """Yield each route with what the planner gives it, None where it cannot be ranked.

    Raises:
        ScoreError: a score is NaN or infinite, or scores have a wrong shape.
    """
    (ranking,) = planner.rankings([target])
    for route in routes:
        yield route, ranking.ranked(route)


def _read_route(route: Route) -> PrecursorSet:
    if isinstance(route, PrecursorSet):
        return route
    if isinstance(route, str):
        names = [name for name in _SEPARATOR.split(route.strip()) if name]
        if not names:
            raise PlanningError(f"The route is '{route}', expected precursors such as 'BaCO3 + TiO2' or 'BaCO3;TiO2'.")
        return PrecursorSet(parse_formula(name) for name in names)
    return PrecursorSet(as_compositions(route))
