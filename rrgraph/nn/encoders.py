"""The interface of composition encoders, by which a link model takes any of them by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from rrgraph.graph import PADDING
from rrgraph.nn.config import EncoderConfig
from rrgraph.util.registry import Registry

__all__ = ["ENCODERS", "Encoder", "encode_by_length", "equal_batches"]


class Encoder(nn.Module, ABC):
    """Embed compositions, whatever the order of their elements and the padding after them.

    Further keyword arguments of an encoder are options, which `model.encoder_options` sets.

    Args:
        config: width, layers, heads, feedforward, dropout, element embedding and weighing of fractions.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.width = config.width

    @abstractmethod
    def forward(self, elements: Tensor, fractions: Tensor) -> Tensor:
        """Return the embedding of each composition.

        Args:
            elements: (n, k) int64, atomic numbers, 0 at padding.
            fractions: (n, k) float32, atomic fractions, 0 at padding.

        Returns:
            (n, width).
        """

    def hidden_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters of hidden layers, whose matrices `training.optimizer=muon` takes; none by default."""
        return ()


ENCODERS: Registry[type[Encoder]] = Registry(
    "composition encoder", group="rrgraph.encoders", bases=(Encoder,), given=("config", "table")
)
"""Composition encoders by the name that `model.encoder` of a configuration takes."""


def encode_by_length(encoder: Encoder, elements: Tensor, fractions: Tensor, *, groups: int = 4) -> Tensor:
    """Return the embeddings (n, width) of compositions (n, k), a few groups of similar length at a time.

    Each group is padded to its own longest composition only, which saves most of the work on padding.
    """
    order = (elements > PADDING).sum(dim=1).argsort(stable=True)
    pieces = []
    for rows in order.tensor_split(max(min(groups, len(order)), 1)):
        used = int((elements[rows] > PADDING).sum(dim=1).max()) if len(rows) else 1
        pieces.append(encoder(elements[rows, :used], fractions[rows, :used]))
    return torch.cat(pieces)[order.argsort()]


def equal_batches(lengths: Sequence[int], *, size: int = 16) -> Iterator[list[int]]:
    """Yield the rows of batches of one length and one size, the last of each length filled up with its first row.

    A row of a matrix product has the same digits whatever is in the other rows, but not however many there are. In such
    batches, what is encoded gets the same digits whatever is encoded with it.

    >>> list(equal_batches([3, 2, 3, 3], size=2))
    [[1, 1], [0, 2], [3, 3]]

    Args:
        lengths: numbers of elements.
        size: of the batches.
    """
    for length in sorted(set(lengths)):
        members = [row for row, each in enumerate(lengths) if each == length]
        for start in range(0, len(members), size):
            rows = members[start : start + size]
            yield rows + rows[:1] * (size - len(rows))
