"""Counts of the known links: how usual a precursor is for the elements it would supply, beside which other elements.

They are counts alone, no reaction rows, and give log frequencies of the links of any target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from rrgraph.chem import ELEMENTS, Composition, source_elements
from rrgraph.data import ReactionTable
from rrgraph.errors import DataError
from rrgraph.graph.elements import ANION_CLASSES, Materials, anion_class
from rrgraph.util.arguments import call_with
from rrgraph.util.arrays import check_array, expanded

__all__ = ["COUNTED", "FLOOR", "LinkCounts", "check_counts"]

COUNTED: Final = ("element", "anion_class", "element_pair", "used")
"""Names of the counted features of a link, in column order; see `LinkCounts.features`."""

FLOOR: Final = 1e-4
"""Smallest frequency, that of a link never seen."""

_INDEX: Final = {symbol: index for index, symbol in enumerate(ELEMENTS)}
_ELEMENTS: Final = len(ELEMENTS)
_ALPHABETICAL: Final = np.argsort(ELEMENTS)
_CONTEXTS: Final = 2 * _ELEMENTS + len(ANION_CLASSES)
_SMOOTHING: Final = 2.0
_MOST: Final = 1e9


def check_counts(name: str, counts: NDArray[Any], shape: Sequence[int | None]) -> None:
    """Refuse counts of reactions, or sums of their shares, that are out of range in a file, by a ValueError."""
    check_array(name, counts, np.float32, shape, low=0, below=_MOST)


class LinkCounts:
    """Counts of the training reactions and the log frequencies computed from them.

    A slot is one (precursor, source element) pair of the vocabulary. Its counts are the distinct reactions
    whose target contains the element and whose set contains the precursor, by context: each other element
    of the target (with and without oxygen in the target apart) and the target's anion class.

    Args:
        vocabulary: n precursors; candidates outside it have zero counts.
        slot_counts: (slots, contexts) float32, most of them 0.
        element_counts: (elements, contexts) float32, distinct reactions whose target contains the element.
        uses: (n,) float32, distinct reactions that use each precursor.

    Raises:
        DataError: the counts are not those of this vocabulary.
    """

    def __init__(
        self,
        vocabulary: Sequence[Composition],
        slot_counts: NDArray[np.float32] | csr_array,
        element_counts: NDArray[np.float32],
        uses: NDArray[np.float32],
    ) -> None:
        self.vocabulary = tuple(vocabulary)
        self.slot_counts = csr_array(slot_counts)
        self.slot_counts.sort_indices()  # which makes entries quick to find
        self.element_counts = element_counts
        self.uses = uses
        self._slots = _slots(self.vocabulary)
        if self.slot_counts.shape[0] != len(self._slots[0]) or len(uses) != len(self.vocabulary):
            raise DataError(f"Link counts of {len(uses)} precursors do not fit a vocabulary of {len(self.vocabulary)}.")
        numbers = np.bincount(self._slots[1], minlength=len(self.vocabulary))
        firsts = np.cumsum(numbers) - numbers
        self._used = {
            each.key: (first, use)
            for each, first, use in zip(self.vocabulary, firsts.tolist(), np.log1p(uses).tolist(), strict=True)
            if use > 0
        }

    @classmethod
    def fit(cls, table: ReactionTable, vocabulary: Sequence[Composition]) -> LinkCounts:
        """Count the distinct reactions of `table` over `vocabulary`."""
        index = {precursor.key: position for position, precursor in enumerate(vocabulary)}
        reactions = table.distinct_reactions()
        contexts = _incidence([_contexts(target.elements) for target, _ in reactions], _CONTEXTS)
        used = _incidence([[index[key] for key in keys] for _, keys in reactions], len(vocabulary))
        elements = contexts[:, :_ELEMENTS] + contexts[:, _ELEMENTS : 2 * _ELEMENTS]
        # A reaction fills the slots of its precursors whose element its target contains.
        slot_element, slot_precursor = _slots(vocabulary)
        numbers = np.bincount(slot_precursor, minlength=len(vocabulary))
        reaction = np.repeat(np.arange(len(reactions)), np.diff(used.indptr))
        filling, slot = expanded(np.cumsum(numbers) - numbers, numbers, used.indices)
        reaction = reaction[filling]
        kept = elements.toarray()[reaction, slot_element[slot]] > 0
        ones = np.ones(np.count_nonzero(kept), dtype=np.float32)
        filled = csr_array((ones, (slot[kept], reaction[kept])), shape=(len(slot_element), len(reactions)))
        uses = np.bincount(used.indices, minlength=len(vocabulary)).astype(np.float32)
        return cls(vocabulary, filled @ contexts, (elements.T @ contexts).toarray(), uses)

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the counts by the name of the argument."""
        return {"slot_counts": self.slot_counts.toarray(), "element_counts": self.element_counts, "uses": self.uses}

    @classmethod
    def from_arrays(cls, vocabulary: Sequence[Composition], arrays: Mapping[str, NDArray[Any]]) -> LinkCounts:
        """Return what `to_arrays` described.

        Raises:
            DataError: the counts are not those of this vocabulary.
            ValueError: an array is missing, unknown, or holds impossible values.
        """
        check_counts("slot_counts", arrays.get("slot_counts", np.empty((0, _CONTEXTS), np.float32)), (None, _CONTEXTS))
        counts = call_with(cls, {"vocabulary": vocabulary, **arrays})
        check_counts("element_counts", counts.element_counts, (_ELEMENTS, _CONTEXTS))
        check_counts("uses", counts.uses, (len(vocabulary),))
        return counts

    def supplied(self, candidate: Composition) -> tuple[int, float]:
        """Return the first slot of a precursor and log(1 + distinct reactions that use it); -1 for one never used."""
        return self._used.get(candidate.key, (-1, 0.0))

    def features(
        self, targets: Materials, rows: NDArray[np.int64], element: NDArray[np.int64], slot: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the features of supplies: of one element of a target by one precursor.

        Each is the natural logarithm of a smoothed frequency: `element`, among reactions whose target contains the
        element (targets with and without oxygen apart); `anion_class`, among those of the target's anion class;
        `element_pair`, averaged over the target's other elements, among those that contain both.

        Args:
            targets: t materials; their amounts do not matter here.
            rows: (n,) position of the target of each supply.
            element: (n,) its element, which the target contains.
            slot: (n,) its slot.

        Returns:
            (n, 3) float32.
        """
        values = np.empty((len(rows), len(COUNTED) - 1), dtype=np.float32)
        number = targets.presence.sum(1)
        for size in np.unique(number[rows]).tolist():
            same = np.flatnonzero(number == size)
            contexts = np.empty((len(targets), size + 1), dtype=np.int64)
            contexts[same] = _contexts_of(targets[same], size)
            (own,) = np.nonzero(number[rows] == size)
            values[own] = self._frequencies(contexts[rows[own]], element[own], slot[own])
        return values

    def _frequencies(
        self, contexts: NDArray[np.int64], element: NDArray[np.int64], slot: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the features of supplies in contexts (n, elements of the target + 1)."""
        count = np.asarray(self.slot_counts[np.repeat(slot, contexts.shape[1]), contexts.ravel()])
        count = count.reshape(contexts.shape)
        total = self.element_counts[element[:, None], contexts]
        # The last context is the anion class; the context of the element itself counts all that contain it,
        # within oxygen-bearing or oxygen-free targets.
        itself = contexts[:, :-1] % _ELEMENTS == element[:, None]
        by_element = (count[:, :-1] * itself).sum(1) / (total[:, :-1] * itself).sum(1).clip(1)
        prior = by_element.clip(FLOOR)
        by_class = (count[:, -1] + _SMOOTHING * prior) / (total[:, -1] + _SMOOTHING)
        paired = np.log((count[:, :-1] + _SMOOTHING * by_class[:, None]) / (total[:, :-1] + _SMOOTHING))
        others = contexts.shape[1] - 2
        by_pair = np.where(itself & (others > 0), 0.0, paired).sum(1) / max(others, 1)
        values: NDArray[np.float32] = np.stack([np.log(prior), np.log(by_class), by_pair], axis=1)
        return values


def _slots(vocabulary: Sequence[Composition]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return element index and vocabulary index of each (precursor, source element) slot."""
    pairs = [
        (_INDEX[symbol], index)
        for index, precursor in enumerate(vocabulary)
        for symbol in sorted(source_elements(precursor))
    ]
    slots = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return slots[:, 0], slots[:, 1]


@lru_cache(maxsize=2**16)
def _contexts(elements: frozenset[str]) -> tuple[int, ...]:
    offset = 0 if "O" in elements else _ELEMENTS
    family = 2 * _ELEMENTS + ANION_CLASSES.index(anion_class(elements))
    return (*(offset + _INDEX[symbol] for symbol in sorted(elements)), family)


def _contexts_of(targets: Materials, size: int) -> NDArray[np.int64]:
    """Return the contexts (t, size + 1) of targets of `size` elements each, in the order of `_contexts`."""
    oxygen = targets.presence[:, [_INDEX["O"]]]
    elements = _ALPHABETICAL[np.nonzero(targets.presence[:, _ALPHABETICAL])[1]].reshape(-1, size)
    return np.hstack([elements + _ELEMENTS * ~oxygen, 2 * _ELEMENTS + targets.families[:, None]])


def _incidence(lists: Sequence[Sequence[int]], width: int) -> csr_array:
    """Return which columns each row names, (rows, width) float32."""
    columns = np.fromiter(chain.from_iterable(lists), dtype=np.int64)
    offsets = np.cumsum([0, *map(len, lists)])
    return csr_array((np.ones(len(columns), dtype=np.float32), columns, offsets), shape=(len(lists), width))
