"""What is known of suggested sets of reactants: a product and its ranked sets flow in, numbers of each flow out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.organic.chemistry.molecules import shared_molecule
from rrgraph.organic.planner import ReactantSet
from rrgraph.organic.reranking.precedents import CHANGE_NUMBERS, PRECEDENT_NUMBERS, Precedents

__all__ = ["SET_FEATURES", "SetDescriber"]

_OF_SETS: Final = (
    "log_best",
    "log_sum",
    "place",
    "templates",
    "rank_of_best",
    "log_rows_of_best",
    "log_rows",
    *PRECEDENT_NUMBERS,
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
    *CHANGE_NUMBERS,
)
SET_FEATURES: Final = (
    *_OF_SETS,
    *_OF_MOLECULES,
    *_OF_OUTCOMES,
    *(f"{name}_below_best" for name in _COMPARED),
    *(f"{name}_rank" for name in _COMPARED),
)
"""What the trees read about each set, see `SetDescriber`."""


class SetDescriber:
    """Describe the sets of reactants that templates lead to.

    Args:
        precedents: the training reactions.
        templates: the training templates, in the order that the precedents number them.
        reactants: training rows of each single reactant.
    """

    def __init__(self, precedents: Precedents, templates: Sequence[str], reactants: Mapping[str, int]) -> None:
        self.precedents, self.reactants = precedents, reactants
        self._place = {text: number for number, text in enumerate(templates)}
        self._rows = np.bincount(precedents.template, minlength=len(templates))

    def __call__(self, product: str, found: Sequence[ReactantSet]) -> NDArray[np.float32]:
        """Return (n, `SET_FEATURES`) of the sets of a product.

        Numbers of the templates behind a set, of their precedents (`Precedents.describe`), of its molecules beside the
        product, and of the outcomes; then how far some of them lie below the best of all sets, and their ranks.
        """
        if not found:
            return np.zeros((0, len(SET_FEATURES)), dtype=np.float32)
        places = [[self._place.get(behind.template, -1) for behind in each.templates] for each in found]
        precedents = self.precedents.describe(product, [each.reactants for each in found], places)
        rows = [[self._rows[place] if place >= 0 else 0 for place in each] for each in places]
        described = zip(enumerate(found), rows, precedents, strict=True)
        numbers = np.array(
            [
                [
                    *_of_templates(place, each, counts),
                    *near,
                    *self._of_molecules(product, each.reactants),
                    *_of_outcomes(each),
                    len(found),
                ]
                for (place, each), counts, near in described
            ],
            dtype=np.float32,
        )
        compared = numbers[:, [SET_FEATURES.index(name) for name in _COMPARED]]
        ranks = (-compared).argsort(0, kind="stable").argsort(0, kind="stable")
        return np.column_stack([numbers, compared - compared.max(0), ranks]).astype(np.float32)

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


def _of_templates(place: int, each: ReactantSet, rows: Sequence[int]) -> list[float]:
    logs = np.log([max(behind.probability, 1e-12) for behind in each.templates])
    total = float(np.logaddexp.reduce(logs))
    return [logs[0], total, place, len(logs), each.templates[0].rank, np.log1p(rows[0]), np.log1p(sum(rows))]


def _of_outcomes(each: ReactantSet) -> list[float]:
    outcomes = each.templates[0].outcomes
    return [len(outcomes), outcomes.index(each.reactants)]
