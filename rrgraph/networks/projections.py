"""The bipartite graph of targets and precursors, and its projections onto precursors and onto targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from rrgraph.chem import Composition
from rrgraph.errors import ConfigError
from rrgraph.networks.nodes import add_precursors, new_graph, target_attributes
from rrgraph.networks.records import ReactionRecords

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Links", "bipartite_graph", "precursor_projection", "target_links", "target_projection"]

_BATCH_SIZE: Final = 1024


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
        """1 where a target was made from a precursor, (t, m)."""
        return csr_array((np.ones_like(self.counts.data), self.counts.indices, self.counts.indptr), self.counts.shape)


def target_links(records: ReactionRecords) -> Links:
    """Return the links of the bipartite graph of targets and precursors."""
    index: dict[str, int] = {}
    rows = np.array([index.setdefault(target.key, len(index)) for target in records.targets], dtype=np.int64)
    first = np.unique(rows, return_index=True)[1]
    group = csr_array((np.ones(len(rows), dtype=np.int64), (rows, np.arange(len(rows)))), shape=(len(first), len(rows)))
    counts = csr_array(group @ records.incidence)
    counts.sort_indices()
    return Links(tuple(records.targets[row] for row in first.tolist()), np.bincount(rows), counts)


def bipartite_graph(records: ReactionRecords, *, title: str = "") -> nx.Graph:
    """Return the graph that joins each target with the precursors it was made from.

    Nodes have `side` (``target`` or ``precursor``) and `formula`; the key of a target is ``target:`` and its formula,
    because a material may be both. Edges have `count`, the number of reactions.
    """
    links = target_links(records)
    graph = new_graph("bipartite", records, title or f"Targets and precursors of {records.table}")
    add_precursors(graph, records, side="precursor", bipartite=1)
    for name in records.names:
        graph.nodes[name]["formula"] = name
    for target, reactions in zip(links.targets, links.reactions.tolist(), strict=True):
        attributes = target_attributes(target, reactions)
        graph.add_node(f"target:{target.formula}", **attributes, formula=target.formula, side="target", bipartite=0)
    used = links.counts.tocoo()
    for row, column, count in zip(*(axis.tolist() for axis in used.coords), used.data.tolist(), strict=True):
        graph.add_edge(f"target:{links.targets[row].formula}", records.names[column], count=count)
    return graph


def precursor_projection(records: ReactionRecords, *, min_shared: int = 1, title: str = "") -> nx.Graph:
    """Return the graph of precursors used for the same target, in one reaction or in different ones.

    Edges have `shared`, the number of such targets, and `jaccard`, their share of the targets of either precursor.
    """
    linked = target_links(records).linked
    graph = new_graph("precursor-projection", records, title or f"Precursors that share targets in {records.table}")
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
    """Return the graph of targets that share precursors, each target joined with its `nearest` most similar targets.

    Joining all targets with a common precursor would make an unreadable graph (TiO2 alone would link thousands of
    targets with each other), so each target keeps only the edges of highest `jaccard` (shared precursors divided by
    the precursors of either target); ties are resolved in order of appearance.

    Raises:
        ConfigError: `min_shared` or `nearest` is below 1.
    """
    for name, value in (("min_shared", min_shared), ("nearest", nearest)):
        if value < 1:
            raise ConfigError(f"{name} is {value}, expected at least 1.")
    links = target_links(records)
    linked = links.linked
    graph = new_graph("target-projection", records, title or f"Targets that share precursors in {records.table}")
    for target, reactions in zip(links.targets, links.reactions.tolist(), strict=True):
        graph.add_node(target.formula, **target_attributes(target, reactions))
    number = np.diff(linked.indptr)
    names = [target.formula for target in links.targets]
    transposed = csr_array(linked.T)
    for start in range(0, len(names), _BATCH_SIZE):
        shared = csr_array(linked[start : start + _BATCH_SIZE] @ transposed)
        for row in range(shared.shape[0]):
            entries = slice(shared.indptr[row], shared.indptr[row + 1])
            columns, common = shared.indices[entries], shared.data[entries]
            kept = (common >= min_shared) & (columns != start + row)
            columns, common = columns[kept], common[kept]
            jaccard = common / (number[start + row] + number[columns] - common)
            for best in np.lexsort((columns, -jaccard))[:nearest].tolist():
                other, share = names[columns[best]], float(jaccard[best])
                graph.add_edge(names[start + row], other, shared=int(common[best]), jaccard=share)
    return graph
