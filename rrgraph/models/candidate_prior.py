"""What a candidate is worth before a model looks at it: few compounds that no training reaction uses are precursors.

A library holds compounds that lie between a target and its usual precursors, such as Bi12TiO20 for Bi4Ti3O12 or FeSe2
for FeSe. They share all that the target has, so a model likes them more than chemists do; and most of the compounds
that can be made up for a target were never on a shelf.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import HALOGENS, Composition, reagent_library
from rrgraph.data import LinkBatch, load_table
from rrgraph.graph import element_presence
from rrgraph.planning import LinkScorer
from rrgraph.util.arguments import value_of

if TYPE_CHECKING:
    from rrgraph.models.model import Model

__all__ = [
    "CANDIDATE_CLASSES",
    "OFFSET",
    "CandidatePrior",
    "DiscountedLinks",
    "candidate_classes",
    "discounts",
]

CANDIDATE_CLASSES: Final = ("listed", "textbook", "purchasable", "known", "generated")
"""Classes of candidates that no training reaction uses: in a list because others used them; and of those that are only
offered the first that holds: a precursor of the bundled textbook reactions, a reagent of the library with a CAS number,
another one or what a user thought of, made up for a target."""

OFFSET: Final = -1.0
"""Added to the logit of a link to an unseen compound of the target's own system by models without a prior by class; of
0, -1 and -2 the best on half of the curated oxides."""

_LARGEST: Final = 15.0
_DEVIATION: Final = 2.0
"""Expected size of an offset, which decides where a class has hardly any recorded links."""

_ANIONS: Final = HALOGENS | frozenset({"H", "C", "N", "O", "P", "S", "As", "Se", "Te"})


@dataclass(frozen=True, eq=False)
class CandidatePrior:
    """What is added to the logits of links to unseen candidates.

    Attributes:
        offsets: (classes,) float64, by class of the candidate.
    """

    offsets: NDArray[np.float64]

    def of(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what is added to the logits of links (links,) to candidates of some classes, -1 for seen ones."""
        return np.append(self.offsets, 0.0)[classes]

    @classmethod
    def fit(
        cls,
        logits: NDArray[np.float64],
        classes: NDArray[np.int64],
        recorded: NDArray[np.bool_],
        weights: NDArray[np.float64] | None = None,
    ) -> Self:
        """Return the offsets with which links of each class count as much as those to seen candidates.

        With an offset of its own, each group of links is expected to have as many recorded links as it has; the prior
        are the differences to that of seen candidates. Differences are believed to be about 2 unless links say
        otherwise, so that a class without any gets 0, and one without recorded links a finite one.

        >>> logits, classes, recorded = np.zeros(4000), np.repeat([-1, 2], 2000), np.arange(4000) % 2 == 0
        >>> CandidatePrior.fit(logits - 2 * (classes == 2), classes, recorded).offsets.round(2).tolist()
        [0.0, 0.0, 2.0, 0.0, 0.0]

        Args:
            logits: (links,) by decoders that did not learn from the target of each.
            classes: (links,) see `candidate_classes`; -1 for candidates that are used elsewhere.
            recorded: (links,) whether the link is recorded.
            weights: (links,) how many links each stands for; None for one.
        """
        weights = np.ones(len(logits)) if weights is None else weights

        def offset(group: int, base: float = 0.0) -> float:
            of_group = classes == group
            return _offset(logits[of_group] + base, recorded[of_group], weights[of_group])

        seen = offset(-1)
        return cls(np.array([offset(group, seen) for group in range(len(CANDIDATE_CLASSES))]))

    def to_stored(self) -> dict[str, float]:
        """Return the offset of each class, JSON-ready."""
        return dict(zip(CANDIDATE_CLASSES, self.offsets.tolist(), strict=True))

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Return what `to_stored` described.

        Raises:
            ValueError: a class is missing or unknown, or an offset is out of range.
        """
        if set(stored) != set(CANDIDATE_CLASSES):
            raise ValueError(f"the prior is of {', '.join(map(str, stored))}, expected {', '.join(CANDIDATE_CLASSES)}")
        offsets = np.array([value_of(stored, name, float) for name in CANDIDATE_CLASSES])
        if not (abs(offsets) <= _LARGEST).all():
            raise ValueError(f"the prior has the offsets {offsets.tolist()}, expected {-_LARGEST:g} to {_LARGEST:g}")
        return cls(offsets)


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
        return self._model.link_logits(links) + discounts(links, unseen[links.candidate_index])


def discounts(links: LinkBatch, unseen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what `DiscountedLinks` adds to the logits (links,) of links, of which some lead to `unseen` candidates."""
    return np.where(links.take(_of_own_system(links)) & unseen, OFFSET, 0.0)


def candidate_classes(
    candidates: Sequence[Composition],
    *,
    offered: Collection[str] | None = None,
    made_up: Collection[str] | None = None,
    textbook: Collection[str] | None = None,
) -> NDArray[np.int64]:
    """Return the class (candidates,) of candidates that no training reaction uses, as indices of `CANDIDATE_CLASSES`.

    Args:
        candidates: hydrates as their salts.
        offered: canonical keys of those that are not listed because they were used; None for all.
        made_up: those of candidates made up for a target; None for all that the library lacks.
        textbook: canonical keys of the precursors of textbook reactions; None for those of all.
    """
    if offered is not None and not offered:
        return np.zeros(len(candidates), dtype=np.int64)
    textbook = _textbook() if textbook is None else textbook
    library = reagent_library()

    def of(key: str) -> int:
        if offered is not None and key not in offered:
            return 0
        if key in textbook:
            return 1
        if key in library:
            return 2 if library[key].cas else 3
        return 4 if made_up is None or key in made_up else 3

    return np.array([of(candidate.key) for candidate in candidates], dtype=np.int64)


@cache
def _textbook() -> frozenset[str]:
    return frozenset(load_table("textbook").precursors())


def _offset(logits: NDArray[np.float64], recorded: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    """Return what makes as many links expected as there are recorded, unless they are too few to say."""
    found = weights @ recorded
    low, high = -_LARGEST, _LARGEST
    for _ in range(60):
        middle = (low + high) / 2
        above = weights @ (1 / (1 + np.exp(-(logits + middle)))) + middle / _DEVIATION**2 > found
        low, high = (low, middle) if above else (middle, high)
    return middle


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
