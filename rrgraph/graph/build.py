"""The bipartite `HeteroData` graph of the targets and precursors of a reaction table, validated.

It has nodes (compositions as padded tensors), unique edges with their counts, and the recorded precursor sets, since
edges alone do not say what was used together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from rrgraph.chem import Composition, as_compositions
from rrgraph.data import ReactionTable
from rrgraph.errors import DataError
from rrgraph.graph.featurise import PADDING, featurise
from rrgraph.graph.hetero import hetero_graph

if TYPE_CHECKING:  # PyG takes a second to import and planning does not need it
    from torch_geometric.data import HeteroData

__all__ = ["EDGE", "REVERSE_EDGE", "ReactionGraph", "build_graph", "validate_graph"]

EDGE = ("target", "made_from", "precursor")
"""Type of the edges of `ReactionGraph.data`."""
REVERSE_EDGE = ("precursor", "makes", "target")
"""Type of the same edges the other way round."""


@dataclass(frozen=True)
class ReactionGraph:
    """A bipartite graph with the compositions behind its nodes.

    Attributes:
        data: the graph. `data['target']` and `data['precursor']` hold `elements` (n, k) int64 and `fractions`
            (n, k) float32; the edge store holds `edge_index` (2, edges) and `count` (edges,), the number of
            rows that use the link, and the reverse edges mirror it. The recorded sets are kept in compressed
            rows: `set_target` (sets,), `set_offsets` (sets + 1,), `set_precursor`, `set_count` (sets,), and of a table
            with years `set_year` (sets,) float64, the earliest one of each, NaN where there is none.
        targets: composition of each target node.
        precursors: composition of each precursor node.
    """

    data: HeteroData
    targets: tuple[Composition, ...]
    precursors: tuple[Composition, ...]

    @classmethod
    def from_data(cls, data: HeteroData) -> ReactionGraph:
        """Return the graph of data with formulas, as `named` and `rrgraph.build_graph` give them.

        >>> import rrgraph as rr
        >>> ReactionGraph.from_data(rr.build_graph("textbook")).targets[0].formula
        'Ba3UO6'

        Raises:
            DataError: the nodes have no formulas, or the graph is not valid.
        """
        try:
            targets, precursors = (as_compositions(list(data[kind].formula)) for kind in (EDGE[0], EDGE[2]))
        except (AttributeError, KeyError):
            raise DataError(
                "The nodes of the graph have no formulas, expected data of `rrgraph.build_graph`."
            ) from None
        graph = cls(data=data, targets=tuple(targets), precursors=tuple(precursors))
        validate_graph(graph)
        return graph

    @cached_property
    def target_index(self) -> dict[str, int]:
        """Node of each target, by canonical key."""
        return {target.key: index for index, target in enumerate(self.targets)}

    @cached_property
    def precursor_index(self) -> dict[str, int]:
        """Node of each precursor, by canonical key."""
        return {precursor.key: index for index, precursor in enumerate(self.precursors)}

    def named(self) -> HeteroData:
        """Return a copy of `data` that also holds the formulas of the nodes, as a list `formula` of each node type."""
        data = copy(self.data)
        data["target"].formula = [target.formula for target in self.targets]
        data["precursor"].formula = [precursor.formula for precursor in self.precursors]
        return data

    def recorded_sets(self) -> list[tuple[int, tuple[int, ...], int]]:
        """Return (target node, precursor nodes, count) of every distinct recorded reaction."""
        offsets = self.data.set_offsets.tolist()
        members = self.data.set_precursor.tolist()
        return [
            (target, tuple(members[start:stop]), count)
            for target, (start, stop), count in zip(
                self.data.set_target.tolist(), pairwise(offsets), self.data.set_count.tolist(), strict=True
            )
        ]


def build_graph(table: ReactionTable, *, extra_precursors: Iterable[Composition] = ()) -> ReactionGraph:
    """Build the graph of a reaction table.

    Args:
        table: the reactions; rows with the same target and set become one recorded set with a count.
        extra_precursors: candidates that no row uses, added as nodes without edges.

    Raises:
        DataError: the table has no rows.
    """
    if not len(table):
        raise DataError("Cannot build a graph from a reaction table without rows.")
    targets: dict[str, Composition] = {}
    precursors = table.precursors()
    for candidate in extra_precursors:
        precursors.setdefault(candidate.key, candidate)
    precursor_node = {key: index for index, key in enumerate(precursors)}
    sets: Counter[tuple[int, tuple[int, ...]]] = Counter()
    years: dict[tuple[int, tuple[int, ...]], float] = {}
    target_node: dict[str, int] = {}
    reported = np.nan_to_num(table.years, nan=np.inf).tolist()
    for target, precursor_set, year in zip(table.targets, table.precursor_sets, reported, strict=True):
        node = target_node.setdefault(target.key, len(target_node))
        targets.setdefault(target.key, target)
        used = node, tuple(sorted(precursor_node[key] for key in precursor_set.keys))
        sets[used] += 1
        years[used] = min(years.get(used, np.inf), year)

    edges: Counter[tuple[int, int]] = Counter()
    for (node, members), count in sets.items():
        for member in members:
            edges[node, member] += count

    data = hetero_graph(EDGE, REVERSE_EDGE, (len(targets), len(precursors)), edges)
    for node_type, nodes in (("target", targets), ("precursor", precursors)):
        data[node_type].elements, data[node_type].fractions = featurise(list(nodes.values()))
    data.set_target = torch.tensor([node for node, _ in sets], dtype=torch.int64)
    data.set_offsets = torch.from_numpy(np.cumsum([0, *(len(members) for _, members in sets)], dtype=np.int64))
    data.set_precursor = torch.tensor([member for _, members in sets for member in members], dtype=torch.int64)
    data.set_count = torch.tensor(list(sets.values()), dtype=torch.int64)
    if np.isfinite(reported).any():
        first = torch.tensor(list(years.values()), dtype=torch.float64)
        data.set_year = first.where(first.isfinite(), torch.nan)
    graph = ReactionGraph(data=data, targets=tuple(targets.values()), precursors=tuple(precursors.values()))
    validate_graph(graph)
    return graph


def validate_graph(graph: ReactionGraph) -> None:
    """Check every promise that `ReactionGraph` makes.

    Raises:
        DataError: naming the first promise that is broken.
    """
    data = graph.data
    edge_index, count = data[EDGE].edge_index, data[EDGE].count
    for node_type, nodes in (("target", graph.targets), ("precursor", graph.precursors)):
        store = data[node_type]
        _check(store.elements.shape == store.fractions.shape, f"{node_type} elements and fractions differ in shape")
        _check(store.elements.shape[0] == len(nodes), f"{node_type} features do not match the {len(nodes)} nodes")
        _check(
            bool(((store.elements != PADDING) == (store.fractions > 0)).all()), f"{node_type} padding is inconsistent"
        )
        _check(
            bool(torch.allclose(store.fractions.sum(1), torch.ones(len(nodes)), atol=1e-4)),
            f"{node_type} fractions do not sum to 1",
        )
    width = len(graph.precursors)
    _check(bool((edge_index[0] < len(graph.targets)).all()), "an edge leaves the target nodes")
    _check(bool((edge_index[1] < width).all()), "an edge leaves the precursor nodes")
    # One number for each link, which is much quicker than pairs.
    edges, order = (edge_index[0] * width + edge_index[1]).sort()
    _check(bool((edges.diff() > 0).all()), "an edge occurs twice")
    _check(torch.equal(data[REVERSE_EDGE].edge_index, edge_index.flip(0)), "the reverse edges do not mirror the edges")
    sizes = data.set_offsets.diff()
    _check(bool((sizes > 0).all()), "a recorded set is empty")
    owners, times = (torch.repeat_interleave(values, sizes) for values in (data.set_target, data.set_count))
    links, place = torch.unique(owners * width + data.set_precursor, return_inverse=True)
    counted = torch.zeros_like(links).index_add_(0, place, times)
    agree = (
        bool((data.set_precursor < width).all()) and torch.equal(links, edges) and torch.equal(counted, count[order])
    )
    _check(agree, "the edge counts disagree with the recorded sets")


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise DataError(f"The reaction graph is not valid: {problem}.")
