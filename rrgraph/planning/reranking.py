"""The second stage within planning: heads of rankings flow in, the same ranked again by the probability of whole sets.

Sets that the user forbids may compete too, as rivals: the literature does not heed what one user has at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import Composition
from rrgraph.planning.candidates import Feasible
from rrgraph.planning.ranking import SetRanking

__all__ = ["LISTWISE", "Links", "Searched", "rerank"]

LISTWISE: Final = "listwise"
"""Rank the most probable sets again by the second stage of the model."""


@dataclass(frozen=True, slots=True)
class Links:
    """The feasible candidates of one target and their log-odds."""

    feasible: Feasible
    logits: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Searched:
    """What a planner knows of some targets before the second stage.

    Attributes:
        candidates: of the planner.
        links: of each target.
        rankings: of each target, by its links.
        told: of which targets the set size is told.
    """

    candidates: Sequence[Composition]
    links: Sequence[Links]
    rankings: Sequence[SetRanking]
    told: Sequence[bool]

    def heads(self, number: int) -> list[list[tuple[int, ...]]]:
        """Return the first sets of each target, as positions among the candidates."""
        return [ranking.head(number) for ranking in self.rankings]


def rerank(scorer: Any, targets: Sequence[Composition], own: Searched, rivals: Searched | None = None) -> None:
    """Let the scorer's second stage rank the head of each ranking.

    Args:
        scorer: with a second stage, see `Model.set_log_probabilities`.
        targets: materials.
        own: what is ranked again.
        rivals: whose sets compete as well; all of them count for "none of these".
    """
    from rrgraph.planning.target_links import TargetLinks  # torch, which planning with a baseline does without

    parts = [own] if rivals is None else [own, rivals]
    candidates, places = _join(parts)
    links = [_links(target, parts, places) for target in range(len(targets))]
    competing = TargetLinks(
        rows=np.repeat(np.arange(len(targets)), [len(columns) for columns, _ in links]),
        columns=np.concatenate([columns for columns, _ in links]),
        log_odds=np.concatenate([log_odds for _, log_odds in links]),
    )
    heads = [part.heads(scorer.set_candidates) for part in parts]
    sets = [_sets([head[target] for head in heads], places) for target in range(len(targets))]
    logs, none = scorer.set_log_probabilities(targets, candidates, competing, sets, own.told)
    for ranking, head, of_sets, of_none in zip(own.rankings, heads[0], logs, none.tolist(), strict=True):
        others = np.append(of_sets[len(head) :], of_none)
        ranking.rerank(of_sets[: len(head)].tolist(), float(np.logaddexp.reduce(others)))


def _join(parts: Sequence[Searched]) -> tuple[list[Composition], list[dict[int, int]]]:
    """Return the candidates that any target can use, each once, and their place by position for each part."""
    joined: dict[str, int] = {}
    candidates: list[Composition] = []
    places: list[dict[int, int]] = []
    for part in parts:
        found: dict[int, int] = {}
        for position in np.unique(np.concatenate([each.feasible.indices for each in part.links])).tolist():
            candidate = part.candidates[position]
            found[position] = joined.setdefault(candidate.key, len(joined))
            if len(joined) > len(candidates):
                candidates.append(candidate)
        places.append(found)
    return candidates, places


def _links(
    target: int, parts: Sequence[Searched], places: Sequence[dict[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the candidates of one target, ascending, and the log-odds of their links."""
    columns = [
        place[index]
        for part, place in zip(parts, places, strict=True)
        for index in part.links[target].feasible.indices.tolist()
    ]
    log_odds = np.concatenate([part.links[target].logits for part in parts])
    distinct, first = np.unique(np.array(columns, dtype=np.int64), return_index=True)
    return distinct, log_odds[first]


def _sets(heads: Sequence[list[tuple[int, ...]]], places: Sequence[dict[int, int]]) -> list[tuple[int, ...]]:
    """Return the sets of one target, each once, those of the first part first."""
    return list(
        dict.fromkeys(
            tuple(sorted(place[index] for index in members))
            for head, place in zip(heads, places, strict=True)
            for members in head
        )
    )
