"""The bipartite `HeteroData` graph of any domain, from numbered nodes and counted edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:  # PyG takes a second to import and planning does not need it
    from torch_geometric.data import HeteroData

__all__ = ["EdgeType", "hetero_graph"]

EdgeType = tuple[str, str, str]
"""Node type on the left, relation, node type on the right."""


def hetero_graph(
    edge: EdgeType, reverse: EdgeType, sizes: tuple[int, int], counts: Mapping[tuple[int, int], int]
) -> HeteroData:
    """Return the graph of the edges and of their mirror images.

    Args:
        edge: from left to right.
        reverse: from right to left.
        sizes: number of left and right nodes.
        counts: rows behind each (left node, right node).

    Returns:
        Both edge stores hold `edge_index` (2, edges) int64, sorted by left node, and `count` (edges,) int64.
    """
    from torch_geometric.data import HeteroData

    data = HeteroData()
    for node_type, number in zip((edge[0], edge[2]), sizes, strict=True):
        data[node_type].num_nodes = number
    ordered = sorted(counts)
    edge_index = torch.tensor(ordered, dtype=torch.int64).view(-1, 2).t().contiguous()
    times = torch.tensor([counts[pair] for pair in ordered], dtype=torch.int64)
    data[edge].edge_index, data[edge].count = edge_index, times
    data[reverse].edge_index, data[reverse].count = edge_index.flip(0), times.clone()
    return data
