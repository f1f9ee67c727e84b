"""What a planner suggests for products, as the records that are shown and written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rrgraph.organic.chemistry.molecules import MoleculeError, canonical_product
from rrgraph.organic.planner import ReactantPlanner, ReactantSet

__all__ = ["ProductPlan", "Suggestion", "plan_products", "product_plan"]


@dataclass(frozen=True)
class Suggestion:
    """One ranked set of reactants.

    Attributes:
        reactants: canonical SMILES.
        probability: see `ReactantSet.score`.
        template: the best template that leads there.
        training_rows: of that template.
        templates: how many templates lead there.
        drawing: file of the drawing, if one was asked for.
    """

    reactants: tuple[str, ...]
    probability: float
    template: str
    training_rows: int
    templates: int
    drawing: str | None = None


@dataclass(frozen=True)
class ProductPlan:
    """What is suggested for one product.

    Attributes:
        product: canonical SMILES, or the text where it cannot be read.
        suggestions: the best first.
        error: why there are none.
    """

    product: str
    suggestions: tuple[Suggestion, ...]
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {
            "product": self.product,
            "sets": [suggestion.reactants for suggestion in self.suggestions],
            "scores": [suggestion.probability for suggestion in self.suggestions],
            "suggestions": [asdict(suggestion) for suggestion in self.suggestions],
            **({} if self.error is None else {"error": self.error}),
        }


def product_plan(planner: ReactantPlanner, product: str, found: Sequence[ReactantSet]) -> ProductPlan:
    """Return what a planner found for a product, or that no template makes it."""
    counts = planner.scorer.count
    suggestions = tuple(
        Suggestion(
            reactants=tuple(each.reactants.split(".")),
            probability=each.score,
            template=each.templates[0].template,
            training_rows=counts.get(each.templates[0].template, 0),
            templates=len(each.templates),
        )
        for each in found
    )
    return ProductPlan(product, suggestions, None if found else f"No template of the model makes '{product}'.")


def plan_products(planner: ReactantPlanner, smiles: Iterable[str], *, top_k: int) -> dict[str, ProductPlan]:
    """Return the plan of each SMILES; one that cannot be read has the reason as error, and the others are planned.

    Args:
        planner: what plans.
        smiles: as typed.
        top_k: sets of each product at most.
    """
    plans: dict[str, ProductPlan] = {}
    products: dict[str, str] = {}
    for text in smiles:
        try:
            products[text] = canonical_product(text)
        except MoleculeError as error:
            plans[text] = ProductPlan(text, (), str(error))
    found = planner.plan(list(products.values()), top_k=top_k)
    for (text, product), sets in zip(products.items(), found, strict=True):
        plans[text] = product_plan(planner, product, sets)
    return plans
