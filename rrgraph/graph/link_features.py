"""Frequency features of a link: log frequencies in known reactions, and the overlap of the two compositions.

They are counted among all known reactions and among the nearest known systems; nothing here is learned. They exist for
any target and candidate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import VOLATILE, Composition
from rrgraph.data import LinkBatch, ReactionTable
from rrgraph.graph.elements import element_presence, source_presence
from rrgraph.graph.frequencies import COUNTED, FLOOR, LinkCounts
from rrgraph.graph.neighbours import NEAREST, NEVER, KnownSystems, Neighbours

__all__ = ["FREQUENCY_FEATURES", "OVERLAP", "UNRELATED", "UNRELATED_LOGIT", "FrequencyFeatures"]

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

_COUNTS, _SYSTEMS = "counts.", "systems."


@dataclass(frozen=True, eq=False)
class _Known:
    """What the features need of one candidate."""

    row: int
    supplies: NDArray[np.int64]


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
            ValueError: an array is missing, unknown, or holds what it cannot.
        """
        under = {
            prefix: {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            for prefix in (_COUNTS, _SYSTEMS)
        }
        counts = LinkCounts.from_arrays(vocabulary, under[_COUNTS])
        return cls(counts, KnownSystems.from_arrays(under[_SYSTEMS], precursors=len(vocabulary)))

    def features(self, links: LinkBatch) -> NDArray[np.float32]:
        """Return the frequency features of links.

        Those of `NEAREST` are averaged over the source elements that the precursor supplies; `UNRELATED` stands for a
        precursor that supplies none. Candidates outside the vocabulary have never been used.

        Returns:
            (links, `len(FREQUENCY_FEATURES)`) float32.
        """
        features = np.tile(UNRELATED, (len(links), 1))
        overlap, related = _overlap(links)
        places = np.flatnonzero(related)
        if not len(places):
            return features
        if len(self._candidates) > _MOST_KNOWN:
            self._candidates.clear()
        known = [self._known(candidate) for candidate in links.candidates]
        related_links = links.select(places)
        features[places, : len(COUNTED)] = self._counted(related_links, known)
        features[places, len(COUNTED) : len(COUNTED) + len(OVERLAP)] = overlap[places]
        features[places, -len(NEAREST) :] = self._nearest(related_links, known)
        return features

    def _known(self, candidate: Composition) -> _Known:
        if candidate.key not in self._candidates:
            row = int(self.counts.vocabulary_rows([candidate])[0])
            self._candidates[candidate.key] = _Known(row, self._neighbours.supplies(candidate))
        return self._candidates[candidate.key]

    def _counted(self, links: LinkBatch, known: Sequence[_Known]) -> NDArray[np.float32]:
        rows = np.array([each.row for each in known])[links.candidate_index]
        counted = np.empty((len(links), len(COUNTED)), dtype=np.float32)
        order = np.argsort(links.target_index, kind="stable")
        for own in np.split(order, np.flatnonzero(np.diff(links.target_index[order])) + 1):
            target = links.targets[links.target_index[own[0]]]
            counted[own] = self.counts.features(target.elements)[rows[own]]
        return counted

    def _nearest(self, links: LinkBatch, known: Sequence[_Known]) -> NDArray[np.float32]:
        """Average the features of the nearest systems over what each precursor supplies of its target's need."""
        counts = np.array([len(each.supplies) for each in known])
        number = counts[links.candidate_index]
        first = (np.cumsum(counts) - counts)[links.candidate_index]
        link = np.repeat(np.arange(len(links)), number)
        within = np.arange(len(link)) - np.repeat(np.cumsum(number) - number, number)
        supplies = np.concatenate([each.supplies for each in known])[first[link] + within]
        needed = source_presence(links.targets)[links.target_index[link], supplies[:, 0]]
        link, supplies = link[needed], supplies[needed]
        values = self._neighbours.features(links.targets, links.target_index[link], supplies)
        starts = np.flatnonzero(np.diff(link, prepend=-1))
        lengths = np.diff(np.append(starts, len(link)))
        return np.asarray(np.add.reduceat(values, starts, axis=0) / lengths[:, None], dtype=np.float32)


def _overlap(links: LinkBatch) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the features of `OVERLAP` (links, 3) and whether the precursor supplies a source element."""
    sides = (links.targets, links.candidates)
    need, supplies = (source_presence(side).astype(np.float32) for side in sides)
    own, others = (element_presence([m.elements - VOLATILE for m in side]).astype(np.float32) for side in sides)
    shared = links.take(need @ supplies.T)
    foreign = others.sum(1)[links.candidate_index] - links.take(own @ others.T)
    return np.stack([shared, shared / need.sum(1)[links.target_index], foreign], axis=1), shared > 0
