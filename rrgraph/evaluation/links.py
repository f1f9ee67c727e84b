"""Evaluate a link scorer by its links alone, over the grid of targets and candidates.

A scorer, candidates and a table of recorded reactions flow in; out come edge metrics and the calibration of the link
probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.data import ReactionTable
from rrgraph.errors import ScoreError
from rrgraph.evaluation.calibration import Calibration, calibration
from rrgraph.evaluation.edges import EdgeMetrics, edge_metrics
from rrgraph.planning import CandidateFilter, LinkScorer, SetConstraints
from rrgraph.progress import track

__all__ = ["LinkMetrics", "evaluate_links"]

_CHUNK: Final = 256


@dataclass(frozen=True)
class LinkMetrics:
    """Quality of the links of a scorer.

    Attributes:
        edges: ranking metrics over the grid.
        calibration: of the link probabilities; None when the grid has no pairs.
        absent: recorded links of the table that are not in the grid, because the precursor is no candidate or the
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
        scorer: gives the log-odds of links.
        candidates: precursors of the grid, each once.
        table: the recorded links.
        constraints: leave out the pairs that the planner would not consider, such as precursors that share no
            element with the target; None keeps the whole grid.
        known: links that were known before, such as the training table; they are neither right nor wrong, unless
            `table` records them too.

    Raises:
        ScoreError: the scorer returned NaN, an infinite value or a wrong shape.
    """
    pool = CandidateFilter(candidates, constraints or SetConstraints())
    targets = {target.key: target for target in table.targets}
    recorded, outside = _recorded(table, list(targets), pool)
    ignore = np.zeros(recorded.shape, dtype=bool)
    if known is not None:
        ignore |= _recorded(known, list(targets), pool)[0] & ~recorded
    if constraints is not None:
        for row, target in enumerate(targets.values()):
            ignore[row, np.setdiff1d(np.arange(recorded.shape[1]), pool.feasible(target).indices)] = True
    logits = _logits(scorer, list(targets.values()), pool.candidates)
    edges = edge_metrics(logits, recorded, ignore=ignore)
    counted = ~ignore
    probabilities = np.exp(-np.logaddexp(0.0, -logits[counted]))
    return LinkMetrics(
        edges=edges,
        calibration=calibration(probabilities, recorded[counted]) if counted.any() else None,
        absent=outside + int((recorded & ignore).sum()),
    )


def _recorded(table: ReactionTable, targets: Sequence[str], pool: CandidateFilter) -> tuple[NDArray[np.bool_], int]:
    """Return (targets, candidates) whether a link is recorded, and the number of links to precursors outside."""
    recorded = np.zeros((len(targets), len(pool.candidates)), dtype=bool)
    row_of = {key: row for row, key in enumerate(targets)}
    outside = set()
    for key, members in zip(table.target_keys, table.set_keys, strict=True):
        row = row_of.get(str(key))
        if row is None:
            continue
        for member in members:
            if member in pool.position:
                recorded[row, pool.position[member]] = True
            else:
                outside.add((row, member))
    return recorded, len(outside)


def _logits(
    scorer: LinkScorer, targets: Sequence[Composition], candidates: Sequence[Composition]
) -> NDArray[np.float64]:
    logits = np.empty((len(targets), len(candidates)))
    for start in track(range(0, len(targets), _CHUNK), "score links", total=-(-len(targets) // _CHUNK)):
        chunk = targets[start : start + _CHUNK]
        scores = np.asarray(scorer.logits(chunk, candidates))
        if scores.shape != (len(chunk), len(candidates)):
            raise ScoreError(
                f"The scorer returned shape {scores.shape} for {len(chunk)} targets and {len(candidates)} candidates."
            )
        logits[start : start + _CHUNK] = scores
    return logits
