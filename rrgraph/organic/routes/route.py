"""Routes: reactions that lead from molecules in stock to a product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

__all__ = ["Route", "RouteSearch", "RouteStep"]


@dataclass(frozen=True)
class RouteStep:
    """One reaction of a route.

    Attributes:
        product: canonical SMILES.
        reactants: canonical SMILES.
        probability: of these reactants, by the model.
        template: the best template that leads there.
    """

    product: str
    reactants: tuple[str, ...]
    probability: float
    template: str


@dataclass(frozen=True)
class Route:
    """Reactions that make a product from molecules in stock.

    Attributes:
        product: canonical SMILES.
        steps: from the product backwards; the product of each but the first is a reactant of an earlier one.
    """

    product: str
    steps: tuple[RouteStep, ...]

    @property
    def probability(self) -> float:
        """Product of the probabilities of the steps."""
        return prod(step.probability for step in self.steps)

    @property
    def starting_materials(self) -> tuple[str, ...]:
        """The molecules that are taken from stock, each once."""
        made = {step.product for step in self.steps}
        return tuple(dict.fromkeys(each for step in self.steps for each in step.reactants if each not in made))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON, `tree` in the form of AiZynthFinder's routes."""
        return {
            "probability": self.probability,
            "starting_materials": list(self.starting_materials),
            "steps": [asdict(step) | {"reactants": list(step.reactants)} for step in self.steps],
            "tree": self._tree(self.product, {step.product: step for step in self.steps}),
        }

    def _tree(self, molecule: str, steps: Mapping[str, RouteStep]) -> dict[str, Any]:
        step = steps.get(molecule)
        found = {"type": "mol", "smiles": molecule, "is_chemical": True, "in_stock": step is None}
        if step is not None:
            reaction = {
                "type": "reaction",
                "smiles": f"{molecule}>>{'.'.join(step.reactants)}",
                "is_reaction": True,
                "metadata": {"template": step.template, "policy_probability": step.probability},
                "children": [self._tree(each, steps) for each in step.reactants],
            }
            found["children"] = [reaction]
        return found


@dataclass(frozen=True)
class RouteSearch:
    """What a search has found.

    Attributes:
        product: canonical SMILES.
        routes: the most probable first.
        expanded: number of molecules whose reactions were asked for.
    """

    product: str
    routes: tuple[Route, ...]
    expanded: int
