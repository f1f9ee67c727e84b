"""Counts of the known links: how usual a precursor is for the elements it would supply, beside which other elements.

They are counts alone, no reaction rows, and give log frequencies of the links of any target.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import ELEMENTS, Composition, source_elements
from rrgraph.data import ReactionTable
from rrgraph.errors import DataError
from rrgraph.util.arguments import call_with
from rrgraph.util.arrays import check_array

__all__ = ["ANION_CLASSES", "COUNTED", "FLOOR", "LinkCounts", "anion_class", "check_counts"]

COUNTED: Final = ("element", "anion_class", "element_pair", "used")
"""Names of the counted features of a link, in column order; see `LinkCounts.features`."""

FLOOR: Final = 1e-4
"""Smallest frequency, that of a link never seen."""

ANION_CLASSES: Final = (
    "oxide",
    "oxyanion",
    "chalcogenide",
    "halide",
    "nitride",
    "pnictide",
    "carbide",
    "intermetallic",
)
"""Chemical family of a target, by the non-metals it contains."""

_INDEX: Final = {symbol: index for index, symbol in enumerate(ELEMENTS)}
_ELEMENTS: Final = len(ELEMENTS)
_CONTEXTS: Final = 2 * _ELEMENTS + len(ANION_CLASSES)
_SMOOTHING: Final = 2.0
_MOST: Final = 1e9


def anion_class(elements: Iterable[str]) -> str:
    """Return the family of a target with these elements, one of `ANION_CLASSES`."""
    present = frozenset(elements)
    if "O" in present:
        return "oxyanion" if present & {"P", "S", "Se", "N", "C", "F", "Cl", "Br", "I", "B"} else "oxide"
    for family, anions in (
        ("halide", {"F", "Cl", "Br", "I"}),
        ("chalcogenide", {"S", "Se", "Te"}),
        ("nitride", {"N"}),
        ("pnictide", {"P", "As", "Sb", "Bi"}),
        ("carbide", {"C", "B", "Si", "Ge"}),
    ):
        if present & anions:
            return family
    return "intermetallic"


def check_counts(name: str, counts: NDArray[Any], shape: Sequence[int | None]) -> None:
    """Refuse counts, or sums of shares, of reactions that were read from a file and cannot be such, by a ValueError."""
    check_array(name, counts, np.float32, shape, low=0, below=_MOST)


class LinkCounts:
    """Counts of the training reactions and the log frequencies computed from them.

    A slot is one (precursor, source element) pair of the vocabulary. Its counts are the distinct reactions
    whose target contains the element and whose set contains the precursor, by context: each other element
    of the target (with and without oxygen in the target apart) and the target's anion class.

    Args:
        vocabulary: n precursors; candidates outside it have zero counts.
        slot_counts: (slots, contexts) float32.
        element_counts: (elements, contexts) float32, distinct reactions whose target contains the element.
        uses: (n,) float32, distinct reactions that use each precursor.

    Raises:
        DataError: the counts are not those of this vocabulary.
    """

    def __init__(
        self,
        vocabulary: Sequence[Composition],
        slot_counts: NDArray[np.float32],
        element_counts: NDArray[np.float32],
        uses: NDArray[np.float32],
    ) -> None:
        self.vocabulary = tuple(vocabulary)
        self.slot_counts = slot_counts
        self.element_counts = element_counts
        self.uses = uses
        self._slots = _slots(self.vocabulary)
        if len(slot_counts) != len(self._slots[0]) or len(uses) != len(self.vocabulary):
            raise DataError(f"Link counts of {len(uses)} precursors do not fit a vocabulary of {len(self.vocabulary)}.")
        self._used = {each.key: index for index, each in enumerate(self.vocabulary) if uses[index] > 0}

    @classmethod
    def fit(cls, table: ReactionTable, vocabulary: Sequence[Composition]) -> LinkCounts:
        """Count the distinct reactions of `table` over `vocabulary`."""
        uses = np.zeros(len(vocabulary), dtype=np.float32)
        slot_element, slot_precursor = _slots(vocabulary)
        slot_counts = np.zeros((len(slot_element), _CONTEXTS), dtype=np.float32)
        element_counts = np.zeros((_ELEMENTS, _CONTEXTS), dtype=np.float32)
        slots_of: dict[int, list[int]] = {}
        for slot, precursor in enumerate(slot_precursor.tolist()):
            slots_of.setdefault(precursor, []).append(slot)
        index = {precursor.key: position for position, precursor in enumerate(vocabulary)}
        for target, keys in table.distinct_reactions():
            contexts = _contexts(target.elements)
            present = {_INDEX[symbol] for symbol in target.elements}
            for element in present:
                element_counts[element, contexts] += 1
            for key in keys:
                precursor = index[key]
                uses[precursor] += 1
                for slot in slots_of[precursor]:
                    if int(slot_element[slot]) in present:
                        slot_counts[slot, contexts] += 1
        return cls(vocabulary, slot_counts, element_counts, uses)

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the counts by the name of the argument."""
        return {"slot_counts": self.slot_counts, "element_counts": self.element_counts, "uses": self.uses}

    @classmethod
    def from_arrays(cls, vocabulary: Sequence[Composition], arrays: Mapping[str, NDArray[Any]]) -> LinkCounts:
        """Return what `to_arrays` described.

        Raises:
            DataError: the counts are not those of this vocabulary.
            ValueError: an array is missing, unknown, or holds what it cannot.
        """
        counts = call_with(cls, {"vocabulary": vocabulary, **arrays})
        check_counts("slot_counts", counts.slot_counts, (None, _CONTEXTS))
        check_counts("element_counts", counts.element_counts, (_ELEMENTS, _CONTEXTS))
        check_counts("uses", counts.uses, (len(vocabulary),))
        return counts

    def vocabulary_rows(self, candidates: Sequence[Composition]) -> NDArray[np.int64]:
        """Return the row of each candidate in `features`; candidates that were never used share the last row."""
        unseen = len(self.vocabulary)
        return np.array([self._used.get(candidate.key, unseen) for candidate in candidates], dtype=np.int64)

    def features(self, elements: frozenset[str]) -> NDArray[np.float32]:
        """Return the features of the links between a target and every precursor of the vocabulary.

        Each is the natural logarithm of a smoothed frequency, averaged over the elements that the precursor
        would supply: `element`, among reactions whose target contains the element (targets with and without
        oxygen apart); `anion_class`, among those of the target's anion class; `element_pair`, averaged over
        the target's other elements, among those that contain both. `used` is log(1 + distinct reactions that
        use the precursor).

        Args:
            elements: element symbols of the target; its amounts do not matter here.

        Returns:
            (n + 1, `len(COUNTED)`) float32; the last row is that of a precursor that was never seen.
        """
        unseen = np.array([[np.log(FLOOR)] * (len(COUNTED) - 1) + [0.0]], dtype=np.float32)
        return np.vstack([self._supplied(elements), unseen])

    def _supplied(self, elements: frozenset[str]) -> NDArray[np.float32]:
        slot_element, slot_precursor = self._slots
        present = np.zeros(_ELEMENTS, dtype=bool)
        present[[_INDEX[symbol] for symbol in elements]] = True
        active = np.flatnonzero(present[slot_element])
        element, precursor = slot_element[active], slot_precursor[active]
        contexts = np.array(_contexts(elements))
        count = self.slot_counts[active[:, None], contexts]
        total = self.element_counts[element[:, None], contexts]
        # The last context is the anion class; the context of the element itself counts all that contain it,
        # within oxygen-bearing or oxygen-free targets.
        itself = contexts[None, :-1] % _ELEMENTS == element[:, None]
        by_element = (count[:, :-1] * itself).sum(1) / (total[:, :-1] * itself).sum(1).clip(1)
        prior = by_element.clip(FLOOR)
        by_class = (count[:, -1] + _SMOOTHING * prior) / (total[:, -1] + _SMOOTHING)
        paired = np.log((count[:, :-1] + _SMOOTHING * by_class[:, None]) / (total[:, :-1] + _SMOOTHING))
        others = max(len(elements) - 1, 1)
        by_pair = np.where(itself & (len(elements) > 1), 0.0, paired).sum(1) / others
        values = np.stack([np.log(prior), np.log(by_class), by_pair], axis=1)

        features = np.full((len(self.vocabulary), len(COUNTED)), np.log(FLOOR), dtype=np.float32)
        supplies = np.bincount(precursor, minlength=len(self.vocabulary))
        shared = supplies > 0
        for column in range(values.shape[1]):
            sums = np.bincount(precursor, weights=values[:, column], minlength=len(self.vocabulary))
            features[shared, column] = sums[shared] / supplies[shared]
        features[:, -1] = np.log1p(self.uses)
        return features


def _slots(vocabulary: Sequence[Composition]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return element index and vocabulary index of each (precursor, source element) slot."""
    pairs = [
        (_INDEX[symbol], index)
        for index, precursor in enumerate(vocabulary)
        for symbol in sorted(source_elements(precursor))
    ]
    slots = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return slots[:, 0], slots[:, 1]


def _contexts(elements: frozenset[str]) -> list[int]:
    offset = 0 if "O" in elements else _ELEMENTS
    return [offset + _INDEX[symbol] for symbol in sorted(elements)] + [
        2 * _ELEMENTS + ANION_CLASSES.index(anion_class(elements))
    ]
