"""Evaluation of a link scorer by its links alone: edge metrics and calibration over targets and candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.data import ReactionTable
from rrgraph.errors import ScoreError
from rrgraph.metrics import Calibration, EdgeMetrics, calibration, edge_metrics
from rrgraph.planning import CandidateFilter, LinkScorer, SetConstraints
from rrgraph.util.progress import track

__all__ = ["LinkMetrics", "evaluate_links"]

_BATCH_SIZE: Final = 256
#: Targets with candidates of their own are scored in small batches, because each is scored with those of all others.
_OWN_BATCH_SIZE: Final = 16


@dataclass(frozen=True)
class LinkMetrics:
    """Quality of the links of a scorer.

    Attributes:
        edges: ranking metrics over the grid.
        calibration: of the link probabilities; None if the grid has no pairs.
        absent: recorded links of the table that are not in the grid, because the precursor is not a candidate or the
            constraints exclude it; no metric counts them.
    """

    edges: EdgeMetrics
    calibration: Calibration | None
    absent: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "edges": self.edges.to_dict(),
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "absent": self.absent,
        }


def evaluate_links(
    scorer: LinkScorer,
    candidates: Sequence[Composition],
    table: ReactionTable,
    *,
    constraints: SetConstraints | None = None,
    known: ReactionTable | None = None,
) -> LinkMetrics:
    """Measure the links between each distinct target of a table and every candidate.

    Args:
        scorer: gives the logits of links.
        candidates: precursors of the grid, each once; for `TargetCandidates`, those of each target.
        table: the recorded links.
        constraints: exclude the pairs that the planner would not consider, such as precursors that share no
            element with the target; None keeps the whole grid.
        known: links that were known before, such as the training table; they are not counted unless `table` records
            them too.

    Raises:
        ScoreError: the scorer returned NaN, an infinite value or a wrong shape.
    """
    pool = CandidateFilter(candidates, constraints or SetConstraints())
    targets = {target.key: target for target in table.targets}
    grid = _Grid(pool, list(targets.values()))
    recorded, outside = grid.recorded(table)
    ignore = grid.padding
    if known is not None:
        ignore |= grid.recorded(known)[0] & ~recorded
    if constraints is not None:
        for row, target in enumerate(targets.values()):
            columns = grid.columns[row]
            ignore[row, : len(columns)] |= ~np.isin(columns, pool.feasible(target).indices)
    logits = grid.logits(scorer)
    edges = edge_metrics(logits, recorded, ignore=ignore)
    counted = ~ignore
    probabilities = np.exp(-np.logaddexp(0.0, -logits[counted]))
    return LinkMetrics(
        edges=edges,
        calibration=calibration(probabilities, recorded[counted]) if counted.any() else None,
        absent=outside + int((recorded & ignore).sum()),
    )


class _Grid:
    """A grid of targets and candidates; if targets have candidates of their own, rows are padded at the end.

    Attributes:
        columns: indices of each target's candidates in the pool, ascending.
        padding: (targets, candidates), whether an entry is padding.
    """

    def __init__(self, pool: CandidateFilter, targets: Sequence[Composition]) -> None:
        self.pool, self.targets = pool, targets
        self.columns = [np.flatnonzero(pool.considered(target)) for target in targets]
        lengths = np.array([len(columns) for columns in self.columns], dtype=np.int64)
        self.padding = np.arange(lengths.max(initial=0)) >= lengths[:, None]

    def recorded(self, table: ReactionTable) -> tuple[NDArray[np.bool_], int]:
        """Return whether each link is recorded, (targets, candidates), and the number of links outside the grid."""
        recorded = np.zeros_like(self.padding)
        row_of = {target.key: row for row, target in enumerate(self.targets)}
        outside = set()
        for key, members in zip(table.target_keys, table.set_keys, strict=True):
            row = row_of.get(str(key))
            if row is None:
                continue
            for member in members:
                index = self.pool.position.get(member, len(self.pool.candidates))
                column = int(np.searchsorted(self.columns[row], index))
                if column < len(self.columns[row]) and self.columns[row][column] == index:
                    recorded[row, column] = True
                else:
                    outside.add((row, member))
        return recorded, len(outside)

    def logits(self, scorer: LinkScorer) -> NDArray[np.float64]:
        """Return the logits (targets, candidates), 0 for padding."""
        logits = np.zeros(self.padding.shape)
        size = _OWN_BATCH_SIZE if self.padding.any() else _BATCH_SIZE
        for start in track(range(0, len(self.targets), size), "score links", total=-(-len(self.targets) // size)):
            batch, rows = self.targets[start : start + size], self.columns[start : start + size]
            used = np.unique(np.concatenate(rows))
            candidates = [self.pool.candidates[index] for index in used.tolist()]
            scores = np.asarray(scorer.logits(batch, candidates)) if candidates else np.empty((len(batch), 0))
            if scores.shape != (len(batch), len(candidates)):
                raise ScoreError(
                    f"The scorer returned shape {scores.shape} for {len(batch)} targets and {len(candidates)} "
                    "candidates."
                )
            for row, columns in enumerate(rows):
                logits[start + row, : len(columns)] = scores[row, np.searchsorted(used, columns)]
        return logits
