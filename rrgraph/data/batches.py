"""Many links, or many precursor sets, of the same targets and candidates, named by index arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition

__all__ = ["LinkBatch", "SetBatch"]

N = TypeVar("N", bound=np.generic)


@dataclass(frozen=True, eq=False)
class LinkBatch:
    """Links of t targets to c candidates.

    Attributes:
        targets: t materials.
        candidates: c precursors.
        target_index: (links,) int64, index of the target of each link.
        candidate_index: (links,) int64, index of its candidate.
    """

    targets: Sequence[Composition]
    candidates: Sequence[Composition]
    target_index: NDArray[np.int64]
    candidate_index: NDArray[np.int64]

    @classmethod
    def grid(cls, targets: Sequence[Composition], candidates: Sequence[Composition]) -> Self:
        """Return the links of every target to every candidate, target by target."""
        return cls(targets, candidates, *np.divmod(np.arange(len(targets) * len(candidates)), len(candidates) or 1))

    def __len__(self) -> int:
        return len(self.target_index)

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Number of targets and of candidates."""
        return len(self.targets), len(self.candidates)

    def select(self, links: NDArray[np.bool_ | np.integer] | slice) -> Self:
        """Return only some links: a mask, indices or a slice."""
        return replace(self, target_index=self.target_index[links], candidate_index=self.candidate_index[links])

    def take(self, grid: NDArray[N]) -> NDArray[N]:
        """Return the value (links,) of each link from those of all (targets, candidates)."""
        return grid[self.target_index, self.candidate_index]

    def find(self, target_index: NDArray[np.int64], candidate_index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which link leads from each target to each candidate.

        The links must be sorted by target, then by candidate, and those that are looked for must be among them.
        """
        width = int(self.candidate_index.max(initial=0)) + 1
        return np.searchsorted(self.target_index * width + self.candidate_index, target_index * width + candidate_index)


@dataclass(frozen=True, eq=False)
class SetBatch:
    """Precursor sets for t targets, made of c candidates.

    Attributes:
        targets: t materials.
        candidates: c precursors.
        target_index: (n,) int64, index of the target of each set.
        members: (n, m) int64, indices of the members of each set, -1 beyond the last.
    """

    targets: Sequence[Composition]
    candidates: Sequence[Composition]
    target_index: NDArray[np.int64]
    members: NDArray[np.int64]

    @classmethod
    def of_lists(
        cls,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        lists: Sequence[Sequence[Sequence[int]]],
    ) -> Self:
        """Return the sets of each target, given as indices of their members, in order."""
        sets = [members for own in lists for members in own]
        padded = np.full((len(sets), max(map(len, sets), default=1)), -1, dtype=np.int64)
        for row, members in zip(padded, sets, strict=True):
            row[: len(members)] = members
        lengths = np.array([len(own) for own in lists], dtype=np.int64)
        return cls(targets, candidates, np.repeat(np.arange(len(targets)), lengths), padded)

    def __len__(self) -> int:
        return len(self.target_index)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Where there is a member, (n, m)."""
        return self.members >= 0

    @property
    def padded_members(self) -> NDArray[np.int64]:
        """The members (n, m) with c, an index beyond the last candidate, in place of -1."""
        return np.where(self.present, self.members, len(self.candidates))
