"""Counts, association measures and significance of every pair of precursors, and the co-occurrence graph.

Each pair is tested twice: against random sets with the same degrees, and, among reactions whose targets need the
elements of both precursors and share an anion class, against independent choices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from rrgraph.chem import ELEMENTS
from rrgraph.errors import check_choice
from rrgraph.networks.nodes import add_precursors, new_graph
from rrgraph.networks.null_model import NullCounts, RandomSets, swap_counts
from rrgraph.networks.records import ReactionRecords, entries_at

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["NULL_MODELS", "PairStatistics", "cooccurrence_graph", "pair_statistics"]

NULL_MODELS: Final = ("analytic", "swaps")
"""How expected counts are computed: by `RandomSets`, or from random graphs by `swap_counts`."""


@dataclass(frozen=True, eq=False)
class PairStatistics:
    """Pairs of precursors, each once; the column of the first is below that of the second.

    Attributes:
        records: the reactions.
        first, second: (pairs,) columns.
        count: (pairs,) records that use both.
        expected, variance: (pairs,) of the count under the degree-preserving null model.
        z: (pairs,) deviation of the count from its expectation in standard deviations.
        p_value: (pairs,) two-sided.
        q_value: (pairs,) the same, adjusted for the number of all pairs (Benjamini-Hochberg).
        context: (pairs,) records whose targets contain the source elements of both precursors.
        context_count: (pairs,) records of the context that use both.
        context_expected: (pairs,) expected context count if the two were chosen independently, computed within each
            anion class of the targets so that metals for alloys are not compared with oxides for oxides.
        context_p_value, context_q_value: (pairs,) two-sided, against that independence.
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
        """Pointwise mutual information ln p(a,b) / (p(a) p(b)) in nats; -infinity for pairs never used together."""
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
        """Records with both divided by records with either."""
        uses = self.records.uses
        return self.count / (uses[self.first] + uses[self.second] - self.count)

    @cached_property
    def context_pmi(self) -> NDArray[np.float64]:
        """Pointwise mutual information given the elements and the anion class of the target, in nats.

        It is ln(count / expected) within the context; minus infinity for pairs never used together there.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.log(self.context_count / self.context_expected)
        return np.where(self.context_count > 0, found, -np.inf)

    @cached_property
    def same_element(self) -> NDArray[np.bool_]:
        """Whether the two precursors share a source element, so that one may substitute for the other."""
        sources = self.records.precursor_sources
        return np.asarray((sources[self.first] & sources[self.second]).any(1))

    def select(self, rows: NDArray[Any]) -> PairStatistics:
        """Return the pairs of an index array or a boolean mask."""
        arrays = {name: value[rows] for name, value in vars(self).items() if name in _ARRAYS}
        return replace(self, **arrays)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row of plain values for each pair; undefined values (PMI of pairs never used together) are None."""
        names = self.records.names
        sources = self.records.precursor_sources
        columns = {name: getattr(self, name).tolist() for name in _COLUMNS}
        for row, (one, two) in enumerate(zip(self.first.tolist(), self.second.tolist(), strict=True)):
            shared = [ELEMENTS[i] for i in np.flatnonzero(sources[one] & sources[two])]
            values = {name: column[row] for name, column in columns.items()}
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
    """Return the statistics of all pairs used together, and of those expected together at least once but never seen.

    q-values count every pair of precursors as a test, including the pairs not returned, whose p-values are near 1.

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
    """Return the graph of precursors whose edges are the pairs used together, with all their measures.

    Args:
        pairs: from `pair_statistics`.
        min_count: smallest number of records with both.
        max_q_value: largest adjusted p-value; 1 keeps all.
        title: of the graph.
    """
    records = pairs.records
    graph = new_graph("cooccurrence", records, title or f"Precursors used together in {records.table}")
    add_precursors(graph, records)
    kept = pairs.select((pairs.count >= max(min_count, 1)) & (pairs.q_value <= max_q_value))
    for row in kept.rows():
        one, two = row.pop("first"), row.pop("second")
        graph.add_edge(one, two, **{name: value for name, value in row.items() if value is not None})
    return graph


def _worth_testing(records: ReactionRecords, together: csr_array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs used together, and those used so often that never meeting could be significant."""
    met = together.tocoo()
    keep = met.coords[0] < met.coords[1]
    columns = len(records.precursors)
    codes = [met.coords[0][keep].astype(np.int64) * columns + met.coords[1][keep]]
    elements = records.target_sources.astype(np.int64).T
    # Upper bound of the expectation in any context: no context of a pair is smaller than the targets of one element.
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

    Means and hypergeometric variances of anion classes, each with fixed margins, add up (Mantel & Haenszel, J. Natl.
    Cancer Inst. 22, 719 (1959)).
    """
    sources = records.precursor_sources
    systems, system_index = np.unique(sources[first] | sources[second], axis=0, return_inverse=True)
    size, both, support = (np.zeros(len(first), dtype=np.int64) for _ in range(3))
    mean, variance = np.zeros(len(first)), np.zeros(len(first))
    order = np.argsort(system_index.ravel(), kind="stable")
    bounds = np.searchsorted(system_index.ravel()[order], np.arange(len(systems) + 1))
    classes = np.unique(records.anion_classes.astype(str), return_inverse=True)[1]
    for system, start, stop in zip(systems, bounds[:-1], bounds[1:], strict=True):
        pairs = order[start:stop]
        rows = np.flatnonzero(records.target_sources[:, system].all(1))
        columns, local = np.unique(np.concatenate([first[pairs], second[pairs]]), return_inverse=True)
        used = records.incidence[rows][:, columns].toarray()
        size[pairs] = len(rows)
        for each in np.unique(classes[rows]).tolist():
            inside = used[classes[rows] == each]
            total = inside.sum(0)
            one, two = total[np.split(local.ravel(), 2)]
            both[pairs] += (inside.T @ inside)[tuple(np.split(local.ravel(), 2))]
            support[pairs] += np.minimum(one, two)
            n = len(inside)
            mean[pairs] += one * two / n
            variance[pairs] += one * two * (n - one) * (n - two) / max(n * n * (n - 1.0), 1.0)
    return size, both, NullCounts(mean, variance, support)


def _adjusted(p_values: NDArray[np.float64], tests: int) -> NDArray[np.float64]:
    """Return Benjamini-Hochberg q-values for `tests` tests; those without a given p-value count as 1."""
    from scipy.stats import false_discovery_control

    padded = np.concatenate([p_values, np.ones(max(tests - len(p_values), 0))])
    q_values: NDArray[np.float64] = false_discovery_control(padded)
    return q_values[: len(p_values)]
