"""Top-k exact match with intervals: what an evaluation of precursor sets reports.

The rank of the recorded set in each row flows in (infinite when it is not ranked at all); out come frozen
results that turn into JSON or a readable table.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rrgraph.errors import ScoreError
from rrgraph.evaluation.bootstrap import RESAMPLES, Interval, mean_intervals
from rrgraph.evaluation.calibration import Calibration
from rrgraph.evaluation.protocols import Protocol

__all__ = ["TOP_K", "Metrics", "RowRanks", "TopK", "summarise", "top_k_accuracy"]

TOP_K: Final = (1, 3, 5, 10)


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


@dataclass(frozen=True, eq=False)
class RowRanks:
    """The outcome of each row, kept for later significance tests.

    Attributes:
        targets: (rows,) canonical key of each row's target.
        ranks: (rows,) rank under the truth of the protocol, from 1, infinite for a miss.
        row_ranks: (rows,) rank of the row's own recorded set; equals `ranks` when the truth is "row".
        unseen: (rows,) whether the recorded set has a precursor unseen in training, None when that is not known.
    """

    targets: Sequence[str]
    ranks: NDArray[np.float64]
    row_ranks: NDArray[np.float64]
    unseen: NDArray[np.bool_] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values by column; an infinite rank becomes null."""
        columns: dict[str, Any] = {
            "target": list(self.targets),
            "rank": [_finite(rank) for rank in self.ranks],
            "row_rank": [_finite(rank) for rank in self.row_ranks],
        }
        if self.unseen is not None:
            columns["unseen"] = [bool(value) for value in self.unseen]
        return columns


@dataclass(frozen=True)
class Metrics:
    """What one system reaches on one table under one protocol.

    Attributes:
        protocol: the rules.
        overall: top-k under the protocol's truth.
        per_row: top-k against each row's own recorded set, beside `overall` when the truth is "any".
        unseen: `overall` on the rows whose recorded set has a precursor unseen in training; None when the
            training precursors are not known.
        reachable: share of rows whose recorded set is among the sets that compete; None when not known.
        calibration: of the probability of the top set; None when the system gives no probabilities.
        rows: the outcome of each row.
    """

    protocol: Protocol
    overall: TopK
    per_row: TopK | None = None
    unseen: TopK | None = None
    reachable: float | None = None
    calibration: Calibration | None = None
    rows: RowRanks | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values, without the outcome of each row (see `RowRanks.to_dict`)."""
        return {
            "protocol": self.protocol.to_dict(),
            "overall": self.overall.to_dict(),
            "per_row": self.per_row.to_dict() if self.per_row else None,
            "unseen": self.unseen.to_dict() if self.unseen else None,
            "reachable": self.reachable,
            "calibration": self.calibration.to_dict() if self.calibration else None,
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return the header and the rows of a table for people; shares are in %, intervals in brackets."""
        parts = [(f"{self.protocol.name}, {_TRUTH[self.protocol.truth]}", self.overall)]
        if self.per_row is not None:
            parts.append((f"{self.protocol.name}, own recorded set", self.per_row))
        if self.unseen is not None:
            parts.append((f"{self.protocol.name}, with an unseen precursor", self.unseen))
        columns = sorted({k for _, part in parts for k in part.top})
        header = ["accuracy in % [95 % interval]", *(f"top-{k}" for k in columns), "rows"]
        body = [
            [label, *(str(part.top[k]) if k in part.top else "-" for k in columns), str(part.rows)]
            for label, part in parts
        ]
        return header, body

    def __str__(self) -> str:
        header, body = self.table()
        widths = [max(len(line[column]) for line in [header, *body]) for column in range(len(header))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in [header, *body]
        )


_TRUTH: Final = {"row": "own recorded set", "any": "any recorded set"}


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
        ranks: (rows,) rank of the recorded set from 1; infinite for a miss.
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
    hits = values[:, None] <= np.asarray(ks)
    intervals = mean_intervals(hits, targets, resamples=resamples, seed=seed)
    return TopK(rows=len(values), targets=len(set(targets)), top=dict(zip(ks, intervals, strict=True)))


def summarise(
    protocol: Protocol,
    rows: RowRanks,
    *,
    reachable: float | None = None,
    calibration: Calibration | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Metrics:
    """Turn the outcome of each row into `Metrics`; every interval uses the same seed."""

    def accuracy(ranks: NDArray[np.float64], keep: NDArray[np.bool_] | None = None) -> TopK:
        chosen = np.arange(len(ranks)) if keep is None else np.flatnonzero(keep)
        targets = [rows.targets[index] for index in chosen.tolist()]
        return top_k_accuracy(ranks[chosen], targets, resamples=resamples, seed=seed)

    return Metrics(
        protocol=protocol,
        overall=accuracy(rows.ranks),
        per_row=accuracy(rows.row_ranks) if protocol.truth == "any" else None,
        unseen=None if rows.unseen is None else accuracy(rows.ranks, rows.unseen),
        reachable=reachable,
        calibration=calibration,
        rows=rows,
    )


def _finite(rank: float) -> int | float | None:
    if not np.isfinite(rank):
        return None
    return int(rank) if rank == int(rank) else float(rank)
