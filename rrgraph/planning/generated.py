"""Candidates made up for each target, beside those that all targets share.

Targets and shared candidates flow in; out comes a sequence of candidates that knows which of them a target may use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition, plausible_precursors

__all__ = ["TargetCandidates", "generated_candidates"]


class TargetCandidates(Sequence[Composition]):
    """Candidates of which some are for all targets and the others for the targets they were made for.

    A planner over such candidates considers for a target nothing that was made for another one, so its answer does
    not depend on which targets it is asked for together.

    Args:
        shared: candidates of every target; of two spellings the first is kept.
        own: further candidates by the canonical key of their target.
    """

    def __init__(self, shared: Iterable[Composition], own: Mapping[str, Sequence[Composition]]) -> None:
        places: dict[str, int] = {}
        members: list[Composition] = []

        def place(candidate: Composition) -> int:
            if candidate.key not in places:
                places[candidate.key] = len(members)
                members.append(candidate)
            return places[candidate.key]

        for candidate in shared:
            place(candidate)
        self.shared = len(members)
        self._own = {key: np.array([place(each) for each in found], dtype=np.int64) for key, found in own.items()}
        self._members = tuple(members)

    def __len__(self) -> int:
        return len(self._members)

    @overload
    def __getitem__(self, index: int) -> Composition: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Composition]: ...
    def __getitem__(self, index: int | slice) -> Composition | Sequence[Composition]:
        return self._members[index]

    def usable(self, target: Composition) -> NDArray[np.bool_]:
        """Return (candidates,) which of them a target may use; one that nothing was made for, the shared ones."""
        mask = np.zeros(len(self), dtype=bool)
        mask[: self.shared] = True
        mask[self._own.get(target.key, [])] = True
        return mask

    def counts(self) -> NDArray[np.int64]:
        """Return how many candidates each target may use, shared ones included."""
        return np.array([self.shared + (own >= self.shared).sum() for own in self._own.values()], dtype=np.int64)


def generated_candidates(targets: Iterable[Composition], shared: Iterable[Composition] = ()) -> TargetCandidates:
    """Return the compounds that `plausible_precursors` makes up for each target, beside shared candidates."""
    return TargetCandidates(shared, {target.key: plausible_precursors(target) for target in targets})
