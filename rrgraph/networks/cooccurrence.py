"""Precursors used together: reaction records flow in; counts, association and significance of every pair flow out.

Two questions are asked of a pair: whether it is used together more often than the degrees of the graph explain, and
whether it is among reactions that need the elements of both for a target of the same anion class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from rrgraph.chem import ELEMENTS
from rrgraph.errors import check_choice
from rrgraph.networks.nodes import add_precursors
from rrgraph.networks.null_model import NullCounts, RandomSets, benjamini_hochberg, swap_counts
from rrgraph.networks.records import ReactionRecords, entries_at

__all__ = ["NULL_MODELS", "PairStatistics", "cooccurrence_graph", "pair_statistics"]

NULL_MODELS: Final = ("analytic", "swaps")
"""Ways to the expected counts: `RandomSets`, or random graphs by `swap_counts`."""


@dataclass(frozen=True, eq=False)
class PairStatistics:
    """Pairs of precursors, each once, with the column of the first below that of the second.

    Attributes:
        records: whose pairs they are.
        first, second: (pairs,) columns.
        count: (pairs,) records that use both.
        expected, variance: (pairs,) of the count under the degree-preserving null model.
        z: (pairs,) deviation from it in standard deviations.
        p_value: (pairs,) two-sided.
        q_value: (pairs,) the same, adjusted for the number of all pairs (Benjamini-Hochberg).
        context: (pairs,) records whose targets contain the source elements of both precursors.
        context_count: (pairs,) those of them that use both.
        context_expected: (pairs,) how many would if, in the context, the choice of one did not depend on the other;
            anion classes of the targets apart, so that metals for alloys are not compared with oxides for oxides.
        context_p_value, context_q_value: (pairs,) two-sided, of that independence.
    """

    records: ReactionRecords
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    count: NDArray[np.int64]
    expected: NDArray[np.float64]
    variance: NDArray[np.float64]
    z: NDArray[np.float64]
    p_value: NDArray[np.float64]
    q_value: NDArray[np.float64]
    context: NDArray[np.int64]
    context_count: NDArray[np.int64]
    context_expected: NDArray[np.float64]
    context_p_value: NDArray[np.float64]
    context_q_value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)

    @cached_property
    def pmi(self) -> NDArray[np.float64]:
        """Pointwise mutual information ln p(a,b) / (p(a) p(b)) in nats; minus infinity where they never meet."""
        uses = self.records.uses.astype(np.float64)
        with np.errstate(divide="ignore"):
            return np.log(self.count * len(self.records) / (uses[self.first] * uses[self.second]))

    @cached_property
    def npmi(self) -> NDArray[np.float64]:
        """PMI / -ln p(a,b) (Bouma, GSCL 2009): -1 never together, 0 independent, 1 never apart."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.pmi / -np.log(self.count / len(self.records))
        found = np.where(self.count == len(self.records), 1.0, found)
        return np.where(self.count == 0, -1.0, found)

    @cached_property
    def jaccard(self) -> NDArray[np.float64]:
        """Records with both by records with any of them."""
        uses = self.records.uses
        return self.count / (uses[self.first] + uses[self.second] - self.count)

    @cached_property
    def context_pmi(self) -> NDArray[np.float64]:
        """ln(count / expected) within the context: what the pair says beyond the target, in nats; -infinity for never.

        It is the pointwise mutual information given the elements and the anion class of the target.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.log(self.context_count / self.context_expected)
        return np.where(self.context_count > 0, found, -np.inf)

    @cached_property
    def same_element(self) -> NDArray[np.bool_]:
        """Whether the two precursors share a source element, so that one can take the place of the other."""
        sources = self.records.precursor_sources
        return np.asarray((sources[self.first] & sources[self.second]).any(1))

    def select(self, rows: NDArray[Any]) -> PairStatistics:
        """Return the pairs of an index array or a boolean mask."""
        arrays = {name: value[rows] for name, value in vars(self).items() if name in _ARRAYS}
        return replace(self, **arrays)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row of plain values for each pair; what does not exist (PMI of pairs that never meet) is None."""
        names = self.records.names
        sources = self.records.precursor_sources
        columns = {name: getattr(self, name).tolist() for name in _COLUMNS}
        for place, (one, two) in enumerate(zip(self.first.tolist(), self.second.tolist(), strict=True)):
            shared = [ELEMENTS[i] for i in np.flatnonzero(sources[one] & sources[two])]
            values = {name: column[place] for name, column in columns.items()}
            finite = {name: None if value == -np.inf else value for name, value in values.items()}
            yield {"first": names[one], "second": names[two], "shared_elements": " ".join(shared), **finite}


_ARRAYS: Final = tuple(name for name in PairStatistics.__dataclass_fields__ if name != "records")
_COLUMNS: Final = (
    *("count", "expected", "z", "p_value", "q_value", "pmi", "npmi", "jaccard"),
    *("context", "context_count", "context_expected", "context_pmi", "context_p_value", "context_q_value"),
)


def pair_statistics(
    records: ReactionRecords, *, null: str = "analytic", samples: int = 500, seed: int = 0
) -> PairStatistics:
    """Return the statistics of all pairs that meet, and of those that do not but were expected to at least once.

    q-values count every pair of precursors as a test, also those that are not returned, whose p-values are near 1.

    Args:
        records: reactions.
        null: one of `NULL_MODELS`.
        samples: number of random graphs for ``swaps``.
        seed: of the swaps.

    Raises:
        ConfigError: the null model is unknown.
    """
    check_choice("null", null, NULL_MODELS)
    together = csr_array(records.by_precursor @ records.incidence)
    first, second = _worth_testing(records, together)
    count = entries_at(together, first, second)
    if null == "swaps":
        chance = swap_counts(records.incidence, first, second, samples=samples, seed=seed)
    else:
        chance = RandomSets.fit(records.sizes, records.uses).counts(first, second)
    p_value = chance.p_values(count)
    tests = len(records.precursors) * (len(records.precursors) - 1) // 2
    context, context_count, by_context = _contexts(records, first, second)
    context_p_value = by_context.p_values(context_count)
    found = PairStatistics(
        records=records,
        first=first,
        second=second,
        count=count,
        expected=chance.mean,
        variance=chance.variance,
        z=chance.z(count),
        p_value=p_value,
        q_value=_adjusted(p_value, tests),
        context=context,
        context_count=context_count,
        context_expected=by_context.mean,
        context_p_value=context_p_value,
        context_q_value=_adjusted(context_p_value, tests),
    )
    return found.select((found.count > 0) | (found.expected >= 1) | (found.context_expected >= 1))


def cooccurrence_graph(
    pairs: PairStatistics, *, min_count: int = 1, max_q_value: float = 1.0, title: str = ""
) -> nx.Graph:
    """Return precursors as nodes and pairs used together as edges, with all their measures.

    Args:
        pairs: as `pair_statistics` returns them.
        min_count: least number of records with both.
        max_q_value: largest adjusted p-value; 1 keeps all.
        title: of the graph.
    """
    records = pairs.records
    graph = nx.Graph(
        kind="cooccurrence",
        reactions=len(records),
        table=records.table,
        title=title or f"Precursors used together in {records.table}",
    )
    add_precursors(graph, records)
    kept = pairs.select((pairs.count >= max(min_count, 1)) & (pairs.q_value <= max_q_value))
    for row in kept.rows():
        one, two = row.pop("first"), row.pop("second")
        graph.add_edge(one, two, **{name: value for name, value in row.items() if value is not None})
    return graph


def _worth_testing(records: ReactionRecords, together: csr_array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs that meet, or whose product of uses is so large that never meeting says something."""
    met = together.tocoo()
    keep = met.coords[0] < met.coords[1]
    columns = len(records.precursors)
    codes = [met.coords[0][keep].astype(np.int64) * columns + met.coords[1][keep]]
    elements = records.target_sources.astype(np.int64).T
    # A bound of what is expected in any context: an element's targets are the smallest context that a pair can have.
    for element in np.flatnonzero(elements.any(1)).tolist():
        inside = records.incidence[np.flatnonzero(elements[element])]
        uses = np.asarray(inside.sum(axis=0)).ravel()
        used = np.flatnonzero(uses)
        often = np.triu(np.outer(uses[used], uses[used]) >= inside.shape[0], k=1)
        one, two = np.nonzero(often)
        codes.append(used[one] * columns + used[two])
    distinct = np.unique(np.concatenate(codes))
    return distinct // columns, distinct % columns


def _contexts(
    records: ReactionRecords, first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NullCounts]:
    """Return the size of each pair's context, how many of its records use both, and how many would by chance.

    Of several strata with fixed margins, means and hypergeometric variances add up (Mantel & Haenszel, J. Natl.
    Cancer Inst. 22, 719 (1959)).
    """
    sources = records.precursor_sources
    systems, place = np.unique(sources[first] | sources[second], axis=0, return_inverse=True)
    size, both, support = (np.zeros(len(first), dtype=np.int64) for _ in range(3))
    mean, variance = np.zeros(len(first)), np.zeros(len(first))
    order = np.argsort(place.ravel(), kind="stable")
    bounds = np.searchsorted(place.ravel()[order], np.arange(len(systems) + 1))
    classes = np.unique(records.anion_classes.astype(str), return_inverse=True)[1]
    for system, start, stop in zip(systems, bounds[:-1], bounds[1:], strict=True):
        pairs = order[start:stop]
        rows = np.flatnonzero(records.target_sources[:, system].all(1))
        columns, local = np.unique(np.concatenate([first[pairs], second[pairs]]), return_inverse=True)
        used = records.incidence[rows][:, columns].toarray()
        size[pairs] = len(rows)
        for stratum in np.unique(classes[rows]).tolist():
            part = used[classes[rows] == stratum]
            total = part.sum(0)
            one, two = total[np.split(local.ravel(), 2)]
            both[pairs] += (part.T @ part)[tuple(np.split(local.ravel(), 2))]
            support[pairs] += np.minimum(one, two)
            n = len(part)
            mean[pairs] += one * two / n
            variance[pairs] += one * two * (n - one) * (n - two) / max(n * n * (n - 1.0), 1.0)
    return size, both, NullCounts(mean, variance, support)


def _adjusted(p_values: NDArray[np.float64], tests: int) -> NDArray[np.float64]:
    """Return q-values among `tests` tests, those that are not given having p-values of 1."""
    padded = np.concatenate([p_values, np.ones(max(tests - len(p_values), 0))])
    return benjamini_hochberg(padded)[: len(p_values)]
