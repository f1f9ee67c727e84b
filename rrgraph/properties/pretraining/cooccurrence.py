"""Co-occurrence of elements: the baseline of masked-element predictions.

It counts in padded arrays of training compositions (elements 0 and fractions 0 at padding) and scores every element for
a masked slot, column by atomic number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rrgraph.chem import ELEMENTS, TOLERANCE
from rrgraph.errors import DataError, suggestion
from rrgraph.properties.pretraining.prototypes import prototypes

__all__ = ["CooccurrenceBaseline", "SlotDetail", "masked_slots"]

SlotDetail = Literal["elements", "fraction", "pattern"]
"""What is known of a masked slot beside the other elements: nothing; the number of elements and the atomic
fraction of the slot, in bins; the whole stoichiometry and the place of the slot in it."""

_COLUMNS: Final = len(ELEMENTS) + 1
_BINS: Final = 20
#: Compositions of this many elements and of more share their fraction bins.
_MOST_ELEMENTS: Final = 7
#: Observations of the overall distribution added to every conditional one; 1 to 100 give the same accuracy.
_SMOOTHING: Final = 10.0


@dataclass(frozen=True, eq=False)
class CooccurrenceBaseline:
    """Naive Bayes over the elements of a composition: log P(e) + sum over visible i of log P(i | e).

    With a slot detail, log P(slot | e) is added. A stoichiometry that training lacks is scored by its fraction.

    Attributes:
        prior: (columns,) log P(e), by atomic number.
        pairs: (columns, columns) log P(i | e), e in rows.
        fractions: (codes, columns) log P(fraction bin and number of elements | e).
        patterns: (codes, columns) log P(stoichiometry and place | e).
        places: row of `patterns` of each anonymised formula's first place; the others follow.
    """

    prior: NDArray[np.float64]
    pairs: NDArray[np.float64]
    fractions: NDArray[np.float64]
    patterns: NDArray[np.float64]
    places: Mapping[str, int]

    @classmethod
    def fit(cls, elements: ArrayLike, fractions: ArrayLike, *, smoothing: float = _SMOOTHING) -> CooccurrenceBaseline:
        """Count elements, pairs and slots over training compositions.

        Args:
            elements: (n, k) atomic numbers, 0 at padding.
            fractions: (n, k) atomic fractions, 0 at padding.
            smoothing: observations added to P(. | e), spread as they occur overall; above 0.

        Raises:
            DataError: there are no rows, the arrays are not compositions, or smoothing is not above 0.
        """
        atoms, values = _compositions(elements, fractions)
        if not len(atoms):
            raise DataError("Cannot count the elements of no compositions.")
        if not smoothing > 0:
            raise DataError(f"Smoothing is {smoothing}, expected a number above 0.")
        if ((atoms > 0) != (values > 0)).any():
            raise DataError("Elements and atomic fractions disagree on where the padding is.")
        together = _pair_counts(atoms)
        often = np.bincount(atoms.ravel(), minlength=_COLUMNS) + 1.0
        often[0] = 0
        overall = often / often.sum()
        with np.errstate(divide="ignore"):
            prior = np.log(overall)
            pairs = np.log((together + smoothing * overall) / (together.sum(1, keepdims=True) + smoothing))
        rows, columns = np.nonzero(atoms)
        found, keys, width = atoms[rows, columns], prototypes(values), atoms.shape[1]
        places = {str(key): row * width for row, key in enumerate(np.unique(keys.astype(str)))}
        bins = _fraction_codes(values, rows, columns)
        spots = _place_codes(values, rows, columns, keys, places)
        return cls(
            prior=prior,
            pairs=pairs,
            fractions=_log_slots(bins, found, _BINS * (_MOST_ELEMENTS + 1), smoothing),
            patterns=_log_slots(spots, found, len(places) * width, smoothing),
            places=places,
        )

    def log_scores(
        self, elements: ArrayLike, fractions: ArrayLike, masked: ArrayLike, *, detail: SlotDetail = "elements"
    ) -> NDArray[np.float64]:
        """Score every element for one masked slot of each composition.

        What `elements` holds at the masked slot is not looked at.

        Args:
            elements: (n, k) atomic numbers, 0 at padding.
            fractions: (n, k) atomic fractions, 0 at padding.
            masked: (n,) column of the masked slot.
            detail: what is known of the slot beside the other elements.

        Returns:
            (n, 104) log P, up to a constant a row; column = atomic number. Column 0 and the other elements of the
            composition are -infinity.

        Raises:
            DataError: the arrays are not compositions, a masked column is padding, or the detail is unknown.
        """
        choices = get_args(SlotDetail)
        if detail not in choices:
            expected = ", ".join(choices)
            raise DataError(f"Unknown slot detail '{detail}', expected one of {expected}.{suggestion(detail, choices)}")
        atoms, values = _compositions(elements, fractions)
        rows, columns = np.arange(len(atoms)), np.asarray(masked, dtype=np.int64)
        if columns.shape != rows.shape or ((columns < 0) | (columns >= atoms.shape[1])).any():
            raise DataError(f"Masked slots must be {len(rows)} columns from 0 to {atoms.shape[1] - 1}.")
        if not (values[rows, columns] > 0).all():
            raise DataError("A masked slot is padding.")
        visible = atoms.copy()
        visible[rows, columns] = 0
        present = _presence(visible)
        # Column 0 holds nothing, but 0 * -infinity would be NaN.
        scores = self.prior + present[:, 1:].astype(np.float64) @ self.pairs[:, 1:].T
        if detail != "elements":
            codes = _fraction_codes(values, rows, columns)
            slot = self.fractions[codes]
            if detail == "pattern":
                codes = _place_codes(values, rows, columns, prototypes(values), self.places)
                slot[codes >= 0] = self.patterns[codes[codes >= 0]]
            scores += slot
        scores[:, 0] = -np.inf
        scores[present > 0] = -np.inf
        return scores


def masked_slots(elements: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and column of every slot that can be masked: all slots of compositions of two or more elements.

    Masking each element of each composition once leaves nothing to chance.

    Args:
        elements: (n, k) atomic numbers, 0 at padding.
    """
    filled = np.asarray(elements) > 0
    rows, columns = np.nonzero(filled & (filled.sum(1, keepdims=True) > 1))
    return rows, columns


def _compositions(elements: ArrayLike, fractions: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    atoms, values = np.asarray(elements).astype(np.int64), np.asarray(fractions, dtype=np.float64)
    if atoms.ndim != 2 or atoms.shape != values.shape:
        raise DataError(f"Got elements of shape {atoms.shape} and atomic fractions of shape {values.shape}.")
    if atoms.size and not 0 <= atoms.min() <= atoms.max() < _COLUMNS:
        raise DataError(f"Atomic numbers run from {atoms.min()} to {atoms.max()}, expected 0 to {_COLUMNS - 1}.")
    return atoms, values


def _presence(atoms: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return 1 where a row has an element, (rows, columns by atomic number); column 0 is 0."""
    present = np.zeros((len(atoms), _COLUMNS), dtype=np.float32)
    np.put_along_axis(present, atoms, 1, axis=1)
    present[:, 0] = 0
    return present


def _pair_counts(atoms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how many rows hold both elements, (columns, columns), 0 on the diagonal and for padding."""
    counts = np.zeros(_COLUMNS * _COLUMNS)
    for one, other in permutations(range(atoms.shape[1]), 2):
        counts += np.bincount(atoms[:, one] * _COLUMNS + atoms[:, other], minlength=len(counts))
    square = counts.reshape(_COLUMNS, _COLUMNS)
    square[0] = square[:, 0] = 0
    return square


def _log_slots(codes: NDArray[np.int64], found: NDArray[np.int64], count: int, smoothing: float) -> NDArray[np.float64]:
    """Return log P(code | element), (codes, columns), from the code and the element of every slot."""
    cells = np.bincount(codes * _COLUMNS + found, minlength=count * _COLUMNS)
    counts = cells.reshape(count, _COLUMNS).astype(np.float64)
    spread = (counts.sum(1, keepdims=True) + 1) / (counts.sum() + count)
    shares: NDArray[np.float64] = (counts + smoothing * spread) / (counts.sum(0) + smoothing)
    return np.log(shares)


def _fraction_codes(
    values: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the code of each slot's number of elements and fraction bin."""
    number = np.minimum((values > 0).sum(1), _MOST_ELEMENTS)[rows]
    # Fractions such as 0.15 lie on an edge: a little is added so that rounding cannot put them on either side.
    bins = np.clip(np.floor((values[rows, columns] + TOLERANCE) * _BINS), 0, _BINS - 1)
    codes: NDArray[np.int64] = number * _BINS + bins.astype(np.int64)
    return codes


def _place_codes(
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    keys: NDArray[np.object_],
    places: Mapping[str, int],
) -> NDArray[np.int64]:
    """Return the row of `patterns` of each slot, -1 where training lacks the stoichiometry.

    Slots of equal amounts share the first of their places.
    """
    first = np.array([places.get(key, -1) for key in keys], dtype=np.int64)[rows]
    smaller = (values[rows] > 0) & (values[rows] < values[rows, columns][:, None] - TOLERANCE)
    return np.where(first < 0, -1, first + smaller.sum(1))
