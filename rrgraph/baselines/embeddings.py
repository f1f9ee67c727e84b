"""Cached embeddings of compositions from a frozen pretrained encoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition
from rrgraph.properties import PropertyPredictor

__all__ = ["Embedder"]


class Embedder:
    """Embeds compositions, each only once.

    Args:
        encoder: the pretrained encoder.
    """

    def __init__(self, encoder: PropertyPredictor) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def __call__(self, compositions: Sequence[Composition]) -> Tensor:
        """Return embeddings (n, width)."""
        new = list({each.key: each for each in compositions if each.key not in self._known}.values())
        if new:
            self._known.update(zip((each.key for each in new), self._encoder.embed(new), strict=True))
        rows = [self._known[each.key] for each in compositions]
        width = self._encoder.model.config.width
        return torch.from_numpy(np.stack(rows) if rows else np.empty((0, width), dtype=np.float32))
