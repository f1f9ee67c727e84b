"""Log frequencies of precursors, and of forms of precursor, among the nearest known element systems.

Near systems weigh more. Nearness is the overlap of elements, rare ones counting more, or the cosine of embeddings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, Composition, element_system, source_elements
from rrgraph.data import ReactionTable
from rrgraph.graph.elements import (
    DIMENSION,
    Materials,
    element_presence,
    element_similarity,
    exact_product,
    mean_vectors,
    reduced_vectors,
    unit_rows,
)
from rrgraph.graph.precursor_classes import supply_form
from rrgraph.graph.segments import Segments
from rrgraph.util.arguments import call_with
from rrgraph.util.arrays import check_array, check_offsets, expanded

__all__ = ["NEAREST", "NEVER", "KnownSystems", "Neighbours", "compared_rows"]

NEAREST: Final = ("near_system", "near_embedding", "form_system", "analogue_system", "analogue_embedding")
"""Names of the features of the nearest known systems, in column order; see `Neighbours.features`."""

NEVER: Final = 1e-3
"""Smallest frequency among the nearest systems."""

_MOST_SYSTEMS: Final = 12_000
"""Known systems that are all compared with a target; of more, `_COMPARED` are."""

_COMPARED: Final = 4096

_MOST_PRECURSORS: Final = 2**17  # that are kept

_SYSTEM_SCALE: Final = 0.2
_EMBEDDING_SCALE: Final = 0.05
_SMOOTHING: Final = 0.3


@dataclass(frozen=True, eq=False)
class KnownSystems:
    """Counts of the known reactions by element system.

    Attributes:
        presence: (systems, elements) bool.
        vectors: (systems, d) float32, mean `mean_vectors` of the targets.
        offsets: (systems + 1,) int32, where the entries of each system begin.
        precursors: (entries,) int32, vocabulary index of a precursor that the system uses.
        shares: (entries,) float32, share of the system's distinct reactions that use it.
    """

    presence: NDArray[np.bool_]
    vectors: NDArray[np.float32]
    offsets: NDArray[np.int32]
    precursors: NDArray[np.int32]
    shares: NDArray[np.float32]

    @classmethod
    def fit(cls, table: ReactionTable, index: Mapping[str, int]) -> KnownSystems:
        """Count the distinct reactions of `table`; `index` gives the position of each precursor by canonical key."""
        systems: dict[str, list[tuple[Composition, frozenset[str]]]] = {}
        for target, keys in table.distinct_reactions():
            systems.setdefault(element_system(target), []).append((target, keys))
        offsets, precursors, shares, vectors = [0], [], [], []
        for reactions in systems.values():
            # Sorted, since sets have another order in every process.
            uses = sorted(Counter(index[key] for _, keys in reactions for key in keys).items())
            precursors += [precursor for precursor, _ in uses]
            shares += [count / len(reactions) for _, count in uses]
            offsets.append(len(precursors))
            targets = list({target.key: target for target, _ in reactions}.values())
            vectors.append(mean_vectors(targets).mean(0))
        return cls(
            presence=element_presence([reactions[0][0].elements for reactions in systems.values()]),
            # Rounded as they are stored, so that a model predicts after loading what it predicted before.
            vectors=np.array(vectors, dtype=np.float16).astype(np.float32),
            offsets=np.array(offsets, dtype=np.int32),
            precursors=np.array(precursors, dtype=np.int32),
            shares=np.array(shares, dtype=np.float16).astype(np.float32),
        )

    @property
    def system_index(self) -> NDArray[np.int64]:
        """The system of each entry, (entries,)."""
        return np.repeat(np.arange(len(self.presence)), np.diff(self.offsets))

    def every(self, step: int) -> KnownSystems:
        """Return the first of every `step` systems."""
        if step == 1:
            return self
        kept = self.system_index % step == 0
        offsets = np.cumsum([0, *np.diff(self.offsets)[::step]], dtype=np.int32)
        return KnownSystems(
            self.presence[::step], self.vectors[::step], offsets, self.precursors[kept], self.shares[kept]
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by their names in checkpoints, vectors and shares in 16 bits."""
        return {
            "presence": self.presence,
            "vectors": self.vectors.astype(np.float16),
            "pointer": self.offsets,
            "precursors": self.precursors,
            "shares": self.shares.astype(np.float16),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], *, precursors: int) -> KnownSystems:
        """Return what `to_arrays` described.

        Args:
            arrays: by their names in checkpoints.
            precursors: length of the vocabulary that they index.

        Raises:
            ValueError: an array is missing, unknown, or holds impossible values.
        """
        half, names = ("vectors", "shares"), {"pointer": "offsets"}
        known = call_with(
            cls, {names.get(name, name): a.astype(np.float32) if name in half else a for name, a in arrays.items()}
        )
        systems, entries = len(known.vectors), len(known.shares)
        check_array("presence", known.presence, np.bool_, (systems, len(ELEMENTS)))
        check_array("vectors", known.vectors, np.float32, (None, DIMENSION), low=-1.5, below=1.5)
        check_offsets("pointer", known.offsets, np.int32, rows=systems, entries=entries)
        check_array("precursors", known.precursors, np.int32, (entries,), low=0, below=precursors)
        check_array("shares", known.shares, np.float32, (None,), low=0, below=1.01)
        if not known.presence.any(1).all():
            raise ValueError("'presence' has a system without elements")
        return known


class Neighbours:
    """Frequencies among the known systems, weighted by a kernel of their similarity to the target.

    Args:
        systems: the known systems; of more than 12,000 about 4,096 stand for all, spread evenly.
        vocabulary: the precursors that they count.
    """

    def __init__(self, systems: KnownSystems, vocabulary: Sequence[Composition]) -> None:
        self.systems = systems = systems.every(_step(len(systems.presence)))
        presence = systems.presence.astype(np.float32)
        self._rarity = np.log(len(presence) / (1 + presence.sum(0))).clip(0.1).astype(np.float32)
        self._presence = unit_rows(presence * self._rarity).astype(np.float64)
        embeddings = _embed(systems.presence, systems.vectors)
        self._centre = embeddings.mean(0)
        self._embeddings = unit_rows(embeddings - self._centre).astype(np.float64)
        self.forms: dict[str, int] = {}
        self._slots: dict[tuple[str, int], int] = {}
        self._elements = Segments(*systems.presence.nonzero(), shape=systems.presence.shape)
        self._count(vocabulary)

    def _count(self, vocabulary: Sequence[Composition]) -> None:
        """Turn the counts of precursors into those of (precursor, element) slots and (element, form) pairs."""
        systems = self.systems
        supplied: list[tuple[int, int, int]] = []
        offsets = [0]
        for precursor in vocabulary:
            for element, name in _supplied(precursor):
                slot = self._slots.setdefault((precursor.key, element), len(self._slots))
                supplied.append((element, self.forms.setdefault(name, len(self.forms)), slot))
            offsets.append(len(supplied))
        firsts, known = np.array(offsets), np.array(supplied, dtype=np.int64).reshape(-1, 3)
        entry, used = expanded(firsts, np.diff(firsts), systems.precursors.astype(np.int64))
        rows, shares = systems.system_index[entry], systems.shares[entry].astype(np.float64)
        present = systems.presence[rows, known[used, 0]]
        rows, shares, (element, form, slot) = rows[present], shares[present], known[used[present]].T
        height, number = len(systems.presence), len(self.forms)
        self._used = Segments(rows, slot, shape=(height, len(self._slots)), values=shares)
        cells = element * number + form
        distinct, first, place = np.unique(
            rows * (len(ELEMENTS) * number) + cells, return_index=True, return_inverse=True
        )
        total = np.minimum(np.bincount(place, weights=shares, minlength=len(distinct)), 1.0)
        order = np.argsort(first)  # in which systems use them
        self._formed = Segments(
            rows[first[order]], cells[first[order]], shape=(height, len(ELEMENTS) * number), values=total[order]
        )

    def supplies(self, precursor: Composition) -> NDArray[np.int64]:
        """Return (element, form, slot) of each source element of a precursor, (n, 3); -1 where it is not known."""
        return np.array(
            [
                (element, self.forms.get(form, -1), self._slots.get((precursor.key, element), -1))
                for element, form in _supplied(precursor)
            ],
            dtype=np.int64,
        ).reshape(-1, 3)

    def features(
        self,
        targets: Materials,
        rows: NDArray[np.int64],
        supplies: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Return the features of supplies: of one element of a target by one precursor.

        Each is the natural logarithm of a smoothed frequency among the known reactions whose target contains the
        element, weighted by exp(similarity / scale): `near_system` and `near_embedding`, that they use the precursor;
        `form_system`, that they take the element in the same form. `analogue_system` and `analogue_embedding` are the
        latter over all elements, weighted by their similarity to the supplied one, so that lanthanum informs about
        neodymium.

        Args:
            targets: t materials.
            rows: (n,) position of the target of each supply.
            supplies: (n, 3) element, form and slot, see `supplies`.

        Returns:
            (n, `len(NEAREST)`) float32.
        """
        element, form, slot = supplies.T
        embeddings = _embed(targets.presence, targets.vectors)
        by_system = exact_product(self._presence, unit_rows(targets.presence * self._rarity).T)
        by_embedding = exact_product(self._embeddings, unit_rows(embeddings - self._centre).T)
        near = _Kernel(self, by_system, _SYSTEM_SCALE)
        close = _Kernel(self, by_embedding, _EMBEDDING_SCALE)
        columns = [
            near.used(rows, element, slot),
            close.used(rows, element, slot),
            near.formed(rows, element, form),
            near.analogous(rows, element, form),
            close.analogous(rows, element, form),
        ]
        return np.stack(columns, axis=1).astype(np.float32)


class _Kernel:
    """Weighted sums over the known systems for some targets, from similarities (systems, t), which are overwritten."""

    def __init__(self, source: Neighbours, similarity: NDArray[np.float32], scale: float) -> None:
        similarity -= 1
        similarity /= scale
        weights = np.exp(similarity, out=similarity)
        self._source, self._weights = source, weights
        # What one system as near as the nearest weighs; smoothing is measured by it.
        self._unit = source._elements.largest(weights)
        self._nearest = weights.max(0)
        self._total = source._elements.sums(self._weights)
        self._formed = source._formed.sums(self._weights)

    def used(
        self, rows: NDArray[np.int64], element: NDArray[np.int64], slot: NDArray[np.int64]
    ) -> NDArray[np.floating]:
        source = self._source
        # Few of very many precursors have slots.
        (known,) = np.nonzero(slot >= 0)
        slots, place = np.unique(slot[known], return_inverse=True)
        count, usual = np.zeros((2, len(slot)), dtype=np.float32)
        count[known] = source._used.sums(self._weights, slots)[place, rows[known]]
        usual[known] = (source._used.totals[slots])[place] / source._elements.totals[element[known]].clip(1)
        return self._log(count, self._total[element, rows], self._unit[element, rows], usual)

    def formed(
        self, rows: NDArray[np.int64], element: NDArray[np.int64], form: NDArray[np.int64]
    ) -> NDArray[np.floating]:
        source = self._source
        cell = np.where(form >= 0, element * len(source.forms) + form, 0)
        usual = source._formed.totals[cell] / source._elements.totals[element].clip(1)
        return self._log(
            np.where(form >= 0, self._formed[cell, rows], 0.0),
            self._total[element, rows],
            self._unit[element, rows],
            np.where(form >= 0, usual, 0.0),
        )

    def analogous(
        self, rows: NDArray[np.int64], element: NDArray[np.int64], form: NDArray[np.int64]
    ) -> NDArray[np.floating]:
        source, forms = self._source, len(self._source.forms)
        sums = self._formed.reshape(len(ELEMENTS), forms, -1)
        alike = np.einsum("nf,fn->n", element_similarity()[element], sums[:, form, rows], dtype=np.float64)
        total = exact_product(element_similarity(), self._total)
        usual = element_similarity() @ source._formed.totals.reshape(-1, forms)
        usual = usual / (element_similarity() @ source._elements.totals).clip(1e-6)[:, None]
        return self._log(
            np.where(form >= 0, alike, 0.0),
            total[element, rows],
            self._nearest[rows],
            np.where(form >= 0, usual[element, form], 0.0),
        )

    @staticmethod
    def _log(
        count: NDArray[np.floating],
        total: NDArray[np.floating],
        unit: NDArray[np.floating],
        usual: NDArray[np.floating],
    ) -> NDArray[np.floating]:
        shares: NDArray[np.floating] = (count + _SMOOTHING * unit * usual) / (total + _SMOOTHING * unit).clip(1e-30)
        logs: NDArray[np.floating] = np.log(shares + NEVER)
        return logs


def _embed(presence: NDArray[np.bool_], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Join the mean element vectors weighted by fractions with those of the elements alone."""
    plain = presence / presence.sum(1, keepdims=True)
    return np.concatenate([vectors, exact_product(plain.astype(np.float32), reduced_vectors())], axis=1)


def _step(systems: int) -> int:
    """Return which systems are compared with a target: the first of every so many."""
    return 1 if systems <= _MOST_SYSTEMS else -(-systems // _COMPARED)


def compared_rows(table: ReactionTable) -> ReactionTable:
    """Return the rows of the systems that `Neighbours` compares with a target."""
    systems, names = pd.factorize(table.element_systems)
    step = _step(len(names))
    return table if step == 1 else table.select(systems % step == 0)


@lru_cache(maxsize=_MOST_PRECURSORS)
def _supplied(precursor: Composition) -> tuple[tuple[int, str], ...]:
    """Return the index of each source element of a precursor, in alphabetical order, and the form it comes in."""
    return tuple(
        (ATOMIC_NUMBERS[symbol] - 1, supply_form(precursor, symbol)) for symbol in sorted(source_elements(precursor))
    )
