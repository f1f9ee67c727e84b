"""The interface of composition encoders, by which a link model takes any of them by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from rrgraph.chem import Composition
from rrgraph.graph import PADDING
from rrgraph.nn.config import EncoderConfig
from rrgraph.util.registry import Registry

__all__ = ["ENCODERS", "Encoder", "encode_by_length", "encode_equally", "equal_batches"]

Row = TypeVar("Row")


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


def encode_by_length(
    encoder: Encoder, elements: Tensor, fractions: Tensor, *, groups: int = 4, device: torch.device | None = None
) -> Tensor:
    """Return the embeddings (n, width) of compositions (n, k), a few groups of similar length at a time.

    Each group is padded to its own longest composition only, which saves most of the work on padding.

    Args:
        encoder: any.
        elements: (n, k), on the processor so that nothing waits for a device.
        fractions: (n, k).
        groups: number of groups.
        device: of the encoder and of the embeddings; None where the inputs are.
    """
    device = device or elements.device
    order = (elements > PADDING).sum(dim=1).argsort(stable=True)
    pieces = []
    for rows in order.tensor_split(max(min(groups, len(order)), 1)):
        used = int((elements[rows] > PADDING).sum(dim=1).max()) if len(rows) else 1
        given = (each[rows, :used].to(device, non_blocking=True) for each in (elements, fractions))
        pieces.append(encoder(*given))
    return torch.cat(pieces)[order.argsort().to(device, non_blocking=True)]


def equal_batches(compositions: Sequence[Composition], *, size: int = 16) -> Iterator[list[Composition]]:
    """Yield batches of one length and one size, the last of each length filled up with its first composition.

    The last digits of a row of a matrix product depend on the number of rows, and not on what is in the others. In such
    batches a composition gets the same digits whatever it is encoded with.

    >>> from rrgraph.chem import parse_formula
    >>> for batch in equal_batches([parse_formula(text) for text in ("LiCl", "BaTiO3", "NaCl", "KCl")], size=2):
    ...     print(*batch)
    LiCl NaCl
    KCl KCl
    BaTiO3 BaTiO3

    Args:
        compositions: any.
        size: of the batches.
    """
    by_length: dict[int, list[Composition]] = {}
    for composition in compositions:
        by_length.setdefault(len(composition.elements), []).append(composition)
    for _, members in sorted(by_length.items()):
        for start in range(0, len(members), size):
            batch = members[start : start + size]
            yield batch + batch[:1] * (size - len(batch))


def encode_equally(
    encode: Callable[[list[Composition]], Iterable[Row]], compositions: Sequence[Composition]
) -> dict[str, Row]:
    """Return by canonical key what `encode` gives for each composition, asked for in `equal_batches`."""
    found: dict[str, Row] = {}
    for batch in equal_batches(compositions):
        found |= zip((each.key for each in batch), encode(batch), strict=True)
    return found
