"""Atomic fractions of many compositions as a matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem.composition import Composition
from rrgraph.chem.elements import ATOMIC_NUMBERS, ELEMENTS

__all__ = ["fraction_matrix"]


def fraction_matrix(compositions: Sequence[Composition]) -> NDArray[np.float32]:
    """Return atomic fractions, (compositions, `ELEMENTS`)."""
    found = np.zeros((len(compositions), len(ELEMENTS)), dtype=np.float32)
    for row, composition in enumerate(compositions):
        for symbol, fraction in composition.fractions.items():
            found[row, ATOMIC_NUMBERS[symbol] - 1] = fraction
    return found
