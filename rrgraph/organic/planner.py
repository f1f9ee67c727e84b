"""From templates to reactants: products flow in, ranked sets of reactants with the templates behind them flow out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from rrgraph.errors import check_choice
from rrgraph.organic.batches import in_portions
from rrgraph.organic.chemistry.application import Outcomes, TemplateApplier
from rrgraph.organic.chemistry.matching import matching_mask
from rrgraph.organic.config import SearchConfig

__all__ = ["MERGES", "ReactantPlanner", "ReactantSet", "ReactantSetScorer", "TemplateScorer", "Transformation"]

MERGES: Final = ("best", "sum")

_PRODUCTS_AT_ONCE: Final = 2000


class TemplateScorer(Protocol):
    """Anything that ranks templates: a trained model or a baseline."""

    @property
    def templates(self) -> Sequence[str]:
        """The templates to choose among."""

    def nearest(self, products: Sequence[str], count: int, *, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return log-probabilities and places of the most probable templates, see `TemplatePredictor.nearest`."""


@dataclass(frozen=True)
class Transformation:
    """One template applied to the product.

    Attributes:
        template: its reaction SMARTS.
        rank: among the templates of the product, from 1.
        probability: of the template.
        outcomes: sets of reactants it leads to; none where it does not apply.
    """

    template: str
    rank: int
    probability: float
    outcomes: Outcomes


@dataclass(frozen=True)
class ReactantSet:
    """A suggestion.

    Attributes:
        reactants: canonical SMILES, sorted and joined by dots.
        score: probability of the best template that leads there, or the sum over all that do; with a ranker, the
            probability that the set is the recorded one.
        templates: those templates, the most probable first.
    """

    reactants: str
    score: float
    templates: tuple[Transformation, ...]


class ReactantSetScorer(Protocol):
    """Anything that judges whole sets of reactants."""

    def log_odds(self, product: str, found: Sequence[ReactantSet]) -> NDArray[np.float64]:
        """Return log-odds (n,) that each set is the recorded one, see `ReactantReranker.log_odds`."""


class ReactantPlanner:
    """Apply the most probable templates and merge what they lead to.

    Args:
        scorer: ranks templates.
        applier: applies them.
        config: how many, and how their outcomes are merged.
        reactants: training rows of each single reactant; of the outcomes of one template those come first whose
            reactants are known.
        ranker: ranks the merged sets again; without one they keep the order that templates give them.

    Raises:
        ConfigError: there is no such way to merge.
    """

    def __init__(
        self,
        scorer: TemplateScorer,
        applier: TemplateApplier,
        config: SearchConfig,
        *,
        reactants: Mapping[str, int],
        ranker: ReactantSetScorer | None = None,
    ) -> None:
        check_choice("search.merge", config.merge, MERGES)
        self.scorer, self.applier, self.config, self.reactants = scorer, applier, config, reactants
        self.ranker = ranker

    def transformations(self, products: Sequence[str]) -> Iterator[tuple[Transformation, ...]]:
        """Yield for each product the templates that were applied, the most probable first.

        Raises:
            MoleculeError: a product cannot be read.
        """
        for portion in in_portions(products, _PRODUCTS_AT_ONCE):
            yield from self._portion(portion)

    def plan(self, products: Sequence[str], *, top_k: int) -> Iterator[list[ReactantSet]]:
        """Yield the ranked sets of reactants of each product, `top_k` at most.

        Raises:
            MoleculeError: a product cannot be read.
        """
        for product, applied in zip(products, self.transformations(products), strict=True):
            yield self.merge(product, applied)[:top_k]

    def merge(self, product: str, applied: Sequence[Transformation]) -> list[ReactantSet]:
        """Return all sets that templates lead to, ranked; a set that is the product itself is none."""
        leading: dict[str, list[Transformation]] = {}
        order: dict[str, tuple[float, ...]] = {}
        for transformation in applied:
            for reactants in transformation.outcomes:
                if reactants != product:
                    leading.setdefault(reactants, []).append(transformation)
        found = []
        for reactants, templates in leading.items():
            probabilities = [transformation.probability for transformation in templates]
            score = probabilities[0] if self.config.merge == "best" else sum(probabilities)
            order[reactants] = (-score, *self._unusual(reactants))
            found.append(ReactantSet(reactants=reactants, score=score, templates=tuple(templates)))
        found.sort(key=lambda suggestion: (*order[suggestion.reactants], suggestion.reactants))
        return found if self.ranker is None or not found else self._again(self.ranker, product, found)

    def _again(self, ranker: ReactantSetScorer, product: str, found: Sequence[ReactantSet]) -> list[ReactantSet]:
        """Return sets in the order of the ranker, with its probabilities."""
        log_odds = ranker.log_odds(product, found)
        order = np.argsort(-log_odds, kind="stable").tolist()
        probabilities = expit(log_odds).tolist()
        return [replace(found[place], score=probabilities[place]) for place in order]

    def _unusual(self, reactants: str) -> tuple[float, ...]:
        """Order sets of equal score: known reactants first, then those that are known better."""
        counts = [self.reactants.get(molecule, 0) for molecule in reactants.split(".")]
        return -sum(count > 0 for count in counts) / len(counts), -float(np.log1p(counts).sum())

    def _portion(self, products: Sequence[str]) -> Iterator[tuple[Transformation, ...]]:
        allowed = matching_mask(products, self.scorer.templates) if self.config.applicable else None
        logs, places = self.scorer.nearest(products, self.config.templates, allowed=allowed)
        texts = [
            [self.scorer.templates[place] for place, log in zip(row, scores, strict=True) if log > -np.inf]
            for row, scores in zip(places.tolist(), logs.tolist(), strict=True)
        ]
        outcomes = self.applier(dict(zip(products, texts, strict=True)))
        for product, row, scores in zip(products, texts, logs.tolist(), strict=True):
            yield tuple(
                Transformation(
                    template=text, rank=rank, probability=float(np.exp(log)), outcomes=outcomes[product][text]
                )
                for rank, (text, log) in enumerate(zip(row, scores, strict=False), start=1)
            )
