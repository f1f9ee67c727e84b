"""What a candidate is before a model looks at it: unseen compounds of a target's own system are made less often.

A library holds compounds that lie between a target and its usual precursors, such as Bi12TiO20 for Bi4Ti3O12 or FeSe2
for FeSe. They share all that the target has, so a model likes them more than chemists do.

Beside this a model may have one constant for all candidates that it never saw, which `fit_unseen` returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import HALOGENS, Composition
from rrgraph.data import LinkBatch
from rrgraph.graph import element_presence
from rrgraph.planning import LinkScorer

if TYPE_CHECKING:
    from rrgraph.models.model import Model

__all__ = ["OFFSET", "DiscountedLinks", "fit_unseen"]

OFFSET: Final = -1.0
"""Added to the logit of a link to such a compound; of 0, -1 and -2 the best on half of the curated oxides."""

_LARGEST: Final = 10.0

_ANIONS: Final = HALOGENS | frozenset({"H", "C", "N", "O", "P", "S", "As", "Se", "Te"})


class DiscountedLinks(LinkScorer):
    """The links of a model, those to unseen compounds of a target's own system by `OFFSET` lower.

    Such a compound has two metals of the target, or all its elements but oxygen and hydrogen.

    Args:
        model: scores the links, and ranks sets again if it has a re-ranker.
    """

    def __init__(self, model: Model) -> None:
        self.reranker = model.reranker
        self._model = model
        self._known = {precursor.key for precursor in model.vocabulary}

    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        """Return the logits (targets, candidates) of every link."""
        return self.link_logits(LinkBatch.grid(targets, candidates)).reshape(len(targets), len(candidates))

    def link_logits(self, links: LinkBatch) -> NDArray[np.float64]:
        """Return the logits (links,) of some links."""
        unseen = np.array([candidate.key not in self._known for candidate in links.candidates], dtype=bool)
        return self._model.link_logits(links) + OFFSET * links.take(_of_own_system(links) & unseen)


def fit_unseen(logits: NDArray[np.float64], unseen: NDArray[np.bool_], recorded: NDArray[np.bool_]) -> float:
    """Return what to add to the logits of links to unseen candidates, so that they count as much as those to seen ones.

    With an offset of its own, each of the two groups is expected to have as many recorded links as it has; the constant
    is the difference of these offsets. It is 0 where a group has no recorded link.

    >>> logits, recorded = np.zeros(8), np.arange(8) % 2 == 0
    >>> round(fit_unseen(logits - np.repeat([2.0, 0.0], 4), np.arange(8) < 4, recorded), 6)
    2.0

    Args:
        logits: (links,) by decoders that did not learn from the target of each.
        unseen: (links,) whether nothing that is known uses the candidate.
        recorded: (links,) whether the link is recorded.
    """
    offsets = []
    for group in (unseen, ~unseen):
        expected = int(recorded[group].sum())
        if not 0 < expected < int(group.sum()):
            return 0.0
        low, high = -_LARGEST, _LARGEST
        for _ in range(60):
            middle = (low + high) / 2
            above = (1 / (1 + np.exp(-(logits[group] + middle)))).sum() > expected
            low, high = (low, middle) if above else (middle, high)
        offsets.append(middle)
    return float(offsets[0] - offsets[1])


def _of_own_system(links: LinkBatch) -> NDArray[np.bool_]:
    """Return which candidates are of the system of which targets, (targets, candidates)."""
    metals, others = (
        element_presence([each.elements - _ANIONS for each in side]).astype(np.float32)
        for side in (links.targets, links.candidates)
    )
    own = element_presence([each.elements - {"O", "H"} for each in links.targets]).astype(np.float32)
    lacking = 1 - element_presence([each.elements for each in links.candidates]).astype(np.float32)
    found: NDArray[np.bool_] = (metals @ others.T > 1) | (own @ lacking.T == 0)
    return found
