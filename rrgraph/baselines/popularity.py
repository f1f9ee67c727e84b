"""Popularity: how often training reactions use a precursor for an element, the simplest baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.baselines.base import BASELINES, LinkBaseline
from rrgraph.chem import ELEMENTS, VOLATILE, Composition, anhydrous, source_elements
from rrgraph.data import ReactionTable, Split

__all__ = ["Popularity"]

_INDEX: Final = {symbol: index for index, symbol in enumerate(ELEMENTS)}


@BASELINES.register("popularity")
class Popularity(LinkBaseline):
    """Popularity of a precursor for its element, counted separately for targets with and without oxygen.

    For an element e of the target and a candidate c that supplies it as a source element,
    ``p(c | e) = reactions whose target contains e and whose set supplies e by c / reactions whose target contains e``,
    counted over distinct reactions (the same target and set count once) and smoothed twice:

    - over all targets, ``p = (count + alpha) / (total + 1)``: a candidate never seen for e ranks below every
      candidate seen for e;
    - within the targets that, like this one, do or do not contain oxygen, ``(count' + beta p) / (total' + beta)``.

    A candidate with several source elements has the largest of their probabilities. Candidates with a foreign element
    (one that the target lacks, except C, H, O and N), or without a source element of the target, have a logit of -30.

    Args:
        by_oxygen: count targets with and without oxygen separately.
        alpha: count added to every candidate, between 0 and 1.
        beta: weight of the popularity over all targets, in reactions.
    """

    name = "popularity"
    never_logit: ClassVar[float] = -30.0
    """Logit of a candidate that cannot be used for the target."""

    def __init__(self, *, by_oxygen: bool = True, alpha: float = 0.1, beta: float = 2.0) -> None:
        super().__init__()
        self.by_oxygen = by_oxygen
        self.alpha = alpha
        self.beta = beta
        self._supplied: dict[tuple[str, str], NDArray[np.float64]] = {}
        self._contained = np.zeros((2, len(ELEMENTS)))

    def _learn(self, table: ReactionTable, split: Split | None) -> None:
        supplied: Counter[tuple[str, str, int]] = Counter()
        contained = np.zeros((2, len(ELEMENTS)))
        reactions = {
            (target.key, precursors.keys): (target, precursors)
            for target, precursors in zip(table.targets, table.precursor_sets, strict=True)
        }
        for target, precursors in reactions.values():
            elements, oxygen = target.elements, int("O" in target.elements)
            contained[oxygen, [_INDEX[symbol] for symbol in elements]] += 1
            for precursor in map(anhydrous, precursors):
                supplied.update((precursor.key, symbol, oxygen) for symbol in source_elements(precursor) & elements)
        self._contained = contained
        self._supplied = {}
        for (key, symbol, oxygen), count in supplied.items():
            self._supplied.setdefault((key, symbol), np.zeros(2))[oxygen] = count

    def _logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        slots = [
            (column, _INDEX[symbol], self._supplied.get((candidate.key, symbol), (0.0, 0.0)))
            for column, candidate in enumerate(candidates)
            for symbol in sorted(source_elements(candidate))
        ]
        column = np.array([slot[0] for slot in slots], dtype=np.int64)
        element = np.array([slot[1] for slot in slots], dtype=np.int64)
        counts = np.array([slot[2] for slot in slots], dtype=np.float64).reshape(-1, 2).T
        by_oxygen = np.log([self._probabilities(counts, element, oxygen) for oxygen in (0, 1)])
        supplied = _membership([candidate.elements - VOLATILE for candidate in candidates])

        logits = np.full((len(targets), len(candidates)), self.never_logit)
        for row, target in enumerate(targets):
            present = _membership([target.elements])[0]
            log_probability = np.full(len(candidates), -np.inf)
            active = np.flatnonzero(present[element])
            np.maximum.at(log_probability, column[active], by_oxygen[int("O" in target.elements), active])
            usable = np.isfinite(log_probability) & ~(supplied & ~present).any(axis=1)
            known = log_probability[usable]
            logits[row, usable] = known - np.log(-np.expm1(known))
        return logits

    def _probabilities(
        self, counts: NDArray[np.float64], element: NDArray[np.int64], oxygen: int
    ) -> NDArray[np.float64]:
        """Return the smoothed p(candidate | element) of each slot, (slots,), strictly between 0 and 1."""
        overall: NDArray[np.float64] = (counts.sum(0) + self.alpha) / (self._contained.sum(0)[element] + 1)
        if not self.by_oxygen:
            return overall
        smoothed: NDArray[np.float64] = counts[oxygen] + self.beta * overall
        smoothed /= self._contained[oxygen, element] + self.beta
        return smoothed


def _membership(element_sets: Sequence[frozenset[str]]) -> NDArray[np.bool_]:
    """Return (sets, elements), whether each set has each element."""
    member = np.zeros((len(element_sets), len(ELEMENTS)), dtype=bool)
    for row, elements in enumerate(element_sets):
        member[row, [_INDEX[symbol] for symbol in elements]] = True
    return member
