"""Nearest known target: the precursor sets of the most similar compositions, adapted by popularity alone."""

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
    """Recorded sets of the training targets with the most similar composition, without any learning.

    The similarity is the overlap of atomic fractions (`rrgraph.data.similarity`). Precursors with elements that the
    target lacks are dropped; an element that is then missing gets its most popular precursor (`Popularity`). Sets are
    ranked by the similarity of their target.

    Departs from the paper: there is no paper. It is what a chemist does who looks up the nearest known compound, and
    the baseline of every system that retrieves with learned similarities.
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
