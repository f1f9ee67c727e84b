"""Frequency features of a link: log frequencies in known reactions, and the overlap of the two compositions.

They are counted among all known reactions and among the nearest known systems; nothing here is learned. They exist for
any target and candidate.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import VOLATILE, Composition
from rrgraph.data import LinkBatch, ReactionTable
from rrgraph.graph.elements import Materials
from rrgraph.graph.frequencies import COUNTED, FLOOR, LinkCounts
from rrgraph.graph.neighbours import NEAREST, NEVER, KnownSystems, Neighbours
from rrgraph.util.arrays import expanded

__all__ = ["FREQUENCY_FEATURES", "OVERLAP", "UNRELATED", "UNRELATED_LOGIT", "FrequencyFeatures", "Suppliers"]

OVERLAP: Final = ("shared", "share", "foreign")
"""Names of the features of the two compositions alone: number of the target's source elements that the precursor
supplies, the same as a fraction of all its source elements, and the number of elements it adds that the target lacks
(C, H, O, N aside)."""

FREQUENCY_FEATURES: Final = (*COUNTED, *OVERLAP, *NEAREST)
"""All frequency features of a link, in column order."""

UNRELATED: Final = np.array(
    [0.0 if name in ("used", *OVERLAP) else np.log(NEVER if name in NEAREST else FLOOR) for name in FREQUENCY_FEATURES],
    dtype=np.float32,
)
"""Features of a precursor that supplies no source element of the target, whatever is known of it."""

UNRELATED_LOGIT: Final = -30.0
"""Logit of a link to a candidate that cannot be a precursor of the target."""

_MOST_KNOWN: Final = 2**17  # candidates that are kept
_MOST_LINKS: Final = 2**17  # likewise

_COUNTS, _SYSTEMS = "counts.", "systems."


@dataclass(frozen=True, eq=False)
class Suppliers:
    """What the features need of c candidates.

    Attributes:
        supplies: (supplies, 4) int64, element, form and slots of each source element of each candidate; see
            `Neighbours.supplies`, and last the slot of `LinkCounts`, -1 for a candidate never used.
        offsets: (c + 1,) int64, where those of each candidate begin.
        used: (c,) float32, log(1 + distinct reactions that use the candidate).
        volatile: (c,) bool, whether it has no element but `VOLATILE`.
    """

    supplies: NDArray[np.int64]
    offsets: NDArray[np.int64]
    used: NDArray[np.float32]
    volatile: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Known:
    """What the features need of one candidate."""

    supplies: NDArray[np.int64]
    used: float
    volatile: bool


class _RecentLinks:
    """The features of the links of the last two batches that were asked for."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._next = count()  # no number is given twice, whatever threads do
        self._batches: deque[tuple[NDArray[np.int64], NDArray[np.float32]]] = deque(maxlen=2)

    def codes(self, links: LinkBatch) -> NDArray[np.int64]:
        """Return a number for each link, the same for the same target and candidate."""
        numbers = self._numbers
        if len(numbers) > _MOST_KNOWN:
            numbers = self._numbers = {}
        targets, candidates = (
            np.array([numbers.setdefault(each.key, next(self._next)) for each in side], dtype=np.int64)
            for side in (links.targets, links.candidates)
        )
        return targets[links.target_index] << 32 | candidates[links.candidate_index]

    def find(self, codes: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the features (links, features) of links, and which of them (links,) are known."""
        features = np.empty((len(codes), len(FREQUENCY_FEATURES)), dtype=np.float32)
        known = np.zeros(len(codes), dtype=bool)
        for own, values in tuple(self._batches):
            place = np.searchsorted(own, codes).clip(max=len(own) - 1)
            found = own[place] == codes
            features[found] = values[place[found]]
            known |= found
        return features, known

    def add(self, codes: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        """Remember the features of links, unless they are very many."""
        if 0 < len(codes) <= _MOST_LINKS:
            order = np.argsort(codes)
            self._batches.append((codes[order], features[order]))


class FrequencyFeatures:
    """Frequency features of links over a vocabulary of precursors.

    Args:
        counts: of the known links.
        systems: counts of the known reactions by element system.
    """

    def __init__(self, counts: LinkCounts, systems: KnownSystems) -> None:
        self.counts, self.systems = counts, systems
        self.vocabulary = counts.vocabulary
        self._neighbours = Neighbours(systems, counts.vocabulary)
        self._candidates: dict[str, _Known] = {}
        self._recent = _RecentLinks()

    @classmethod
    def fit(cls, table: ReactionTable, vocabulary: Sequence[Composition]) -> FrequencyFeatures:
        """Count the distinct reactions of `table`, whose precursors are all in `vocabulary`."""
        index = {precursor.key: position for position, precursor in enumerate(vocabulary)}
        return cls(LinkCounts.fit(table, vocabulary), KnownSystems.fit(table, index))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all counts by name, for a checkpoint."""
        counts = {_COUNTS + name: values for name, values in self.counts.to_arrays().items()}
        return counts | {_SYSTEMS + name: values for name, values in self.systems.to_arrays().items()}

    @classmethod
    def from_arrays(cls, vocabulary: Sequence[Composition], arrays: Mapping[str, NDArray[Any]]) -> FrequencyFeatures:
        """Return what `to_arrays` described.

        Raises:
            DataError: the counts are not those of this vocabulary.
            ValueError: an array is missing, unknown, or holds impossible values.
        """
        under = {
            prefix: {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            for prefix in (_COUNTS, _SYSTEMS)
        }
        counts = LinkCounts.from_arrays(vocabulary, under[_COUNTS])
        return cls(counts, KnownSystems.from_arrays(under[_SYSTEMS], precursors=len(vocabulary)))

    def features(self, links: LinkBatch) -> NDArray[np.float32]:
        """Return the frequency features of links.

        Those of `NEAREST`, and of `COUNTED` but `used`, are averaged over the source elements that the precursor
        supplies; `UNRELATED` stands for a precursor that supplies none. Candidates outside the vocabulary have never
        been used. Those of the last links are remembered, since a re-ranker asks for some of those that were scored.

        Returns:
            (links, `len(FREQUENCY_FEATURES)`) float32.
        """
        codes = self._recent.codes(links)
        features, known = self._recent.find(codes)
        if not known.all():
            new = np.flatnonzero(~known)
            candidates = self.suppliers(links.candidates)
            features[new] = self.describe(
                Materials.of(links.targets), candidates, links.target_index[new], links.candidate_index[new]
            )
            self._recent.add(codes[new], features[new])
        return features

    def suppliers(self, candidates: Sequence[Composition]) -> Suppliers:
        """Look up candidates."""
        if len(self._candidates) > _MOST_KNOWN:
            self._candidates.clear()
        known = [self._known(candidate) for candidate in candidates]
        return Suppliers(
            supplies=np.concatenate([np.empty((0, 4), dtype=np.int64), *(each.supplies for each in known)]),
            offsets=np.cumsum([0, *(len(each.supplies) for each in known)]),
            used=np.array([each.used for each in known], dtype=np.float32),
            volatile=np.array([each.volatile for each in known], dtype=bool),
        )

    def describe(
        self,
        targets: Materials,
        candidates: Suppliers,
        target_index: NDArray[np.int64],
        candidate_index: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Return the features of links of t targets to c candidates, see `features`.

        Args:
            targets: t materials; more than some hundred at a time take much memory.
            candidates: c precursors.
            target_index: (links,) target of each link.
            candidate_index: (links,) its candidate.
        """
        features = np.tile(UNRELATED, (len(target_index), 1))
        lengths = np.diff(candidates.offsets)
        link, entries = expanded(candidates.offsets, lengths, candidate_index)
        supplies = candidates.supplies[entries]
        needed = targets.sources[target_index[link], supplies[:, 0]]
        link, supplies = link[needed], supplies[needed]
        if not len(link):
            return features
        starts = np.flatnonzero(np.diff(link, prepend=-1))
        related, shared = link[starts], np.diff(np.append(starts, len(link)))
        rows = target_index[link]
        own = features[related]
        known = supplies[:, 3] >= 0
        counted = np.full((len(link), len(COUNTED) - 1), np.log(FLOOR), dtype=np.float32)
        counted[known] = self.counts.features(targets, rows[known], supplies[known, 0], supplies[known, 3])
        own[:, : len(COUNTED) - 1] = np.add.reduceat(counted.astype(np.float64), starts, axis=0) / shared[:, None]
        own[:, len(COUNTED) - 1] = candidates.used[candidate_index[related]]
        own[:, len(COUNTED) : -len(NEAREST)] = np.stack(
            [
                shared,
                shared.astype(np.float32) / targets.sources.sum(1, dtype=np.float32)[target_index[related]],
                (lengths[candidate_index[related]] - shared) * ~candidates.volatile[candidate_index[related]],
            ],
            axis=1,
        )
        nearest = self._neighbours.features(targets, rows, supplies[:, :3])
        own[:, -len(NEAREST) :] = np.add.reduceat(nearest, starts, axis=0) / shared[:, None]
        features[related] = own
        return features

    def _known(self, candidate: Composition) -> _Known:
        if candidate.key not in self._candidates:
            first, used = self.counts.supplied(candidate)
            supplies = self._neighbours.supplies(candidate)
            slots = first + np.arange(len(supplies)) if first >= 0 else np.full(len(supplies), -1)
            self._candidates[candidate.key] = _Known(
                np.column_stack([supplies, slots]), used, candidate.elements <= VOLATILE
            )
        return self._candidates[candidate.key]
