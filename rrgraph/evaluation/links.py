"""Evaluation of a link scorer by its links alone: edge metrics and calibration over targets and candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.data import LinkBatch, ReactionTable
from rrgraph.metrics import Calibration, EdgeMetrics, LinkScores, calibration, edge_metrics
from rrgraph.planning import CandidateFilter, LinkScorer, SetConstraints
from rrgraph.util.progress import track

__all__ = ["LinkMetrics", "evaluate_links"]

_BATCH_SIZE: Final = 1_000_000
"""Largest number of pairs of targets and candidates that are scored at a time."""


@dataclass(frozen=True)
class LinkMetrics:
    """Quality of the links of a scorer.

    Attributes:
        edges: ranking metrics over the pairs.
        calibration: of the link probabilities; None if there are no pairs.
        absent: recorded links of the table that are not among the pairs, because the precursor is not a candidate or
            the constraints exclude it; no metric counts them.
        scores: what was measured, one after the other target.
    """

    edges: EdgeMetrics
    calibration: Calibration | None
    absent: int
    scores: LinkScores

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
    """Measure the links between each distinct target of a table and its candidates, scored in blocks.

    Most pairs of a whole grid share no element, and a rule that says so separates them without having learned anything:
    metrics of models are those of the pairs that `constraints` leave.

    Args:
        scorer: gives the logits of links.
        candidates: precursors, each once; for `TargetCandidates`, those of each target.
        table: the recorded links.
        constraints: exclude the pairs that the planner would not consider, such as precursors that share no
            element with the target; None keeps the whole grid.
        known: links that were known before, such as the training table; they are not counted unless `table` records
            them too.

    Raises:
        ScoreError: the scorer returned NaN, an infinite value or a wrong shape.
    """
    pool = CandidateFilter(candidates, constraints or SetConstraints())
    targets = list({target.key: target for target in table.targets}.values())
    recorded: dict[str, set[str]] = _links(table)
    others: dict[str, set[str]] = _links(known) if known is not None else {}
    columns: list[NDArray[np.int64]] = []
    positives: list[NDArray[np.bool_]] = []
    for target in targets:
        own = np.flatnonzero(pool.considered(target)) if constraints is None else pool.feasible(target).indices
        keys = np.array([pool.candidates[index].key for index in own.tolist()], dtype=object)
        mine, before = recorded[target.key], others.get(target.key, set()) - recorded[target.key]
        kept = np.array([key not in before for key in keys], dtype=bool)
        columns.append(own[kept])
        positives.append(np.array([key in mine for key in keys[kept]], dtype=bool))
    scores = LinkScores(
        targets=np.repeat(np.arange(len(targets)), [len(own) for own in columns]),
        scores=np.concatenate([np.zeros(0), *_logits(scorer.among(candidates), targets, pool.candidates, columns)]),
        recorded=np.concatenate([np.zeros(0, dtype=bool), *positives]),
    )
    return LinkMetrics(
        edges=edge_metrics(scores),
        calibration=calibration(scores.probabilities, scores.recorded) if len(scores.scores) else None,
        absent=sum(len(recorded[target.key]) for target in targets) - int(scores.recorded.sum()),
        scores=scores,
    )


def _links(table: ReactionTable) -> dict[str, set[str]]:
    """Return the keys of the recorded precursors of each target, by its key."""
    links: dict[str, set[str]] = {}
    for key, members in zip(table.target_keys, table.set_keys, strict=True):
        links.setdefault(str(key), set()).update(members)
    return links


def _logits(
    scorer: LinkScorer,
    targets: Sequence[Composition],
    candidates: Sequence[Composition],
    columns: Sequence[NDArray[np.int64]],
) -> list[NDArray[np.float64]]:
    """Return the logits of the links of some targets at a time to the candidates that any of them has."""
    blocks: list[list[int]] = [[]]
    joint = np.zeros(len(candidates), dtype=bool)
    for row, own in enumerate(columns):
        joint[own] = True
        if blocks[-1] and joint.sum() * (len(blocks[-1]) + 1) > _BATCH_SIZE:
            blocks.append([])
            joint[:] = False
            joint[own] = True
        blocks[-1].append(row)
    found = []
    for block in track(blocks, "score links", total=len(blocks)):
        used = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(columns[row] for row in block)]))
        if len(used):
            links = LinkBatch(
                targets=[targets[row] for row in block],
                candidates=[candidates[index] for index in used.tolist()],
                target_index=np.repeat(np.arange(len(block)), [len(columns[row]) for row in block]),
                candidate_index=np.searchsorted(used, np.concatenate([columns[row] for row in block])),
            )
            found.append(np.asarray(scorer.link_logits(links), dtype=np.float64))
    return found
