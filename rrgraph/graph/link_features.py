"""Link statistics: what counting knows about the link of a target and a precursor, told to the model as numbers.

A reaction table flows in; out come, for any target and candidate, log frequencies among all known reactions, among the
nearest known systems, and the overlap of the two compositions. Nothing here is learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import VOLATILE, Composition
from rrgraph.data import ReactionTable
from rrgraph.graph.elements import element_presence, source_presence
from rrgraph.graph.frequencies import COUNTED, FLOOR, LinkCounts
from rrgraph.graph.neighbours import NEAREST, NEVER, KnownSystems, Neighbours

__all__ = ["FREQUENCY_FEATURES", "OVERLAP", "UNRELATED", "FrequencyFeatures"]

OVERLAP: Final = ("shared", "share", "foreign")
"""Names of the statistics that the two compositions alone give: number of the target's source elements that the
precursor brings, the same as a fraction of all its source elements, and the number of elements it brings that the
target lacks (C, H, O, N aside)."""

FREQUENCY_FEATURES: Final = (*COUNTED, *OVERLAP, *NEAREST)
"""All statistics of a link, in column order."""

UNRELATED: Final = np.array(
    [0.0 if name in ("used", *OVERLAP) else np.log(NEVER if name in NEAREST else FLOOR) for name in FREQUENCY_FEATURES],
    dtype=np.float32,
)
"""Statistics of a precursor that brings no source element of the target, whatever is known of it."""

_COUNTS, _SYSTEMS = "counts.", "systems."


@dataclass(frozen=True, eq=False)
class _Known:
    """What the statistics need of one candidate."""

    row: int
    supplies: NDArray[np.int64]


class FrequencyFeatures:
    """Statistics of links over a vocabulary of precursors.

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

    def to_arrays(self) -> dict[str, NDArray]:
        """Return all counts by name, for a checkpoint."""
        counts = {_COUNTS + name: values for name, values in self.counts.to_arrays().items()}
        return counts | {_SYSTEMS + name: values for name, values in self.systems.to_arrays().items()}

    @classmethod
    def from_arrays(cls, vocabulary: Sequence[Composition], arrays: Mapping[str, NDArray]) -> FrequencyFeatures:
        """Return what `to_arrays` described.

        Raises:
            DataError: the counts are not those of this vocabulary.
            TypeError: an array is missing.
        """
        under = {
            prefix: {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
            for prefix in (_COUNTS, _SYSTEMS)
        }
        return cls(LinkCounts(vocabulary, **under[_COUNTS]), KnownSystems.from_arrays(under[_SYSTEMS]))

    def features(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Return the statistics of the links ``targets[rows]`` to ``candidates[columns]``.

        The statistics of `NEAREST` are averaged over the source elements that the precursor brings; `UNRELATED` stands
        for one that brings none. Candidates outside the vocabulary have never been used.

        Returns:
            (pairs, `len(FREQUENCY_FEATURES)`) float32.
        """
        features = np.tile(UNRELATED, (len(rows), 1))
        overlap, related = self._overlap(targets, candidates, rows, columns)
        pairs = np.flatnonzero(related)
        if not len(pairs):
            return features
        known = [self._known(candidate) for candidate in candidates]
        features[pairs, : len(COUNTED)] = self._counted(targets, known, rows[pairs], columns[pairs])
        features[pairs, len(COUNTED) : len(COUNTED) + len(OVERLAP)] = overlap[pairs]
        features[pairs, -len(NEAREST) :] = self._nearest(targets, known, rows[pairs], columns[pairs])
        return features

    def _known(self, candidate: Composition) -> _Known:
        if candidate.key not in self._candidates:
            row = int(self.counts.vocabulary_rows([candidate])[0])
            self._candidates[candidate.key] = _Known(row, self._neighbours.supplies(candidate))
        return self._candidates[candidate.key]

    def _overlap(
        self, targets: Sequence[Composition], candidates: Sequence[Composition], rows: NDArray, columns: NDArray
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the statistics of `OVERLAP` (pairs, 3) and whether the precursor brings a source element."""
        need, brings = (source_presence(side).astype(np.float32) for side in (targets, candidates))
        own, others = (
            element_presence([each.elements - VOLATILE for each in side]).astype(np.float32)
            for side in (targets, candidates)
        )
        shared = (need @ brings.T)[rows, columns]
        foreign = others.sum(1)[columns] - (own @ others.T)[rows, columns]
        return np.stack([shared, shared / need.sum(1)[rows], foreign], axis=1), shared > 0

    def _counted(
        self, targets: Sequence[Composition], known: Sequence[_Known], rows: NDArray, columns: NDArray
    ) -> NDArray[np.float32]:
        position = np.array([each.row for each in known])[columns]
        counted = np.empty((len(rows), len(COUNTED)), dtype=np.float32)
        order = np.argsort(rows, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(rows[order])) + 1):
            counted[part] = self.counts.features(targets[rows[part[0]]].elements)[position[part]]
        return counted

    def _nearest(
        self, targets: Sequence[Composition], known: Sequence[_Known], rows: NDArray, columns: NDArray
    ) -> NDArray[np.float32]:
        """Average the statistics of the nearest systems over what each precursor brings of its target's need."""
        number = np.array([len(each.supplies) for each in known])[columns]
        first = np.concatenate([[0], np.cumsum([len(each.supplies) for each in known])])[columns]
        pair = np.repeat(np.arange(len(rows)), number)
        within = np.arange(len(pair)) - np.repeat(np.cumsum(number) - number, number)
        supplies = np.concatenate([each.supplies for each in known])[first[pair] + within]
        need = source_presence(targets)
        needed = need[rows[pair], supplies[:, 0]]
        pair, supplies = pair[needed], supplies[needed]
        values = self._neighbours.features(targets, rows[pair], supplies)
        starts = np.flatnonzero(np.diff(pair, prepend=-1))
        number_of = np.diff(np.append(starts, len(pair)))
        return np.asarray(np.add.reduceat(values, starts, axis=0) / number_of[:, None], dtype=np.float32)
