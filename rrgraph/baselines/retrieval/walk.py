"""The walk that retrieval systems share: along reference targets, nearest first, adapting how they were made.

A reaction table becomes references with vectors; vectors of new targets flow in, sets that fit the targets flow out.
"""

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

_BATCH: Final = 64
"""Sets that are completed at a time; often the first ones are all that is asked for."""

_STRETCH: Final = 512
"""Recorded sets that are looked at together on the walk."""

_Members = tuple[int, ...]
"""A set as ascending places in the training vocabulary."""


@dataclass(frozen=True, slots=True)
class Usable:
    """What may be in a set for one target.

    Attributes:
        allowed: (vocabulary + 1,) whether a precursor may be used; the last entry stands for none.
        masks: (vocabulary + 1,) needed elements that each brings, one bit an element.
        need: the bits that have to be brought.
        popular: (vocabulary,) popularity of each precursor for the target, as log-odds.
    """

    allowed: NDArray[np.bool_]
    masks: NDArray[Any]
    need: int
    popular: NDArray[np.float64]

    def brought(self, members: Sequence[int]) -> int:
        """Return the needed elements that some precursors bring together."""
        return int(np.bitwise_or.reduce(self.masks[list(members)])) if members else 0

    def completed(self, members: _Members, preferences: NDArray[np.floating]) -> _Members | None:
        """Return the set with the preferred precursor of each element that it lacks, None if there is none.

        Args:
            members: the set.
            preferences: (vocabulary,), higher is better; the best precursor of any missing element comes first.
        """
        found, missing = set(members), self.need & ~self.brought(members)
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

    Reference targets are walked from the most to the least similar; of each, the recorded sets, the most frequent
    first. Precursors that bring an element (C, H, O and N aside) that the target lacks, or that are no candidates,
    are dropped; elements that are then missing get a precursor by the system's preferences. Sets are ranked by the
    order in which the walk meets them. With a told size the walk goes on until enough sets of that size are met.

    A subclass says by what vectors targets are compared and which precursors complete a set.
    """

    def __init__(self) -> None:
        super().__init__()
        self._vocabulary: tuple[Composition, ...] = ()
        self._brings = np.zeros((0, 0), dtype=bool)
        self._members = np.zeros((0, 0), dtype=np.int64)
        self._reference = np.zeros(0, dtype=np.int64)
        self._references = np.zeros((0, 0), dtype=np.float32)
        self._popularity = Popularity()

    @abstractmethod
    def _learn_vectors(self, table: ReactionTable) -> None:
        """Learn what `_vectors` and `_preferences` need from the training rows."""

    @abstractmethod
    def _vectors(self, compositions: Sequence[Composition]) -> NDArray[np.float32]:
        """Return the vectors of targets, (n, d), of length 1; the product of two is their similarity."""

    @abstractmethod
    def _preferences(
        self, target: Composition, usable: Usable, sets: Sequence[_Members]
    ) -> Sequence[NDArray[np.floating]]:
        """Return for each of n incomplete sets how well each precursor completes it, (vocabulary,)."""

    def _first(self, target: Composition, usable: Usable) -> Iterator[_Members]:
        """Yield sets that come before the walk, none by default."""
        return iter(())

    def _learn(self, table: ReactionTable, split: Split | None) -> None:
        precursors = table.precursors()
        place = {key: index for index, key in enumerate(sorted(precursors))}
        self._vocabulary = tuple(precursors[key] for key in place)
        self._brings = fraction_matrix(self._vocabulary) > 0
        self._popularity.fit(table)
        reports = Counter(zip(table.target_keys.tolist(), table.set_keys, strict=True))
        reactions = sorted(
            (target, -count, sorted(place[key] for key in keys)) for (target, keys), count in reports.items()
        )
        targets = {target.key: target for target in reversed(table.targets)}
        row = {key: index for index, key in enumerate(sorted(targets))}
        self._reference = np.array([row[target] for target, _, _ in reactions])
        self._members = np.full((len(reactions), max(len(members) for *_, members in reactions)), len(place))
        for index, (*_, members) in enumerate(reactions):
            self._members[index, : len(members)] = members
        self._learn_vectors(table)
        self._references = self._vectors([targets[key] for key in row])

    def _propose(self, request: SetRequest) -> list[list[Proposal]]:
        if not request.targets:
            return []
        # Rounded, so that the order does not depend on how many targets are asked for at once.
        similarities = np.round(self._vectors(request.targets) @ self._references.T, 6)
        rules = CandidateFilter(request.candidates, request.constraints)
        place = {precursor.key: index for index, precursor in enumerate(self._vocabulary)}
        places = np.array([place.get(candidate.key, -1) for candidate in rules.candidates])
        popular = self._popularity.logits(request.targets, self._vocabulary)
        return [
            self._walk(target, row, self._usable(target, log_odds, rules, places), sizes, request.number)
            for target, row, log_odds, sizes in zip(request.targets, similarities, popular, request.sizes, strict=True)
        ]

    def _usable(
        self, target: Composition, popular: NDArray[np.float64], rules: CandidateFilter, places: NDArray[np.int64]
    ) -> Usable:
        """Return what may be used; `places` are those of the candidates in the vocabulary, -1 where they have none."""
        feasible = rules.feasible(target)
        own = places[feasible.indices]
        allowed = np.zeros(len(self._vocabulary) + 1, dtype=bool)
        allowed[own[own >= 0]] = True
        masks = np.zeros(len(allowed), dtype=feasible.masks.dtype)
        masks[own[own >= 0]] = feasible.masks[own >= 0]
        foreign = _foreign(target.elements | rules.constraints.required_elements)
        allowed[:-1] &= ~self._brings[:, foreign].any(axis=1)
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
        for members in self._met(target, similarities, usable, max(sizes)):
            if len(members) in sizes:
                found.setdefault(members)
            if len(found) == number:
                break
        return [
            Proposal(PrecursorSet([self._vocabulary[place] for place in members]), -float(rank))
            for rank, members in enumerate(found)
        ]

    def _met(
        self, target: Composition, similarities: NDArray[np.float32], usable: Usable, largest: int
    ) -> Iterator[_Members]:
        """Yield complete sets in the order in which they are met."""
        yield from self._first(target, usable)
        kept = self._kept(similarities, usable, largest)
        while batch := list(islice(kept, _BATCH)):
            lacking = [members for members in batch if usable.need & ~usable.brought(members)]
            preferences = dict(zip(lacking, self._preferences(target, usable, lacking), strict=True)) if lacking else {}
            for members in batch:
                whole = usable.completed(members, preferences[members]) if members in preferences else members
                if whole is not None:
                    yield whole

    def _kept(self, similarities: NDArray[np.float32], usable: Usable, largest: int) -> Iterator[_Members]:
        """Yield what is usable of the sets on the walk, each once, if it brings something that is needed."""
        order = np.argsort(-similarities[self._reference], kind="stable")
        none = len(self._vocabulary)
        yielded: set[_Members] = set()
        for start in range(0, len(order), _STRETCH):
            members = self._members[order[start : start + _STRETCH]]
            kept = np.sort(np.where(usable.allowed[members], members, none), axis=1)
            brought = np.bitwise_or.reduce(usable.masks[kept], axis=1)
            for row in kept[(brought != 0) & ((kept < none).sum(axis=1) <= largest)].tolist():
                if (padded := tuple(row)) not in yielded:
                    yielded.add(padded)
                    yield tuple(place for place in row if place < none)


def _foreign(elements: Collection[str]) -> NDArray[np.int64]:
    """Return the atomic numbers, less 1, of the elements that count as foreign beside `elements`."""
    own = VOLATILE | set(elements)
    return np.array([index for index, symbol in enumerate(ELEMENTS) if symbol not in own])
