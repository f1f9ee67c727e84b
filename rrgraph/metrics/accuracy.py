"""Top-k exact-match accuracy with intervals, and the comparison of two systems on the same rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rrgraph.errors import ScoreError
from rrgraph.metrics.bootstrap import RESAMPLES, Interval, PairedDifference, mean_intervals, paired_bootstrap

__all__ = ["ROW_GROUPS", "TOP_K", "RowRanks", "TopK", "paired_accuracy", "top_k_accuracy"]

TOP_K: Final = (1, 3, 5, 10)
"""The k of all reports."""

ROW_GROUPS: Final = {
    "all": "",
    "unseen": " with a precursor unseen in training",
    "new_system": " of an element system unseen in training",
}
"""Groups of rows that have tables of their own, and what is said of them after "rows"."""


@dataclass(frozen=True)
class TopK:
    """Share of rows whose recorded set is among the first k, for several k.

    Attributes:
        rows: number of rows.
        targets: number of distinct targets among them.
        top: the share and its interval by k; empty when there are no rows.
    """

    rows: int
    targets: int
    top: Mapping[int, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values: ``{"rows": ..., "targets": ..., "top1": {"value": ...}, ...}``."""
        return {
            "rows": self.rows,
            "targets": self.targets,
            **{f"top{k}": interval.to_dict() for k, interval in self.top.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TopK:
        """Return the object that `to_dict` was called on."""
        top = {int(name.removeprefix("top")): Interval(**v) for name, v in values.items() if name.startswith("top")}
        return cls(rows=values["rows"], targets=values["targets"], top=top)


@dataclass(frozen=True, eq=False)
class RowRanks:
    """The rank in each row, kept for subgroups and significance tests.

    Attributes:
        targets: (rows,) canonical key of each row's target.
        ranks: (rows,) rank of the best relevant set under the protocol, from 1, infinite if it was not found.
        row_ranks: (rows,) rank of the row's own recorded set; equals `ranks` for a protocol with `truth="row"`.
        unseen: (rows,) whether the recorded set has a precursor unseen in training, None if not known.
        new_system: (rows,) whether no training target has the elements of the target, None if not known.
    """

    targets: Sequence[str]
    ranks: NDArray[np.float64]
    row_ranks: NDArray[np.float64]
    unseen: NDArray[np.bool_] | None = None
    new_system: NDArray[np.bool_] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values by column; an infinite rank becomes null."""
        columns: dict[str, Any] = {
            "target": list(self.targets),
            "rank": [_finite(rank) for rank in self.ranks],
            "row_rank": [_finite(rank) for rank in self.row_ranks],
        }
        return columns | {name: values.tolist() for name, values in self._marks().items() if values is not None}

    def _marks(self) -> dict[str, NDArray[np.bool_] | None]:
        return {"unseen": self.unseen, "new_system": self.new_system}

    def select(self, keep: NDArray[np.bool_]) -> RowRanks:
        """Return the ranks of the rows selected by a mask (rows,)."""
        return RowRanks(
            targets=[self.targets[row] for row in np.flatnonzero(keep).tolist()],
            ranks=self.ranks[keep],
            row_ranks=self.row_ranks[keep],
            **{name: None if values is None else values[keep] for name, values in self._marks().items()},
        )

    def group(self, name: str) -> RowRanks:
        """Return the ranks of the rows of a group, one of `ROW_GROUPS`; of none where it is not known."""
        if name == "all":
            return self
        marked = self._marks()[name]
        return self.select(np.zeros(len(self.ranks), dtype=bool) if marked is None else marked)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RowRanks:
        """Return the object that `to_dict` was called on.

        Raises:
            ScoreError: columns differ in length, a target is not text, or a rank is below 1.
        """
        ranks, row_ranks = (
            np.array([np.inf if rank is None else rank for rank in values[name]], dtype=np.float64)
            for name in ("rank", "row_rank")
        )
        marks = {
            name: np.array(values[name], dtype=bool) if name in values else None for name in ROW_GROUPS if name != "all"
        }
        found = cls(targets=values["target"], ranks=ranks, row_ranks=row_ranks, **marks)
        rows = (len(found.targets),)
        if any(each is not None and each.shape != rows for each in (ranks, row_ranks, *marks.values())):
            raise ScoreError(f"The columns of {rows[0]} rows differ in length.")
        if not (
            all(isinstance(target, str) for target in found.targets) and (ranks >= 1).all() and (row_ranks >= 1).all()
        ):
            raise ScoreError("A target is not text, or a rank is below 1.")
        return found


def top_k_accuracy(
    ranks: ArrayLike,
    targets: Sequence[Hashable],
    *,
    ks: Sequence[int] = TOP_K,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> TopK:
    """Return the share of rows with a rank of at most k, with bootstrap intervals over targets.

    Args:
        ranks: (rows,) rank of the recorded set from 1, infinite if it was not found.
        targets: target of each row; rows of one target are resampled together.
        ks: the k to report.
        resamples: number of bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        ScoreError: a rank is NaN or below 1, or the lengths differ.
    """
    values = np.asarray(ranks, dtype=np.float64)
    if values.shape != (len(targets),):
        raise ScoreError(f"Got ranks of shape {values.shape} for {len(targets)} rows.")
    bad = np.flatnonzero(~(values >= 1))
    if len(bad):
        raise ScoreError(f"The rank of row {bad[0] + 1} is {values[bad[0]]}, expected at least 1.")
    if not len(values):
        return TopK(rows=0, targets=0, top={})
    found = values[:, None] <= np.asarray(ks)
    intervals = mean_intervals(found, targets, resamples=resamples, seed=seed)
    return TopK(rows=len(values), targets=len(set(targets)), top=dict(zip(ks, intervals, strict=True)))


def paired_accuracy(
    first: RowRanks, second: RowRanks, *, ks: Sequence[int] = TOP_K, resamples: int = RESAMPLES, seed: int = 0
) -> dict[int, PairedDifference]:
    """Return the top-k accuracy of one system minus that of another by k, see `paired_bootstrap`.

    Args:
        first: ranks of one system.
        second: ranks of the other system on the same rows.
        ks: the k to compare at.
        resamples: number of bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        ScoreError: there are no rows, or the two were measured on different rows.
    """
    if list(first.targets) != list(second.targets):
        raise ScoreError(
            f"Cannot compare two systems measured on different rows ({len(first.targets)} and {len(second.targets)})."
        )
    return {
        k: paired_bootstrap(first.ranks <= k, second.ranks <= k, first.targets, resamples=resamples, seed=seed)
        for k in ks
    }


def _finite(rank: float) -> int | float | None:
    if not np.isfinite(rank):
        return None
    return int(rank) if rank == int(rank) else float(rank)
