"""The common base of retrieval systems: recorded sets of the most similar reference targets, adapted to a target."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.baselines.base import SetBaseline, SetRequest
from rrgraph.baselines.popularity import Popularity
from rrgraph.chem import ELEMENTS, VOLATILE, Composition, fraction_matrix
from rrgraph.data import PrecursorSet, ReactionTable, Split
from rrgraph.planning import CandidateFilter, Proposal

__all__ = ["RetrievalBaseline", "Usable"]

_COMPLETION_BATCH_SIZE: Final = 64
"""Sets that are completed at a time; often the first batch is enough."""

_BATCH_SIZE: Final = 512
"""Recorded sets that are processed at a time."""

_Members = tuple[int, ...]
"""A set as ascending indices in the training vocabulary."""


@dataclass(frozen=True, slots=True)
class Usable:
    """The usable precursors for one target.

    Attributes:
        allowed: (vocabulary + 1,) whether a precursor may be used; the last entry is padding.
        masks: (vocabulary + 1,) needed elements that each supplies, one bit for each element.
        need: the bits of all needed elements.
        popular: (vocabulary,) popularity of each precursor for the target, as logits.
    """

    allowed: NDArray[np.bool_]
    masks: NDArray[Any]
    need: int
    popular: NDArray[np.float64]

    def supplied(self, members: Sequence[int]) -> int:
        """Return the needed elements that some precursors supply together."""
        return int(np.bitwise_or.reduce(self.masks[list(members)])) if members else 0

    def completed(self, members: _Members, preferences: NDArray[np.floating]) -> _Members | None:
        """Return the set with the preferred precursor of each missing element added, None if there is none.

        Args:
            members: the set.
            preferences: (vocabulary,), higher is better; the best precursor of any missing element is added first.
        """
        found, missing = set(members), self.need & ~self.supplied(members)
        while missing:
            options = np.flatnonzero(self.allowed & ((self.masks & missing) != 0))
            if not len(options):
                return None
            best = int(options[preferences[options].argmax()])
            found.add(best)
            missing &= ~int(self.masks[best])
        return tuple(sorted(found))


class RetrievalBaseline(SetBaseline):
    """A system that adapts the recorded sets of similar training targets.

    Reference targets are sorted by similarity, and the recorded sets of each by frequency. Precursors that contain an
    element (except C, H, O and N) that the target lacks, or that are not candidates, are dropped; elements that are
    then missing get a precursor by the system's preferences. Sets are ranked in the order in which they are found. With
    a known set size, the search continues until there are enough sets of that size.

    A subclass defines the vectors by which targets are compared, and which precursors complete a set.
    """

    def __init__(self) -> None:
        super().__init__()
        self._vocabulary: tuple[Composition, ...] = ()
        self._contains = np.zeros((0, 0), dtype=bool)
        self._members = np.zeros((0, 0), dtype=np.int64)
        self._reference = np.zeros(0, dtype=np.int64)
        self._references = np.zeros((0, 0), dtype=np.float32)
        self._popularity = Popularity()

    @abstractmethod
    def _learn_vectors(self, table: ReactionTable) -> None:
        """Learn from the training rows whatever `_vectors` and `_preferences` need."""

    @abstractmethod
    def _vectors(self, compositions: Sequence[Composition]) -> NDArray[np.float32]:
        """Return the vectors of targets, (n, d), of length 1; the dot product of two is their similarity."""

    @abstractmethod
    def _preferences(
        self, target: Composition, usable: Usable, sets: Sequence[_Members]
    ) -> Sequence[NDArray[np.floating]]:
        """Return for each of n incomplete sets the preference of each precursor as its completion, (vocabulary,)."""

    def _first(self, target: Composition, usable: Usable) -> Iterator[_Members]:
        """Yield sets that are ranked before those of the reference targets, none by default."""
        return iter(())

    def _learn(self, table: ReactionTable, split: Split | None) -> None:
        precursors = table.precursors()
        column = {key: index for index, key in enumerate(sorted(precursors))}
        self._vocabulary = tuple(precursors[key] for key in column)
        self._contains = fraction_matrix(self._vocabulary) > 0
        self._popularity.fit(table)
        reports = Counter(zip(table.target_keys.tolist(), table.set_keys, strict=True))
        reactions = sorted(
            (target, -count, sorted(column[key] for key in keys)) for (target, keys), count in reports.items()
        )
        targets = {target.key: target for target in reversed(table.targets)}
        row = {key: index for index, key in enumerate(sorted(targets))}
        self._reference = np.array([row[target] for target, _, _ in reactions])
        self._members = np.full((len(reactions), max(len(members) for *_, members in reactions)), len(column))
        for index, (*_, members) in enumerate(reactions):
            self._members[index, : len(members)] = members
        self._learn_vectors(table)
        self._references = self._vectors([targets[key] for key in row])

    def _propose(self, request: SetRequest) -> list[list[Proposal]]:
        if not request.targets:
            return []
        # Rounded, so that the order does not depend on the number of targets in a batch.
        similarities = np.round(self._vectors(request.targets) @ self._references.T, 6)
        rules = CandidateFilter(request.candidates, request.constraints)
        column = {precursor.key: index for index, precursor in enumerate(self._vocabulary)}
        columns = np.array([column.get(candidate.key, -1) for candidate in rules.candidates])
        popular = self._popularity.logits(request.targets, self._vocabulary)
        return [
            self._walk(target, row, self._usable(target, logits, rules, columns), sizes, request.number)
            for target, row, logits, sizes in zip(request.targets, similarities, popular, request.sizes, strict=True)
        ]

    def _usable(
        self, target: Composition, popular: NDArray[np.float64], rules: CandidateFilter, columns: NDArray[np.int64]
    ) -> Usable:
        """Return the usable precursors; `columns` are the candidates' indices in the vocabulary, -1 for none."""
        feasible = rules.feasible(target)
        own = columns[feasible.indices]
        allowed = np.zeros(len(self._vocabulary) + 1, dtype=bool)
        allowed[own[own >= 0]] = True
        masks = np.zeros(len(allowed), dtype=feasible.masks.dtype)
        masks[own[own >= 0]] = feasible.masks[own >= 0]
        foreign = _foreign(target.elements | rules.constraints.required_elements)
        allowed[:-1] &= ~self._contains[:, foreign].any(axis=1)
        return Usable(allowed, np.where(allowed, masks, masks.dtype.type(0)), feasible.need, popular)

    def _walk(
        self,
        target: Composition,
        similarities: NDArray[np.float32],
        usable: Usable,
        sizes: Collection[int],
        number: int,
    ) -> list[Proposal]:
        found: dict[_Members, None] = {}
        for members in self._complete_sets(target, similarities, usable, max(sizes)):
            if len(members) in sizes:
                found.setdefault(members)
            if len(found) == number:
                break
        return [
            Proposal(PrecursorSet([self._vocabulary[index] for index in members]), -float(rank))
            for rank, members in enumerate(found)
        ]

    def _complete_sets(
        self, target: Composition, similarities: NDArray[np.float32], usable: Usable, largest: int
    ) -> Iterator[_Members]:
        """Yield complete sets in order."""
        yield from self._first(target, usable)
        kept = self._kept(similarities, usable, largest)
        while batch := list(islice(kept, _COMPLETION_BATCH_SIZE)):
            lacking = [members for members in batch if usable.need & ~usable.supplied(members)]
            preferences = dict(zip(lacking, self._preferences(target, usable, lacking), strict=True)) if lacking else {}
            for members in batch:
                whole = usable.completed(members, preferences[members]) if members in preferences else members
                if whole is not None:
                    yield whole

    def _kept(self, similarities: NDArray[np.float32], usable: Usable, largest: int) -> Iterator[_Members]:
        """Yield the usable members of the recorded sets, each subset once, if they supply a needed element."""
        order = np.argsort(-similarities[self._reference], kind="stable")
        none = len(self._vocabulary)
        yielded: set[_Members] = set()
        for start in range(0, len(order), _BATCH_SIZE):
            members = self._members[order[start : start + _BATCH_SIZE]]
            kept = np.sort(np.where(usable.allowed[members], members, none), axis=1)
            supplied = np.bitwise_or.reduce(usable.masks[kept], axis=1)
            for row in kept[(supplied != 0) & ((kept < none).sum(axis=1) <= largest)].tolist():
                if (padded := tuple(row)) not in yielded:
                    yielded.add(padded)
                    yield tuple(index for index in row if index < none)


def _foreign(elements: Collection[str]) -> NDArray[np.int64]:
    """Return the indices in `ELEMENTS` of the elements that are foreign to `elements`."""
    own = VOLATILE | set(elements)
    return np.array([index for index, symbol in enumerate(ELEMENTS) if symbol not in own])
