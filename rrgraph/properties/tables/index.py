"""A compact index of distinct compositions, filled with batches of formulas.

It returns the row of each formula, and the elements and fractions of all compositions as padded arrays.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from rrgraph.chem import ATOMIC_NUMBERS, Composition, FormulaWarning, parse_formula
from rrgraph.errors import FormulaError

__all__ = ["UNKNOWN", "CompositionRows", "DigestIndex", "key_digest"]

#: Row of a digest that is not in the index.
UNKNOWN = -1
#: Row of a spelling that is not a valid formula.
_REFUSED = -2
_EXAMPLES = 5


def key_digest(key: str) -> int:
    """Return 64 bits of the BLAKE2b digest of a canonical key: the same on every computer and in every version."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")


class DigestIndex:
    """Rows by 64-bit digest in two sorted arrays: 12 bytes an entry, a tenth of what a dictionary takes.

    Among ten million entries two share a digest with probability 3e-6.
    """

    def __init__(self) -> None:
        self._digests: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self._rows: NDArray[np.int32] = np.empty(0, dtype=np.int32)

    def __len__(self) -> int:
        return len(self._digests)

    def find(self, digests: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Return the row of each digest, `UNKNOWN` if it is not in the index."""
        if not len(self):
            return np.full(len(digests), UNKNOWN, dtype=np.int32)
        indices = np.minimum(np.searchsorted(self._digests, digests), len(self) - 1)
        return np.where(self._digests[indices] == digests, self._rows[indices], np.int32(UNKNOWN))

    def insert(self, digests: NDArray[np.uint64], rows: NDArray[np.int32]) -> None:
        """Add digests that are neither in the index nor repeated."""
        order = np.argsort(digests)
        indices = np.searchsorted(self._digests, digests[order])
        self._digests = np.insert(self._digests, indices, digests[order])
        self._rows = np.insert(self._rows, indices, rows[order])


@dataclass(frozen=True)
class _Batch:
    """Compositions added by one batch of rows; their elements and fractions are concatenated."""

    counts: NDArray[np.uint8]
    elements: NDArray[np.uint8]
    fractions: NDArray[np.float32]
    formulas: pa.StringArray


class CompositionRows:
    """Numbers compositions in order of first appearance, each canonical key once.

    Attributes:
        refused: number of cells that are not a valid formula; `examples` has the first messages.
        blank: number of rows without a formula.
        doubtful: number of spellings with an offset of unknown size that is set to zero.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.blank = 0
        self.doubtful = 0
        self.examples: list[str] = []
        self.digests: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self._keys = DigestIndex()
        self._spellings = DigestIndex()
        self._batches: list[_Batch] = []

    def __len__(self) -> int:
        return len(self.digests)

    def rows(self, formulas: pd.Series) -> NDArray[np.int32]:
        """Return the row of each formula, negative for one that is blank or cannot be parsed."""
        codes, spelled = pd.factorize(formulas)
        spellings = np.asarray(spelled, dtype=object)
        hashes = pd.util.hash_array(spellings.astype(str).astype(object)) if len(spellings) else self.digests[:0]
        rows = self._spellings.find(hashes)
        unknown = np.flatnonzero(rows == UNKNOWN)
        if len(unknown):
            rows[unknown] = self._add(spellings[unknown].tolist())
            self._spellings.insert(hashes[unknown], rows[unknown])
        found = np.where(codes < 0, np.int32(UNKNOWN), rows[codes] if len(rows) else np.int32(UNKNOWN))
        self.blank += int((codes < 0).sum())
        self.refused += int((found == _REFUSED).sum())
        return found.astype(np.int32)

    def release_arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.float32], pa.ChunkedArray]:
        """Return atomic numbers (n, k) and atomic fractions (n, k), both padded by zero, and n spellings.

        The index is emptied to save memory and cannot be used afterwards.
        """
        self._keys = self._spellings = DigestIndex()
        width = max((int(batch.counts.max(initial=0)) for batch in self._batches), default=1)
        elements = np.zeros((len(self), width), dtype=np.uint8)
        fractions = np.zeros((len(self), width), dtype=np.float32)
        formulas = pa.chunked_array([batch.formulas for batch in self._batches], type=pa.string())
        start = 0
        while self._batches:
            batch = self._batches.pop(0)
            stop = start + len(batch.counts)
            filled = np.arange(width) < batch.counts[:, None]
            elements[start:stop][filled] = batch.elements
            fractions[start:stop][filled] = batch.fractions
            start = stop
        return elements, fractions, formulas

    def _add(self, spellings: Sequence[object]) -> NDArray[np.int32]:
        """Parse new spellings and number the compositions that are new."""
        parsed = self._parse(spellings)
        rows = np.full(len(spellings), _REFUSED, dtype=np.int32)
        good = np.array([index for index, item in enumerate(parsed) if item is not None], dtype=np.int64)
        if not len(good):
            return rows
        compositions = [item for item in parsed if item is not None]
        digests = np.array([key_digest(item.key) for item in compositions], dtype=np.uint64)
        distinct, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
        known = self._keys.find(distinct)
        new = np.flatnonzero(known == UNKNOWN)
        new = new[np.argsort(first[new])]
        known[new] = np.arange(len(self), len(self) + len(new), dtype=np.int32)
        self._keys.insert(distinct[new], known[new])
        self.digests = np.concatenate([self.digests, distinct[new]])
        self._batches.append(_batch([compositions[index] for index in first[new].tolist()]))
        rows[good] = known[inverse]
        return rows

    def _parse(self, spellings: Sequence[object]) -> list[Composition | None]:
        parsed: list[Composition | None] = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", FormulaWarning)
            for text in spellings:
                try:
                    parsed.append(parse_formula(text, dopants=False))  # type: ignore[arg-type]  # a number raises FormulaError
                except FormulaError as error:
                    parsed.append(None)
                    if len(self.examples) < _EXAMPLES:
                        self.examples.append(str(error))
        self.doubtful += len(caught)
        return parsed


def _batch(compositions: Sequence[Composition]) -> _Batch:
    counts, elements, fractions = [], [], []
    for composition in compositions:
        amounts = composition.amounts
        common = lcm(*(amount.denominator for _, amount in amounts))
        whole = [amount.numerator * (common // amount.denominator) for _, amount in amounts]
        total = sum(whole)
        counts.append(len(amounts))
        elements += [ATOMIC_NUMBERS[symbol] for symbol, _ in amounts]
        fractions += [count / total for count in whole]
    return _Batch(
        counts=np.array(counts, dtype=np.uint8),
        elements=np.array(elements, dtype=np.uint8),
        fractions=np.array(fractions, dtype=np.float32),
        formulas=pa.array([composition.formula for composition in compositions], type=pa.string()),
    )
