"""The bipartite graph of targets and precursors and its two projections: records flow in, networkx graphs flow out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from rrgraph.chem import Composition
from rrgraph.errors import ConfigError
from rrgraph.networks.nodes import add_precursors, target_attributes
from rrgraph.networks.records import ReactionRecords

__all__ = ["Links", "bipartite_graph", "precursor_projection", "target_links", "target_projection"]

_CHUNK: Final = 1024


@dataclass(frozen=True, eq=False)
class Links:
    """Distinct targets and how many of their reactions use each precursor.

    Attributes:
        targets: t distinct targets, in order of appearance.
        reactions: (t,) number of their reactions.
        counts: (t, m) reactions of each target that use each precursor.
    """

    targets: tuple[Composition, ...]
    reactions: NDArray[np.int64]
    counts: csr_array

    @property
    def linked(self) -> csr_array:
        """1 where a target is made from a precursor, (t, m)."""
        return csr_array((np.ones_like(self.counts.data), self.counts.indices, self.counts.indptr), self.counts.shape)


def target_links(records: ReactionRecords) -> Links:
    """Return the links of the bipartite graph of targets and precursors."""
    place: dict[str, int] = {}
    rows = np.array([place.setdefault(target.key, len(place)) for target in records.targets], dtype=np.int64)
    first = np.unique(rows, return_index=True)[1]
    group = csr_array((np.ones(len(rows), dtype=np.int64), (rows, np.arange(len(rows)))), shape=(len(first), len(rows)))
    counts = csr_array(group @ records.incidence)
    counts.sort_indices()
    return Links(tuple(records.targets[row] for row in first.tolist()), np.bincount(rows), counts)


def bipartite_graph(records: ReactionRecords, *, title: str = "") -> nx.Graph:
    """Return targets and precursors as nodes and "was made from" as edges.

    Nodes say their `side` (``target`` or ``precursor``) and `formula`; the key of a target is ``target:`` and its
    formula, because a material may be both. Edges say `count`, the number of reactions.
    """
    links = target_links(records)
    graph = _graph(records, "bipartite", title or f"Targets and precursors of {records.table}")
    add_precursors(graph, records, side="precursor", bipartite=1)
    for name in records.names:
        graph.nodes[name]["formula"] = name
    for target, reactions in zip(links.targets, links.reactions.tolist(), strict=True):
        attributes = target_attributes(target, reactions)
        graph.add_node(f"target:{target.formula}", **attributes, formula=target.formula, side="target", bipartite=0)
    used = links.counts.tocoo()
    for row, column, count in zip(*(part.tolist() for part in used.coords), used.data.tolist(), strict=True):
        graph.add_edge(f"target:{links.targets[row].formula}", records.names[column], count=count)
    return graph


def precursor_projection(records: ReactionRecords, *, min_shared: int = 1, title: str = "") -> nx.Graph:
    """Return precursors linked when they make the same target, in one reaction or in different ones.

    Edges say `shared`, the number of such targets, and `jaccard`, their share of the targets of any of the two.
    """
    linked = target_links(records).linked
    graph = _graph(records, "precursor-projection", title or f"Precursors that share targets in {records.table}")
    add_precursors(graph, records)
    number = np.asarray(linked.sum(axis=0)).ravel()
    shared = csr_array(linked.T @ linked).tocoo()
    one, two = shared.coords
    kept = np.flatnonzero((one < two) & (shared.data >= min_shared))
    for a, b, count in zip(one[kept].tolist(), two[kept].tolist(), shared.data[kept].tolist(), strict=True):
        jaccard = count / int(number[a] + number[b] - count)
        graph.add_edge(records.names[a], records.names[b], shared=count, jaccard=jaccard)
    return graph


def target_projection(records: ReactionRecords, *, min_shared: int = 2, nearest: int = 10, title: str = "") -> nx.Graph:
    """Return targets linked when they share precursors: each with the `nearest` targets it shares most with.

    All pairs of targets with a common precursor are too many to be a graph that anybody reads (TiO2 alone would link
    each of its thousands of targets with all the others), so of each target only the edges of the highest `jaccard`
    (shared precursors by those of any of the two) are kept, ties in order of appearance.

    Raises:
        ConfigError: a number is below 1.
    """
    for name, value in (("min_shared", min_shared), ("nearest", nearest)):
        if value < 1:
            raise ConfigError(f"{name} is {value}, expected at least 1.")
    links = target_links(records)
    linked = links.linked
    graph = _graph(records, "target-projection", title or f"Targets that share precursors in {records.table}")
    for target, reactions in zip(links.targets, links.reactions.tolist(), strict=True):
        graph.add_node(target.formula, **target_attributes(target, reactions))
    number = np.diff(linked.indptr)
    names = [target.formula for target in links.targets]
    transposed = csr_array(linked.T)
    for start in range(0, len(names), _CHUNK):
        shared = csr_array(linked[start : start + _CHUNK] @ transposed)
        for row in range(shared.shape[0]):
            part = slice(shared.indptr[row], shared.indptr[row + 1])
            columns, common = shared.indices[part], shared.data[part]
            kept = (common >= min_shared) & (columns != start + row)
            columns, common = columns[kept], common[kept]
            jaccard = common / (number[start + row] + number[columns] - common)
            for place in np.lexsort((columns, -jaccard))[:nearest].tolist():
                other, share = names[columns[place]], float(jaccard[place])
                graph.add_edge(names[start + row], other, shared=int(common[place]), jaccard=share)
    return graph


def _graph(records: ReactionRecords, kind: str, title: str) -> nx.Graph:
    return nx.Graph(kind=kind, reactions=len(records), table=records.table, title=title)
