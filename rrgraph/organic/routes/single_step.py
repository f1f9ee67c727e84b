"""A model of templates behind syntheseus's interface of single-step models (extra `routes`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from syntheseus import BackwardReactionModel, Bag, Molecule, SingleProductReaction

from rrgraph.organic.chemistry.text_cache import TextCache, cache_key
from rrgraph.organic.planner import ReactantSet

__all__ = ["Expander", "SingleStepModel"]

_LEAST: Final = 1e-9
"""Probability below which none is given, so that every logarithm is finite."""


class Expander(Protocol):
    """What proposes sets of reactants, such as a `ReactantPlanner`."""

    def plan(self, products: Sequence[str], *, top_k: int) -> Iterator[list[ReactantSet]]:
        """Yield the ranked sets of reactants of each product, at most `top_k`."""


class SingleStepModel(BackwardReactionModel):  # type: ignore[misc, unused-ignore]
    """Ranked sets of reactants as reactions of syntheseus.

    Args:
        planner: proposes the reactants.
        cache: file of what was proposed before, None for none.
        identity: of the planner in that file, other for every other model and search.
        options: of syntheseus's model, such as `default_num_results`.
    """

    def __init__(self, planner: Expander, *, cache: Path | None = None, identity: str = "", **options: Any) -> None:
        super().__init__(remove_product_in_reactants=True, **options)
        self.planner, self.identity = planner, identity
        self._expansions = None if cache is None else TextCache(cache, "expanded molecules")

    def _get_reactions(self, inputs: list[Molecule], num_results: int) -> list[Sequence[SingleProductReaction]]:
        return [self._reactions(molecule, num_results) for molecule in inputs]

    def _reactions(self, molecule: Molecule, count: int) -> list[SingleProductReaction]:
        key = cache_key(self.identity, str(count), molecule.smiles)
        text = None if self._expansions is None else self._expansions.read([key]).get(key)
        if text is None:
            found = next(self.planner.plan([molecule.smiles], top_k=count))
            text = json.dumps([(each.reactants, each.score, each.templates[0].template) for each in found])
            if self._expansions is not None:
                self._expansions.write({key: text})
        return [
            SingleProductReaction(
                reactants=Bag(_molecule(each) for each in reactants.split(".")),
                product=molecule,
                metadata={"probability": min(max(score, _LEAST), 1.0), "template": template},
            )
            for reactants, score, template in json.loads(text)
        ]


def _molecule(smiles: str) -> Molecule:
    # Reactants are canonical already, by the rules of rrgraph.
    return Molecule(smiles, canonicalize=False, make_rdkit_mol=False)
