"""Why a precursor set has its probability: what the re-ranker saw in it, and how often its members were used."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rrgraph.app.browsing import LiteratureIndex
from rrgraph.chem import Composition, anhydrous
from rrgraph.data import PrecursorSet
from rrgraph.models import Model, constrained_planner
from rrgraph.planning import CandidateLists
from rrgraph.reranking import EnsembleReranker, Influence, influences

__all__ = ["Explanation", "explain_set"]


class Explanation(NamedTuple):
    """Why a set has its probability.

    Attributes:
        influences: of groups of features, the largest first.
        rank: of the set among those that compete, from 1.
        competing: number of these.
        uses: training targets that use each member.
        together: how many recorded reactions use all members, and the targets of the most reported ones.
    """

    influences: tuple[Influence, ...]
    rank: int
    competing: int
    uses: dict[str, int]
    together: tuple[int, tuple[str, ...]]


def explain_set(
    model: Model, target: Composition, members: PrecursorSet, literature: LiteratureIndex
) -> Explanation | None:
    """Return why a set has its probability; None where a re-ranker did not give it.

    Args:
        model: ranks the sets.
        target: what is made.
        members: the set.
        literature: recorded reactions.
    """
    planner = constrained_planner(model)
    if not isinstance(planner.reranker, EnsembleReranker):
        return None
    recorder = _Recorder(planner.reranker)
    planner.reranker = recorder
    for ranking in planner.rankings([target]):
        ranking.plan(1)
    lists = recorder.lists
    assert lists is not None
    keys = {anhydrous(each).key for each in members}
    candidates = lists.links.candidates
    found = [{candidates[member].key for member in own} for own in lists.sets[0]]
    if keys not in found:
        return None
    place = found.index(keys)
    logs, _ = planner.reranker.log_probabilities(lists)
    return Explanation(
        tuple(influences(recorder.inner, lists, place)),
        int((logs[0] > logs[0][place]).sum()) + 1,
        len(lists.sets[0]),
        {each.formula: model.count(each) for each in members},
        literature.together(members),
    )


class _Recorder:
    """A re-ranker that keeps the lists it was given."""

    def __init__(self, inner: EnsembleReranker) -> None:
        self.inner, self.candidates = inner, inner.candidates
        self.lists: CandidateLists | None = None

    def log_probabilities(self, lists: CandidateLists) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        self.lists = lists
        return self.inner.log_probabilities(lists)
