"""Messages: the types of their edges, and weighted edges by the node that receives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.graph.hetero import EdgeType

__all__ = ["KNOWN_EDGES", "REACTION_EDGES", "RECEIVED_EDGES", "Edges", "Messages", "select_edges", "used_sources"]

KNOWN_EDGES: Final[tuple[EdgeType, ...]] = (
    ("system", "made_from", "precursor"),
    ("precursor", "makes", "system"),
    ("precursor", "used_with", "precursor"),
)
"""Types of the edges among what is known; messages run from the first to the last."""

RECEIVED_EDGES: Final[tuple[EdgeType, ...]] = (
    ("system", "similar", "target"),
    ("precursor", "makes", "target"),
    ("system", "made_from", "candidate"),
    ("precursor", "used_with", "candidate"),
    ("precursor", "similar", "candidate"),
)
"""Types of the edges by which targets and candidates receive from what is known."""

REACTION_EDGES: Final = (KNOWN_EDGES[0], KNOWN_EDGES[1], RECEIVED_EDGES[1], RECEIVED_EDGES[2])
"""Types of the edges that stand for reactions, whose columns may describe them."""


class Messages(NamedTuple):
    """Edges by type, as PyG's `HeteroConv` takes them.

    Attributes:
        edge_index: (2, edges) source and receiver.
        edge_weight: (edges,), which add up to 1 for each receiver.
        edge_attr: (edges, features) of `REACTION_EDGES`; empty where no column describes them.
    """

    edge_index: dict[EdgeType, Tensor]
    edge_weight: dict[EdgeType, Tensor]
    edge_attr: dict[EdgeType, Tensor]


@dataclass(frozen=True, eq=False)
class Edges:
    """Weighted edges of one type, by the node that receives.

    Attributes:
        sources: (edges,) int64 node that each comes from.
        weights: (edges,) float32; those of a receiver add up to 1.
        offsets: (receivers + 1,) int64, where the edges of each receiver begin.
        attributes: (edges, features) float32, None where no column describes them.
    """

    sources: Tensor
    weights: Tensor
    offsets: Tensor
    attributes: Tensor | None = None

    @classmethod
    def of(
        cls,
        receivers: NDArray[Any],
        sources: NDArray[Any],
        weights: NDArray[Any],
        *,
        count: int,
        attributes: Tensor | None = None,
    ) -> Edges:
        """Return edges (n,) of weights in any unit, and perhaps features (n, features), to `count` receivers."""
        order = np.argsort(receivers, kind="stable")
        receivers, sources, weights = receivers[order], sources[order], weights[order].astype(np.float64)
        total = np.bincount(receivers, weights=weights, minlength=count)
        offsets = np.searchsorted(receivers, np.arange(count + 1))
        shares = (weights / total[receivers]).astype(np.float32)
        ends = torch.from_numpy(sources.astype(np.int64)), torch.from_numpy(shares), torch.from_numpy(offsets)
        return cls(*ends, None if attributes is None else attributes[torch.from_numpy(order)])

    @classmethod
    def concat(cls, parts: Sequence[Edges]) -> Edges:
        """Return edges to the receivers of each part, one part behind the other."""
        degrees = torch.cat([part.offsets.diff() for part in parts])
        offsets = torch.cat([degrees.new_zeros(1), degrees.cumsum(0)])
        described = [part.attributes for part in parts if part.attributes is not None]
        return cls(
            torch.cat([part.sources for part in parts]),
            torch.cat([part.weights for part in parts]),
            offsets,
            torch.cat(described) if described else None,
        )

    def degrees(self, receivers: Tensor) -> Tensor:
        """Return the number of edges of some receivers (n,), -1 for one without any."""
        return torch.where(receivers >= 0, self.offsets[receivers + 1] - self.offsets[receivers], 0)

    def select(self, receivers: Tensor, *, count: int | None = None) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the edges of some receivers (n,), -1 for one without any.

        Args:
            receivers: (n,).
            count: number of these edges, if it is known, so that nothing waits for a device.

        Returns:
            index: (2, edges), source, and position among `receivers`.
            weights: (edges,).
            attributes: (edges, features), if they have any.
        """
        edges, rows = self.places(receivers, count=count)
        attributes = None if self.attributes is None else self.attributes[edges]
        return torch.stack([self.sources[edges], rows]), self.weights[edges], attributes

    def places(self, receivers: Tensor, *, count: int | None = None) -> tuple[Tensor, Tensor]:
        """Return the edges (edges,) of some receivers, and the position of each among these; see `select`."""
        degree = self.degrees(receivers)
        rows = torch.repeat_interleave(degree, output_size=count)
        within = torch.arange(len(rows), device=rows.device) - (degree.cumsum(0) - degree)[rows]
        return self.offsets[receivers][rows] + within, rows

    def to(self, device: torch.device) -> Edges:
        """Return the same on a device."""
        described = None if self.attributes is None else self.attributes.to(device)
        return Edges(self.sources.to(device), self.weights.to(device), self.offsets.to(device), described)


def select_edges(
    edges: Mapping[EdgeType, Edges],
    receivers: Mapping[str, Tensor],
    types: Sequence[EdgeType] = RECEIVED_EDGES,
    *,
    counts: Sequence[int] | None = None,
) -> Messages:
    """Return the edges of each type by which some nodes receive.

    Args:
        edges: of some or all types.
        receivers: (n,) rows of `edges` that receive, by node type; a type that is not named receives nothing.
        types: of the edges that are returned, empty where there are none.
        counts: number of these edges of each type, if it is known, so that nothing waits for a device.
    """
    device = next(iter(receivers.values())).device
    described = next((each.attributes for each in edges.values() if each.attributes is not None), None)
    found = Messages({}, {}, {})
    for kind, count in zip(types, counts or repeat(None), strict=False):
        found.edge_index[kind] = torch.empty(2, 0, dtype=torch.int64, device=device)
        found.edge_weight[kind] = torch.empty(0, device=device)
        if described is not None and kind in REACTION_EDGES:
            found.edge_attr[kind] = torch.empty(0, described.shape[1], device=device)
        if kind in edges and kind[2] in receivers:
            index, weights, attributes = edges[kind].to(device).select(receivers[kind[2]], count=count)
            found.edge_index[kind], found.edge_weight[kind] = index, weights
            if attributes is not None:
                found.edge_attr[kind] = attributes
    return found


def used_sources(index: Mapping[EdgeType, Tensor]) -> tuple[dict[str, Tensor], dict[EdgeType, Tensor]]:
    """Return the nodes (n,) of each type that send, and `edge_index` with the places of sources among these."""
    nodes, places = {}, dict(index)
    for kind in ("system", "precursor"):
        own = [edge for edge in index if edge[0] == kind]
        nodes[kind], found = torch.unique(torch.cat([index[edge][0] for edge in own]), return_inverse=True)
        for edge, sources in zip(own, found.split([index[edge].shape[1] for edge in own]), strict=True):
            places[edge] = torch.stack([sources, index[edge][1]])
    return nodes, places
