"""The planner, which applies the most probable templates to a product and ranks the resulting sets of reactants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from rrgraph.errors import check_choice
from rrgraph.organic.batches import split_batches
from rrgraph.organic.chemistry.application import Outcomes, TemplateApplier
from rrgraph.organic.chemistry.matching import matching_mask
from rrgraph.organic.config import SearchConfig

__all__ = ["MERGES", "ReactantPlanner", "ReactantSet", "SetReranker", "TemplateScorer", "Transformation"]

MERGES: Final = ("best", "sum")
"""How templates that lead to the same reactants share one score: the best of theirs, or the sum."""

_BATCH_SIZE: Final = 2000


class TemplateScorer(Protocol):
    """A model or baseline that ranks templates."""

    @property
    def templates(self) -> Sequence[str]:
        """The candidate templates."""

    @property
    def count(self) -> Mapping[str, int]:
        """Training rows of each template."""

    def nearest(self, products: Sequence[str], count: int, *, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return log probabilities and indices of the most probable templates, see `TemplatePredictor.nearest`."""


@runtime_checkable
class OutcomeScorer(Protocol):
    """A model that also tells the outcomes of a template apart."""

    def outcome_probabilities(
        self, outcomes: Mapping[str, Mapping[str, Outcomes]]
    ) -> dict[str, dict[str, tuple[float, ...]]]:
        """Return the probability of each outcome by product and template, see `SitePredictor`."""


@dataclass(frozen=True)
class Transformation:
    """One template applied to the product.

    Attributes:
        template: its reaction SMARTS.
        rank: among the templates of the product, from 1.
        probability: of the template.
        outcomes: sets of reactants it gives, empty if it does not apply.
        shares: probability of each outcome; None where each has that of the template.
    """

    template: str
    rank: int
    probability: float
    outcomes: Outcomes
    shares: tuple[float, ...] | None = None

    def probability_of(self, reactants: str) -> float:
        """Return the probability that the template is applied and gives some reactants that are among its outcomes."""
        return self.probability if self.shares is None else self.shares[self.outcomes.index(reactants)]


@dataclass(frozen=True)
class ReactantSet:
    """A suggested set of reactants.

    Attributes:
        reactants: canonical SMILES, sorted and joined by dots.
        score: probability of the best template that gives the set, or the sum over all that do; after re-ranking, the
            probability that the set is the recorded one.
        templates: the templates that give the set, the most probable first (`Transformation.probability_of`).
    """

    reactants: str
    score: float
    templates: tuple[Transformation, ...]


class SetReranker(Protocol):
    """A re-ranker of sets of reactants."""

    def logits(self, product: str, found: Sequence[ReactantSet]) -> NDArray[np.float64]:
        """Return the logits (n,) that each set is the recorded one, see `ReactantReranker.logits`."""


class ReactantPlanner:
    """Applies the most probable templates and merges their outcomes.

    Args:
        scorer: ranks templates.
        applier: applies them.
        config: number of templates, and how their outcomes are merged.
        reactants: training rows of each single reactant; among the outcomes of a template, those with known reactants
            come first.
        reranker: re-ranks the merged sets; without it they keep the order given by templates.

    Raises:
        ConfigError: `config.merge` is not one of `MERGES`.
    """

    def __init__(
        self,
        scorer: TemplateScorer,
        applier: TemplateApplier,
        config: SearchConfig,
        *,
        reactants: Mapping[str, int],
        reranker: SetReranker | None = None,
    ) -> None:
        check_choice("search.merge", config.merge, MERGES)
        self.scorer, self.applier, self.config, self.reactants = scorer, applier, config, reactants
        self.reranker = reranker

    def transformations(self, products: Sequence[str]) -> Iterator[tuple[Transformation, ...]]:
        """Yield the applied templates of each product, the most probable first.

        Raises:
            MoleculeError: a product cannot be read.
        """
        for batch in split_batches(products, _BATCH_SIZE):
            yield from self._batch(batch)

    def plan(self, products: Sequence[str], *, top_k: int) -> Iterator[list[ReactantSet]]:
        """Yield the ranked sets of reactants of each product, at most `top_k`.

        Raises:
            MoleculeError: a product cannot be read.
        """
        for product, applied in zip(products, self.transformations(products), strict=True):
            yield self.merge(product, applied)[:top_k]

    def merge(self, product: str, applied: Sequence[Transformation]) -> list[ReactantSet]:
        """Return all sets given by templates, ranked, without the product itself."""
        sources: dict[str, list[Transformation]] = {}
        order: dict[str, tuple[float, ...]] = {}
        for transformation in applied:
            for reactants in transformation.outcomes:
                if reactants != product:
                    sources.setdefault(reactants, []).append(transformation)
        found = []
        for reactants, templates in sources.items():
            templates.sort(key=lambda each: -each.probability_of(reactants))
            probabilities = [transformation.probability_of(reactants) for transformation in templates]
            score = probabilities[0] if self.config.merge == "best" else sum(probabilities)
            order[reactants] = (-score, *self._unusual(reactants))
            found.append(ReactantSet(reactants=reactants, score=score, templates=tuple(templates)))
        found.sort(key=lambda suggestion: (*order[suggestion.reactants], suggestion.reactants))
        return found if self.reranker is None or not found else _reranked(self.reranker, product, found)

    def _unusual(self, reactants: str) -> tuple[float, ...]:
        """Return the sort key among sets of equal score: known reactants first, then the more frequent ones."""
        counts = [self.reactants.get(molecule, 0) for molecule in reactants.split(".")]
        return -sum(count > 0 for count in counts) / len(counts), -float(np.log1p(counts).sum())

    def _batch(self, products: Sequence[str]) -> Iterator[tuple[Transformation, ...]]:
        allowed = matching_mask(products, self.scorer.templates) if self.config.applicable else None
        logs, indices = self.scorer.nearest(products, self.config.templates, allowed=allowed)
        texts = [
            [self.scorer.templates[index] for index, log in zip(row, scores, strict=True) if log > -np.inf]
            for row, scores in zip(indices.tolist(), logs.tolist(), strict=True)
        ]
        outcomes = self.applier(dict(zip(products, texts, strict=True)))
        shares = self.scorer.outcome_probabilities(outcomes) if isinstance(self.scorer, OutcomeScorer) else {}
        for product, row, scores in zip(products, texts, logs.tolist(), strict=True):
            yield tuple(
                Transformation(
                    template=text,
                    rank=rank,
                    probability=float(np.exp(log)),
                    outcomes=outcomes[product][text],
                    shares=shares[product][text] if shares else None,
                )
                for rank, (text, log) in enumerate(zip(row, scores, strict=False), start=1)
            )


def _reranked(reranker: SetReranker, product: str, found: Sequence[ReactantSet]) -> list[ReactantSet]:
    """Return sets in the order of the re-ranker, with its probabilities."""
    logits = reranker.logits(product, found)
    order = np.argsort(-logits, kind="stable").tolist()
    probabilities = expit(logits).tolist()
    return [replace(found[index], score=probabilities[index]) for index in order]
