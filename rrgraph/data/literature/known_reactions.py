"""Recorded reactions as evidence: the nearest ones to any composition, each with its papers and conditions.

Flows in: a reaction table, grouped so that one target made from one set is one reaction in however many papers. Flows
out: for each composition the most similar recorded targets, how they were made, where that is reported, how hot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, Composition, fraction_matrix
from rrgraph.data.grouping import GROUPED
from rrgraph.data.table import SEPARATOR

__all__ = ["KnownReaction", "KnownReactions", "overlap_vectors", "similarity"]

#: Oxygen counts a quarter: nearly all targets have it, and two oxides without a common metal are not alike.
_OXYGEN: Final = 0.25
_CHUNK: Final = 8_000_000
"""Similarities that are held at a time."""
_FIRST: Final = 64
"""Nearest targets that are put in order at first; a paper with a long series makes it necessary to look at more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownReaction:
    """One target made from one precursor set, as seen from a composition that is asked for.

    Attributes:
        target: formula.
        precursors: formulas.
        same_composition: whether the target is the very composition that is asked for.
        similarity: see `similarity`.
        reports: number of papers; rows without a doi count as one each.
        year, doi: of the newest of them, None where the table does not say.
        first_year, first_doi: of the oldest.
        temperature_c: highest temperature of the firing in °C, median of the papers that give it.
        temperature_low_c, temperature_high_c: the lowest and the highest of these papers.
        time_h: time at that temperature in h, median.
        atmosphere: the most frequent one.
    """

    target: str
    precursors: tuple[str, ...]
    same_composition: bool
    similarity: float
    reports: int
    year: int | None
    doi: str | None
    first_year: int | None
    first_doi: str | None
    temperature_c: float | None
    temperature_low_c: float | None
    temperature_high_c: float | None
    time_h: float | None
    atmosphere: str | None


class KnownReactions:
    """Recorded reactions that can be searched by composition.

    Args:
        frame: as `group_reactions` returns it.
        name: of the table, for display.
    """

    def __init__(self, frame: pd.DataFrame, *, name: str) -> None:
        self.name = name
        keys = frame["key"].to_numpy(dtype=object)
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]) if len(keys) else [])
        self._bounds = [*starts.tolist(), len(keys)]
        self._rows_of = {key: row for row, key in enumerate(keys[starts].tolist())}
        self._roots = _roots(frame[list(ELEMENTS)].to_numpy(dtype=np.float32)[starts])
        self._columns: dict[str, list[Any]] = {
            name: frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in GROUPED
        }

    def __len__(self) -> int:
        """Return the number of reactions: pairs of a target and a precursor set."""
        return self._bounds[-1]

    def nearest(self, targets: Sequence[Composition], count: int = 3) -> list[list[KnownReaction]]:
        """Return the `count` nearest reactions of each composition, fewer when there are no more.

        Those of the very composition come first, then by similarity; of one target first those with more papers.
        Compositions that a paper makes from the same set, such as a series of dopant contents, count once.
        """
        if not len(self):
            return [[] for _ in targets]
        roots = overlap_vectors(targets)
        step = max(1, _CHUNK // len(self._roots))
        found = []
        for start in range(0, len(targets), step):
            scores = _product(roots[start : start + step], self._roots)
            chunk = targets[start : start + step]
            found += [self._nearest(target, row, count) for target, row in zip(chunk, scores, strict=True)]
        return found

    def _nearest(self, target: Composition, scores: NDArray[np.float32], count: int) -> list[KnownReaction]:
        own = self._rows_of.get(target.key)
        if own is not None:
            scores[own] = 2.0  # above all others, even those that differ by less than a float can tell
        found: list[KnownReaction] = []
        for many in (_FIRST, len(scores)):
            found = []
            shown: set[tuple[str, str]] = set()
            for row in _best(scores, many):
                for place in range(self._bounds[row], self._bounds[row + 1]):
                    source = (self._columns["set"][place], self._columns["doi"][place])
                    if source[1] is None or source not in shown:
                        shown.add(source)
                        found.append(self._reaction(place, min(float(scores[row]), 1.0), row == own))
                    if len(found) == count:
                        return found
        return found

    def _reaction(self, place: int, score: float, same: bool) -> KnownReaction:
        values = {name: column[place] for name, column in self._columns.items() if name != "set"}
        for name in ("year", "first_year"):
            values[name] = None if values[name] is None else int(values[name])
        values["precursors"] = tuple(values["precursors"].split(SEPARATOR))
        return KnownReaction(same_composition=same, similarity=round(score, 6), **values)


def similarity(targets: Sequence[Composition], others: Sequence[Composition]) -> NDArray[np.float32]:
    """Return how far compositions overlap, (targets, others), from 0 (no common element) to 1 (the same).

    It is the Bhattacharyya coefficient of the atomic fractions, Σ √(p q), oxygen counted a quarter. Roots make small
    fractions, such as dopants, count more than products of fractions would.
    """
    return _product(overlap_vectors(targets), overlap_vectors(others))


def overlap_vectors(compositions: Sequence[Composition]) -> NDArray[np.float32]:
    """Return the vectors (n, elements), of length 1, whose products are `similarity`."""
    return _roots(fraction_matrix(compositions))


def _product(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounded, so that the order does not depend on how many targets are asked for at once."""
    return np.minimum(np.round(left @ right.T, 6), np.float32(1))


def _roots(fractions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the square roots of weighted fractions; each row has length 1."""
    weights = np.ones(len(ELEMENTS), dtype=np.float32)
    weights[ATOMIC_NUMBERS["O"] - 1] = _OXYGEN
    weighted = fractions * weights
    return np.sqrt(weighted / weighted.sum(axis=1, keepdims=True))


def _best(scores: NDArray[np.float32], many: int) -> Iterator[int]:
    """Yield the rows of the `many` highest scores, best first, ties in the order of the rows."""
    places = np.arange(len(scores))
    if many < len(scores):
        threshold = np.partition(scores, len(scores) - many)[len(scores) - many]
        places = np.flatnonzero(scores >= threshold)
    yield from places[np.argsort(-scores[places], kind="stable")].tolist()
