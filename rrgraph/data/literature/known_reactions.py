"""Literature precedents of any composition: the recorded reactions of the most similar targets.

Each has its precursor set, its papers and its heating conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, Composition, fraction_matrix
from rrgraph.data.grouping import GROUPED
from rrgraph.data.joined_formulas import SEPARATOR

__all__ = ["KnownReaction", "KnownReactions", "overlap_vectors", "similarity"]

#: Weight of oxygen: nearly all targets contain it, and two oxides without a common metal are not similar.
_OXYGEN_WEIGHT: Final = 0.25
_BATCH_SIZE: Final = 8_000_000
"""Similarities that are held in memory at a time."""
_FIRST: Final = 64
"""Nearest targets that are sorted at first; more are only needed when a paper reports a long series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownReaction:
    """A recorded reaction (one target, one precursor set) that is similar to a queried composition.

    Attributes:
        target: formula.
        precursors: formulas.
        same_composition: whether the target is the queried composition itself.
        similarity: to the queried composition, see `similarity`.
        reports: number of papers; each row without a doi counts as one.
        year, doi: of the newest paper, None if not known.
        first_year, first_doi: of the oldest paper.
        temperature_c: highest temperature of the firing in °C, median over the papers that state it.
        temperature_low_c, temperature_high_c: the lowest and the highest of these temperatures.
        time_h: time at that temperature in h, median.
        atmosphere: the most frequent atmosphere.
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

    @property
    def conditions(self) -> str:
        """What is reported of the firing: ``1250 °C (900-1400), 12 h, air``; empty where nothing is."""
        parts = []
        if self.temperature_c is not None:
            low, high = self.temperature_low_c, self.temperature_high_c
            parts.append(f"{self.temperature_c:.0f} °C" + (f" ({low:.0f}-{high:.0f})" if low != high else ""))
        if self.time_h is not None:
            parts.append(f"{self.time_h:.3g} h")
        if self.atmosphere is not None:
            parts.append(self.atmosphere.replace(";", ", "))
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values by the names of the attributes, numbers to six digits."""
        values = asdict(self)
        return {name: float(f"{each:.6g}") if isinstance(each, float) else each for name, each in values.items()}


class KnownReactions:
    """Recorded reactions that can be searched by composition.

    Args:
        frame: as returned by `group_reactions`.
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

    def column(self, name: str) -> Sequence[Any]:
        """Return one of the columns `rrgraph.data.grouping.GROUPED` for all reactions, None where it is not known."""
        return self._columns[name]

    def nearest(self, targets: Sequence[Composition], count: int = 3) -> list[list[KnownReaction]]:
        """Return the `count` most similar reactions for each composition, or all if there are fewer.

        Reactions of the composition itself come first, the others follow by similarity; those of one target are
        sorted by number of papers. Of the targets that a paper makes from the same set, such as a series of dopant
        contents, only the first is returned.
        """
        if not len(self):
            return [[] for _ in targets]
        roots = overlap_vectors(targets)
        step = max(1, _BATCH_SIZE // len(self._roots))
        found = []
        for start in range(0, len(targets), step):
            scores = _product(roots[start : start + step], self._roots)
            batch = targets[start : start + step]
            found += [self._nearest(target, row, count) for target, row in zip(batch, scores, strict=True)]
        return found

    def _nearest(self, target: Composition, scores: NDArray[np.float32], count: int) -> list[KnownReaction]:
        own = self._rows_of.get(target.key)
        if own is not None:
            scores[own] = 2.0  # above all others, even those with a rounded similarity of 1
        found: list[KnownReaction] = []
        for many in (_FIRST, len(scores)):
            found = []
            shown: set[tuple[str, str]] = set()
            for row in _best(scores, many):
                for index in range(self._bounds[row], self._bounds[row + 1]):
                    source = (self._columns["set"][index], self._columns["doi"][index])
                    if source[1] is None or source not in shown:
                        shown.add(source)
                        found.append(self._reaction(index, min(float(scores[row]), 1.0), row == own))
                    if len(found) == count:
                        return found
        return found

    def _reaction(self, index: int, score: float, same: bool) -> KnownReaction:
        values = {name: column[index] for name, column in self._columns.items() if name != "set"}
        for name in ("year", "first_year"):
            values[name] = None if values[name] is None else int(values[name])
        values["precursors"] = tuple(values["precursors"].split(SEPARATOR))
        return KnownReaction(same_composition=same, similarity=round(score, 6), **values)


def similarity(targets: Sequence[Composition], others: Sequence[Composition]) -> NDArray[np.float32]:
    """Return the similarity of compositions, (targets, others), from 0 (no common element) to 1 (the same).

    It is the Bhattacharyya coefficient of the atomic fractions, Σ √(p q), with oxygen weighted by a quarter. The
    square roots give small fractions, such as dopants, more weight than products of fractions would.
    """
    return _product(overlap_vectors(targets), overlap_vectors(others))


def overlap_vectors(compositions: Sequence[Composition]) -> NDArray[np.float32]:
    """Return the vectors (n, elements), of length 1, whose dot products are the `similarity`."""
    return _roots(fraction_matrix(compositions))


def _product(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the similarities, rounded so that the order does not depend on the number of targets in a batch."""
    return np.minimum(np.round(left @ right.T, 6), np.float32(1))


def _roots(fractions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the square roots of weighted fractions; each row has length 1."""
    weights = np.ones(len(ELEMENTS), dtype=np.float32)
    weights[ATOMIC_NUMBERS["O"] - 1] = _OXYGEN_WEIGHT
    weighted = fractions * weights
    shares: NDArray[np.float32] = weighted / weighted.sum(axis=1, keepdims=True)
    return np.sqrt(shares)


def _best(scores: NDArray[np.float32], many: int) -> Iterator[int]:
    """Yield the rows of the `many` highest scores, best first, ties in the order of the rows."""
    rows = np.arange(len(scores))
    if many < len(scores):
        threshold = np.partition(scores, len(scores) - many)[len(scores) - many]
        rows = np.flatnonzero(scores >= threshold)
    yield from rows[np.argsort(-scores[rows], kind="stable")].tolist()
