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
    numbers = [ATOMIC_NUMBERS[symbol] - 1 for composition in compositions for symbol, _ in composition.amounts]
    rows = np.repeat(np.arange(len(compositions)), [len(composition.amounts) for composition in compositions])
    found[rows, numbers] = [fraction for composition in compositions for fraction in composition.fractions.values()]
    return found
