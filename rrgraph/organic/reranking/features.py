"""Features of suggested sets of reactants for the re-ranker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.organic.chemistry.molecules import shared_molecule
from rrgraph.organic.planner import ReactantSet
from rrgraph.organic.reranking.precedents import CHANGE_FEATURES, PRECEDENT_FEATURES, Precedents

__all__ = ["SET_FEATURES", "SetDescriber"]

_OF_SETS: Final = (
    "log_best",
    "log_sum",
    "place",
    "templates",
    "rank_of_best",
    "log_rows_of_best",
    "log_rows",
    *PRECEDENT_FEATURES,
)
_OF_MOLECULES: Final = (
    "reactants",
    "atoms_of_product",
    "largest_reactant",
    "smallest_reactant",
    "atoms_added",
    "rings_added",
    "stereocentres_added",
    "known_share",
    "log_best_known",
    "log_least_known",
)
_OF_OUTCOMES: Final = ("outcomes", "place_of_outcome", "sets")
_COMPARED: Final = (
    "log_sum",
    "nearest_reaction",
    "nearest_product",
    "mean_of_three",
    "among_neighbours",
    "log_best_known",
    "log_least_known",
    *CHANGE_FEATURES,
)
SET_FEATURES: Final = (
    *_OF_SETS,
    *_OF_MOLECULES,
    *_OF_OUTCOMES,
    *(f"{name}_below_best" for name in _COMPARED),
    *(f"{name}_rank" for name in _COMPARED),
)
"""Names of the features of each set, see `SetDescriber`; a re-ranker is stored with them."""


class SetDescriber:
    """Computes the features of sets of reactants given by templates.

    Args:
        precedents: the training reactions.
        templates: the training templates, in the order of the indices in `precedents`.
        reactants: training rows of each single reactant.
    """

    def __init__(self, precedents: Precedents, templates: Sequence[str], reactants: Mapping[str, int]) -> None:
        self.precedents, self.reactants = precedents, reactants
        self._index = {text: index for index, text in enumerate(templates)}
        self._rows = np.bincount(precedents.template, minlength=len(templates))

    def __call__(self, product: str, found: Sequence[ReactantSet]) -> NDArray[np.float32]:
        """Return the features (n, `SET_FEATURES`) of the sets of a product.

        They describe the templates that give a set, their precedents (`Precedents.describe`), its molecules compared
        with the product, and the outcomes; then the differences of some features from the best set, and their ranks.
        """
        if not found:
            return np.zeros((0, len(SET_FEATURES)), dtype=np.float32)
        indices = [[self._index.get(source.template, -1) for source in each.templates] for each in found]
        precedents = self.precedents.describe(product, [each.reactants for each in found], indices)
        rows = [[self._rows[index] if index >= 0 else 0 for index in each] for each in indices]
        described = zip(enumerate(found), rows, precedents, strict=True)
        features = np.array(
            [
                [
                    *_of_templates(rank, each, counts),
                    *near,
                    *self._of_molecules(product, each.reactants),
                    *_of_outcomes(each),
                    len(found),
                ]
                for (rank, each), counts, near in described
            ],
            dtype=np.float32,
        )
        compared = features[:, [SET_FEATURES.index(name) for name in _COMPARED]]
        ranks = (-compared).argsort(0, kind="stable").argsort(0, kind="stable")
        return np.column_stack([features, compared - compared.max(0), ranks]).astype(np.float32)

    def _of_molecules(self, product: str, reactants: str) -> list[float]:
        molecules = reactants.split(".")
        atoms, rings, centres = zip(*map(_sizes, molecules), strict=True)
        own_atoms, own_rings, own_centres = _sizes(product)
        known = [self.reactants.get(molecule, 0) for molecule in molecules]
        return [
            len(molecules),
            own_atoms,
            max(atoms) / own_atoms,
            min(atoms) / own_atoms if len(atoms) > 1 else 0.0,
            sum(atoms) - own_atoms,
            sum(rings) - own_rings,
            sum(centres) - own_centres,
            sum(count > 0 for count in known) / len(known),
            np.log1p(max(known)),
            np.log1p(min(known)),
        ]


@lru_cache(maxsize=50_000)
def _sizes(smiles: str) -> tuple[int, int, int]:
    """Return heavy atoms, rings and marked stereocentres of a molecule."""
    molecule = shared_molecule(smiles)
    return molecule.GetNumHeavyAtoms(), molecule.GetRingInfo().NumRings(), smiles.replace("@@", "@").count("@")


def _of_templates(rank: int, each: ReactantSet, rows: Sequence[int]) -> list[float]:
    logs = np.log([max(source.probability_of(each.reactants), 1e-12) for source in each.templates])
    total = float(np.logaddexp.reduce(logs))
    return [logs[0], total, rank, len(logs), each.templates[0].rank, np.log1p(rows[0]), np.log1p(sum(rows))]


def _of_outcomes(each: ReactantSet) -> list[float]:
    outcomes = each.templates[0].outcomes
    return [len(outcomes), outcomes.index(each.reactants)]
