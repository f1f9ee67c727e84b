"""The most frequent space group of a prototype: the baseline of symmetry predictions.

It reads padded arrays of atomic fractions (0 at padding) and gives smoothed class probabilities of anonymised formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rrgraph.chem import canonical_key
from rrgraph.errors import DataError

__all__ = ["PrototypeBaseline", "prototypes"]

#: Fractions are compared as integers of this many parts, far finer than the tolerance of the canonical key.
_PARTS: Final = 1_000_000


@dataclass(frozen=True, eq=False)
class PrototypeBaseline:
    """Classes ranked by how often training compositions of the same prototype have them.

    A class that occurs as often as another in the prototype is ranked by its overall frequency, and so are all
    classes of a prototype that training lacks.

    Attributes:
        index: row of `table` of each prototype.
        table: (prototypes + 1, classes) class probabilities; the last row is the overall frequency.
    """

    index: Mapping[str, int]
    table: NDArray[np.float64]

    @classmethod
    def fit(cls, fractions: ArrayLike, labels: ArrayLike, *, classes: int) -> PrototypeBaseline:
        """Count the classes of each prototype.

        One observation a prototype is added, spread over the classes as they occur overall: less than a real
        observation, so it only decides between equal counts, and no probability is 0.

        Args:
            fractions: (n, k) atomic fractions of the training compositions, 0 at padding.
            labels: (n,) integers from 0 to classes - 1.
            classes: number of classes.

        Raises:
            DataError: there are no rows, a label is out of range, or lengths differ.
        """
        keys, label = prototypes(fractions), np.asarray(labels)
        if label.shape != keys.shape or not len(label):
            raise DataError(f"Got class labels of shape {label.shape} for {len(keys)} compositions.")
        bad = np.flatnonzero(~((label >= 0) & (label < classes) & (label == np.floor(label))))
        if len(bad):
            raise DataError(f"Class label {label[bad[0]]} is not one of 0 to {classes - 1}.")
        names, rows = np.unique(keys.astype(str), return_inverse=True)
        cells = rows.ravel() * classes + label.astype(np.int64)
        counts = np.bincount(cells, minlength=len(names) * classes).reshape(len(names), classes)
        overall = (counts.sum(0) + 1 / classes) / (counts.sum() + 1)
        table = (counts + overall) / (counts.sum(1, keepdims=True) + 1)
        return cls(index={str(name): row for row, name in enumerate(names)}, table=np.vstack([table, overall]))

    def probabilities(self, fractions: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class for compositions given by atomic fractions (n, k): (n, classes)."""
        unseen = len(self.index)
        rows = [self.index.get(key, unseen) for key in prototypes(fractions)]
        return self.table[np.array(rows, dtype=np.int64)]


def prototypes(fractions: ArrayLike) -> NDArray[np.object_]:
    """Return the anonymised formula of each composition, (n,): ``"ABC3"`` for BaTiO3 and for any ABX3.

    The stoichiometry is the smallest integer one within the tolerance of the canonical key, amounts ascending.

    Args:
        fractions: (n, k) atomic fractions, 0 at padding.

    Raises:
        DataError: the array is not of two dimensions, a fraction is negative or not finite, or a row is empty.
    """
    values = np.asarray(fractions, dtype=np.float64)
    if values.ndim != 2:
        raise DataError(f"Got atomic fractions of shape {values.shape}, expected (compositions, elements).")
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)).all(1) | ~(values > 0).any(1))
    if len(bad):
        raise DataError(f"The atomic fractions of row {bad[0] + 1} are not those of a composition.")
    parts = np.where(values > 0, np.maximum(np.rint(values * _PARTS), 1), 0).astype(np.int64)
    # Few distinct patterns are behind many rows, so the exact search runs once for each.
    patterns, rows = np.unique(np.sort(parts, axis=1), axis=0, return_inverse=True)
    return np.array([_anonymised(pattern[pattern > 0]) for pattern in patterns], dtype=object)[rows.ravel()]


def _anonymised(parts: NDArray[np.int64]) -> str:
    """Return the key of ascending amounts of unnamed elements A, B, C, ..."""
    return canonical_key([(chr(ord("A") + place), Fraction(int(part))) for place, part in enumerate(parts)])
