"""Nearest known target: how the most similar compositions were made, adapted by counting alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rrgraph.baselines.base import BASELINES
from rrgraph.baselines.retrieval.walk import RetrievalBaseline, Usable
from rrgraph.chem import Composition
from rrgraph.data import ReactionTable, overlap_vectors

__all__ = ["NearestTarget"]


@BASELINES.register("nearest_target")
class NearestTarget(RetrievalBaseline):
    """Recorded sets of the training targets nearest in composition, without any learning.

    Targets are as near as their atomic fractions overlap (`rrgraph.data.similarity`). Precursors of elements that the
    target lacks are dropped; an element that is then missing gets its most popular precursor (`Popularity`). What is
    nearest comes first.

    Departs from the paper: there is no paper. It is what a chemist does who looks up the nearest known compound, and
    the floor of every system that retrieves with learned similarities.
    """

    name = "nearest_target"

    def _learn_vectors(self, table: ReactionTable) -> None:
        """Nothing is learned."""

    def _vectors(self, compositions: Sequence[Composition]) -> NDArray[np.float32]:
        return overlap_vectors(compositions)

    def _preferences(
        self, target: Composition, usable: Usable, sets: Sequence[tuple[int, ...]]
    ) -> Sequence[NDArray[np.floating]]:
        return [usable.popular] * len(sets)
