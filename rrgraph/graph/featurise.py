"""Compositions as padded tensors: atomic numbers and atomic fractions, the only input the encoder needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rrgraph.chem import ATOMIC_NUMBERS, Composition

__all__ = ["PADDING", "featurise"]

PADDING = 0
"""Index of the padding element; real elements are numbered by their atomic number."""


def featurise(compositions: Sequence[Composition]) -> tuple[Tensor, Tensor]:
    """Turn compositions into element indices and atomic fractions.

    Args:
        compositions: n materials.

    Returns:
        elements: (n, k) int64, atomic numbers, `PADDING` beyond the last element of a row.
        fractions: (n, k) float32, atomic fractions that sum to 1 in each row, 0 at padding.
        k is the largest number of elements of any of them (1 when there are none).
    """
    width = max((len(composition.amounts) for composition in compositions), default=1)
    elements = np.zeros((len(compositions), width), dtype=np.int64)
    fractions = np.zeros((len(compositions), width), dtype=np.float32)
    for row, composition in enumerate(compositions):
        for column, (symbol, fraction) in enumerate(composition.fractions.items()):
            elements[row, column] = ATOMIC_NUMBERS[symbol]
            fractions[row, column] = fraction
    return torch.from_numpy(elements), torch.from_numpy(fractions)
