"""Precursors that substitute for each other as the source of an element, and the odds of choosing one over the other.

Two precursors are substitutes if both supply the element to similar targets but are rarely used together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ELEMENTS
from rrgraph.data import overlap_vectors
from rrgraph.graph import ANION_CLASSES
from rrgraph.networks.nodes import add_precursors, new_graph
from rrgraph.networks.odds import log_odds_trend, odds, odds_interval
from rrgraph.networks.records import ReactionRecords

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["SIMILAR", "Odds", "Substitution", "find_substitutions", "substitution_graph", "substitution_rows"]

SIMILAR: Final = 0.9
"""Composition overlap (`rrgraph.data.similarity`) from which targets of different element systems are similar."""

_BATCH_SIZE: Final = 2048


@dataclass(frozen=True, kw_only=True)
class Odds:
    """How often each of two precursors was chosen in reactions that use exactly one of them.

    Attributes:
        by: subgroup of the reactions: ``all``, ``anion_class`` or ``year``.
        value: which anion class or year.
        first, second: number of reactions with the first and with the second precursor.
        odds: of the first over the second.
        low, high: 95 % interval of the odds; `high` is infinite where the second was never chosen.
    """

    by: str
    value: str
    first: int
    second: int
    odds: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Substitution:
    """Two precursors that substitute for each other as the source of an element.

    Attributes:
        element: symbol.
        first, second: formulas; the first is chosen more often.
        similarity: share of the rarer precursor's reactions whose target has the element system of a target made with
            the other precursor, or overlaps with such a target by at least `SIMILAR`.
        together: number of reactions that use both.
        expected_together: the same if the choices were independent, among reactions whose target has the element.
        odds: over all reactions, then by anion class, then by year.
        trend: change of ln(odds) per decade, None without years.
    """

    element: str
    first: str
    second: str
    similarity: float
    together: int
    expected_together: float
    odds: tuple[Odds, ...]
    trend: float | None

    @property
    def reactions(self) -> int:
        """Number of reactions that use exactly one of the two."""
        return self.odds[0].first + self.odds[0].second


def find_substitutions(
    records: ReactionRecords,
    *,
    min_reactions: int = 5,
    min_similarity: float = 0.5,
    max_together: float = 0.1,
    elements: Sequence[str] | None = None,
) -> list[Substitution]:
    """Return all substitutions, sorted by the number of reactions of the rarer precursor, the largest first.

    Args:
        records: reactions.
        min_reactions: smallest number of reactions in which each precursor supplies the element.
        min_similarity: smallest share of the rarer precursor's reactions with a similar target of the other.
        max_together: largest share of the rarer precursor's reactions that use both; the two must also be used together
            less often than independent choices would be.
        elements: symbols to consider, by default all.
    """
    found: list[Substitution] = []
    for element in np.flatnonzero(records.target_sources.any(0)).tolist():
        if elements is None or ELEMENTS[element] in elements:
            found += _of_element(records, element, min_reactions, min_similarity, max_together)
    return sorted(found, key=lambda each: (-each.odds[0].second, -each.reactions, each.element, each.first))


def substitution_graph(records: ReactionRecords, substitutions: Sequence[Substitution], *, title: str = "") -> nx.Graph:
    """Return the graph of precursors whose edges are substitutions.

    Edges have `element` (several joined by spaces, the one of the most reactions first), `preferred` (the formula
    chosen more often) and, for the first element, its `odds`, `similarity`, `together`, `reactions` and `trend`.
    """
    graph = new_graph("substitution", records, title or f"Precursors that substitute each other in {records.table}")
    add_precursors(graph, records)
    for each in sorted(substitutions, key=lambda each: -each.reactions):
        if graph.has_edge(each.first, each.second):
            graph.edges[each.first, each.second]["element"] += f" {each.element}"
            continue
        values: dict[str, Any] = {
            "element": each.element,
            "preferred": each.first,
            "odds": each.odds[0].odds,
            "similarity": each.similarity,
            "together": each.together,
            "reactions": each.reactions,
        }
        graph.add_edge(each.first, each.second, **values, **({} if each.trend is None else {"trend": each.trend}))
    graph.remove_nodes_from([node for node, degree in list(graph.degree) if not degree])
    return graph


def substitution_rows(substitutions: Sequence[Substitution]) -> Iterator[dict[str, Any]]:
    """Yield a row of plain values for each of the odds of each substitution; an infinite upper end is None."""
    for each in substitutions:
        for found in each.odds:
            yield {
                "element": each.element,
                "first": each.first,
                "second": each.second,
                "by": found.by,
                "value": found.value,
                "first_reactions": found.first,
                "second_reactions": found.second,
                "odds": found.odds,
                "low": found.low,
                "high": found.high if np.isfinite(found.high) else None,
                "similarity": each.similarity,
                "together": each.together,
                "expected_together": each.expected_together,
                "trend": each.trend,
            }


def _of_element(
    records: ReactionRecords, element: int, min_reactions: int, min_similarity: float, max_together: float
) -> Iterator[Substitution]:
    rows = np.flatnonzero(records.target_sources[:, element])
    supplies = records.incidence[rows]
    uses = np.asarray(supplies.sum(axis=0)).ravel()
    columns = np.flatnonzero(records.precursor_sources[:, element] & (uses >= min_reactions))
    if len(columns) < 2:
        return
    used = supplies[:, columns].toarray()
    uses = uses[columns]
    together = used.T @ used
    shared = used.T @ _similar_uses(records, rows, used)
    for one in range(len(columns)):
        for two in range(one + 1, len(columns)):  # columns are ordered by uses in all reactions, not in these
            a, b = (one, two) if uses[one] >= uses[two] else (two, one)
            alike, both = shared[b, a] / uses[b], int(together[a, b])
            expected = uses[a] * uses[b] / len(rows)
            if alike >= min_similarity and both <= max_together * uses[b] and both < expected:
                counted, trend = _odds(records, rows, used[:, a] > 0, used[:, b] > 0)
                yield Substitution(
                    element=ELEMENTS[element],
                    first=records.names[columns[a]],
                    second=records.names[columns[b]],
                    similarity=float(alike),
                    together=both,
                    expected_together=float(expected),
                    odds=counted,
                    trend=trend,
                )


def _similar_uses(records: ReactionRecords, rows: NDArray[np.int64], used: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 1 where a precursor is used for a target similar to that of a reaction, (reactions, precursors)."""
    targets = [records.targets[row] for row in rows.tolist()]
    index: dict[str, int] = {}
    of_row = np.array([index.setdefault(target.key, len(index)) for target in targets])
    first = np.unique(of_row, return_index=True)[1]
    vectors = overlap_vectors([targets[row] for row in first.tolist()])
    systems = np.unique(vectors > 0, axis=0, return_inverse=True)[1].ravel()
    makes = np.zeros((len(first), used.shape[1]), dtype=bool)
    np.logical_or.at(makes, of_row, used > 0)
    in_system = np.zeros((int(systems.max()) + 1, used.shape[1]), dtype=bool)
    np.logical_or.at(in_system, systems, makes)
    reached = in_system[systems]
    for start in range(0, len(first), _BATCH_SIZE):
        batch = slice(start, start + _BATCH_SIZE)
        close = (vectors[batch] @ vectors.T >= SIMILAR).astype(np.float32)
        reached[batch] |= close @ makes.astype(np.float32) > 0
    similar: NDArray[np.bool_] = reached[of_row]
    return similar.astype(np.int64)


def _odds(
    records: ReactionRecords, rows: NDArray[np.int64], first: NDArray[np.bool_], second: NDArray[np.bool_]
) -> tuple[tuple[Odds, ...], float | None]:
    """Return the odds over all reactions that use exactly one, by anion class and by year, and their trend."""
    one, two = first & ~second, second & ~first
    found = [("all", "all", int(one.sum()), int(two.sum()))]
    classes = records.anion_classes[rows]
    for name in ANION_CLASSES:
        inside = classes == name
        found.append(("anion_class", name, int((one & inside).sum()), int((two & inside).sum())))
    in_table = np.zeros((2, len(records)), dtype=bool)
    in_table[:, rows] = one, two
    years = np.unique(records.report_year)
    by_year = [
        np.bincount(
            np.searchsorted(years, records.report_year), weights=side[records.report_record], minlength=len(years)
        ).astype(np.int64)
        for side in in_table
    ]
    found += [
        ("year", str(year), a, b)
        for year, a, b in zip(years.tolist(), by_year[0].tolist(), by_year[1].tolist(), strict=True)
    ]
    found = [each for each in found if each[2] + each[3]]
    a, b = (np.array([each[side] for each in found]) for side in (2, 3))
    values = zip(found, odds(a, b).tolist(), *(end.tolist() for end in odds_interval(a, b)), strict=True)
    counted = tuple(
        Odds(by=by, value=value, first=x, second=y, odds=ratio, low=low, high=high)
        for (by, value, x, y), ratio, low, high in values
    )
    return counted, log_odds_trend(by_year[0], by_year[1], years)
