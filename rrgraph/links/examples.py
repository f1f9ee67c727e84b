"""The examples that a link model learns from: positive links with their negatives, prepared for many batches at once.

What has to be read from the device to go on is read once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from rrgraph.graph import PADDING
from rrgraph.nn import Encoder

__all__ = ["DistinctNodes", "ExampleBatches", "Examples", "NodeInputs", "split_distinct"]

_BATCHES: Final = 300
"""Batches that are prepared together. They take two reads, with that of the losses at most one in a hundred steps."""

_GROUPS: Final = 4
"""Groups of similar length in which the compositions of a batch are encoded."""


@dataclass(frozen=True, eq=False)
class DistinctNodes:
    """The nodes of a batch, each once.

    Attributes:
        nodes: (n,) int64, in the order of their number of elements.
        index: (links, k) int64, which of them each entry of the batch is.
        groups: number of nodes of each of a few groups, in order, and the largest number of elements in it.
    """

    nodes: Tensor
    index: Tensor
    groups: Sequence[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Examples:
    """A batch of positive links, each with its negatives.

    Attributes:
        targets: (links,) int64 target nodes, where their frequency features are looked up.
        candidates: (links, 1 + negatives) int64 precursor nodes, the recorded one first; likewise.
        rows: of each decoder the links that it learns from, (n,) int64; None where it learns from all.
        distinct: the nodes of targets and candidates, by node type.
        fold: of all targets, for a model with a context.
        counts: number of edges of each type by which the distinct nodes receive, likewise.
    """

    targets: Tensor
    candidates: Tensor
    rows: Sequence[Tensor | None]
    distinct: Mapping[str, DistinctNodes]
    fold: int | None = None
    counts: Sequence[int] = ()


class ExampleBatches(Sequence[Examples]):
    """The batches of an epoch, which are prepared when they are asked for, many together.

    Args:
        edges: (2, links) int64, all links in the order in which they are learned, on the processor.
        sizes: links of each batch, in order.
        generator: gives every group of batches a seed of its own, so that any of them can be prepared alone.
        prepare: returns the batches of some links (2, n), given their sizes and a seed.
    """

    def __init__(
        self,
        edges: Tensor,
        sizes: Sequence[int],
        generator: torch.Generator,
        prepare: Callable[[Tensor, Sequence[int], int], list[Examples]],
    ) -> None:
        self._length = len(sizes)
        self._sizes = [sizes[start : start + _BATCHES] for start in range(0, len(sizes), _BATCHES)]
        self._groups = torch.split(edges, [sum(each) for each in self._sizes], dim=1)
        self._seeds = torch.randint(2**62, (len(self._groups),), generator=generator).tolist()
        self._prepare = prepare
        self._prepared: tuple[int, list[Examples]] = -1, []

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Examples:  # type: ignore[override]  # there are no slices
        if not 0 <= index < len(self):
            raise IndexError(index)
        group, place = divmod(index, _BATCHES)
        if group != self._prepared[0]:
            self._prepared = group, self._prepare(self._groups[group], self._sizes[group], self._seeds[group])
        return self._prepared[1][place]


class NodeInputs:
    """The compositions of the nodes of a type, and how the distinct ones of batches are found among them.

    Args:
        elements: (nodes, k) atomic numbers, 0 at padding.
        fractions: (nodes, k).
        device: where they are encoded.
    """

    def __init__(self, elements: Tensor, fractions: Tensor, device: torch.device) -> None:
        lengths = (elements > PADDING).sum(1)
        order = lengths.argsort(stable=True)
        self.elements, self.fractions, self._lengths, self._order, self._rank = (
            each.to(device) for each in (elements, fractions, lengths, order, order.argsort())
        )

    def distinct(self, nodes: Tensor, batch: Tensor, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return the nodes of each batch once, without reading anything from the device.

        Args:
            nodes: (links, k) int64.
            batch: (links,) int64, the batch of each link.
            number: of batches.

        Returns:
            (n,) the distinct nodes of one batch behind those of the other, in the order of their length, where n is the
            number of all nodes and the rest is meaningless; (links, k) the position of each node among them; and
            (batches, 1 + `_GROUPS`) the number of distinct nodes of each batch and the largest length of each group.
        """
        codes, place = (batch[:, None] * len(self._rank) + self._rank[nodes]).flatten().sort()
        new = torch.ones_like(codes)
        new[1:] = codes[1:] != codes[:-1]
        position = new.cumsum(0) - 1
        index = torch.empty_like(position).scatter_(0, place, position)
        found = torch.zeros_like(position).scatter_(0, position, self._order[codes % len(self._rank)])
        counts = position.new_zeros(number).scatter_add_(0, codes // len(self._rank), new)
        ends = (counts.cumsum(0) - counts)[:, None] + _sizes(counts).cumsum(1)
        longest = self._lengths[found[(ends - 1).clamp_min(0)]]
        return found, index.view_as(nodes), torch.cat([counts[:, None], longest], dim=1)

    def encode(self, encoder: Encoder | Callable[[Tensor, Tensor], Tensor], distinct: DistinctNodes) -> Tensor:
        """Return the embeddings (n, width) of the distinct nodes of a batch."""
        pieces, start = [], 0
        for size, used in distinct.groups:
            nodes = distinct.nodes[start : start + size]
            pieces.append(encoder(self.elements[nodes, :used], self.fractions[nodes, :used]))
            start += size
        return torch.cat(pieces)


def split_distinct(
    nodes: Tensor, index: Tensor, table: Sequence[Sequence[int]], batch_sizes: Sequence[int]
) -> Iterator[DistinctNodes]:
    """Yield the distinct nodes of each batch, from what `NodeInputs.distinct` returned and was read from the device."""
    start = 0
    for rows, (count, *longest) in zip(torch.split(index, list(batch_sizes)), table, strict=True):
        sizes = _sizes(torch.tensor([count]))[0].tolist()
        groups = [(size, used) for size, used in zip(sizes, longest, strict=True) if size]
        yield DistinctNodes(nodes[start : start + count], rows - start, groups)
        start += count


def _sizes(counts: Tensor) -> Tensor:
    """Return the sizes (n, `_GROUPS`) of equal parts of n counts, the first ones larger by one."""
    return counts[:, None] // _GROUPS + (torch.arange(_GROUPS, device=counts.device) < counts[:, None] % _GROUPS)
