"""Reference materials of Retrieval-Retro: known materials that are made alike, or whose precursors would react.

Training reactions flow in; for any target the positions of known materials flow out, never the target's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.baselines.retrieval.precursor_completion import CompletionEncoder
from rrgraph.chem import VOLATILE, Composition
from rrgraph.data import ReactionTable
from rrgraph.graph import BALANCE, balance_sets
from rrgraph.properties import PropertyPredictor, reaction_energies

__all__ = ["ReferenceFinder"]

_CHUNK: Final = 1024
_PAIRS: Final = 20_000
_UNBALANCED: Final = 0.05
_TAKEN_AWAY: Final = -1e-3


class ReferenceFinder:
    """Find the references of Retrieval-Retro (Noh et al. 2024) among the targets of training reactions.

    Masked precursor completion (MPC): the materials whose completion embeddings have the largest cosine. Neural
    reaction energy (NRE): of the reactions whose precursors bring the source elements of the target and no others, the
    ones whose precursors would release most energy in making the target; equal ones in order of the cosine. Where
    fewer are found, the next ones of MPC follow, and then its first ones again. A material is never its own reference,
    so that a training row is treated as a row of any other part is, and does not meet itself.

    Args:
        table: training reactions.
        completion: encoder for MPC, learned from these reactions.
        energies: predicts formation energies.
    """

    def __init__(self, table: ReactionTable, completion: CompletionEncoder, energies: PropertyPredictor) -> None:
        known = dict(zip(table.target_keys, table.targets, strict=True))
        self.materials: tuple[Composition, ...] = tuple(known.values())
        """Targets of the training reactions, what references point to."""
        self._place = {key: place for place, key in enumerate(known)}
        self._completion, self._predictor = completion, energies
        self._embeddings = _embed(completion, self.materials)
        self._precursors = table.precursors()
        self._energies = energies.formation_energies(list(self._precursors.values()))[0]
        self._read_sets(table)

    def find(self, targets: Sequence[Composition], number: int) -> Tensor:
        """Return `number` references of each target by MPC and as many by NRE, (targets, 2, number), -1 for none."""
        found = torch.full((len(targets), 2, number), -1)
        by_energy = self._by_energy(targets)
        for start in range(0, len(targets), _CHUNK):
            embeddings = _embed(self._completion, targets[start : start + _CHUNK])
            # Rounded, so that which of two equal ones comes first does not depend on the batch.
            cosines = (embeddings @ self._embeddings.T).round(6)
            order = np.argsort(-cosines, axis=1, kind="stable")[:, : 2 * number + 1]
            for row, (cosine, near) in enumerate(zip(cosines, order, strict=True), start):
                own = self._place.get(targets[row].key, -1)
                alike = [place for place in near.tolist() if place != own]
                places, energies = by_energy[row]
                best = places[np.lexsort((places, -cosine[places], energies))]
                chosen = list(dict.fromkeys(place for place in best.tolist() if place != own))[:number]
                further = [place for place in (*alike[number:], *alike[:number]) if place not in chosen]
                for kind, line in enumerate((alike[:number], [*chosen, *further][:number])):
                    found[row, kind, : len(line)] = torch.tensor(line, dtype=torch.int64)
        return found

    def _read_sets(self, table: ReactionTable) -> None:
        """Collect the distinct precursor sets by the source elements they bring, and the materials made from each."""
        column = {key: place for place, key in enumerate(self._precursors)}
        sets: dict[frozenset[str], list[int]] = {}
        for target, keys in table.distinct_reactions():
            sets.setdefault(keys, []).append(self._place[target.key])
        self._made = [np.array(places, dtype=np.int64) for places in sets.values()]
        self._members = np.full((len(sets), max(len(keys) for keys in sets)), -1, dtype=np.int64)
        self._bringing: dict[frozenset[str], list[int]] = {}
        for row, keys in enumerate(sets):
            self._members[row, : len(keys)] = sorted(column[key] for key in keys)
            brought = frozenset().union(*(self._precursors[key].elements for key in keys)) - VOLATILE
            self._bringing.setdefault(brought, []).append(row)

    def _by_energy(self, targets: Sequence[Composition]) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Return for each target the materials of the fitting sets and the energies, eV for an atom of target."""
        fitting = [self._bringing.get(target.elements - VOLATILE, []) for target in targets]
        rows = np.repeat(np.arange(len(targets)), [len(sets) for sets in fitting])
        sets = np.array([each for one in fitting for each in one], dtype=np.int64)
        energies = np.empty(len(rows))
        of_targets = self._predictor.formation_energies(targets)[0]
        precursors = list(self._precursors.values())
        for start in range(0, len(rows), _PAIRS):
            part = slice(start, start + _PAIRS)
            owners, own = np.unique(rows[part], return_inverse=True)
            members = self._members[sets[part]]
            amounts, balance = balance_sets([targets[owner] for owner in owners], precursors, own, members)
            imbalance, least, carbon, hydrogen = (
                balance[:, BALANCE.index(name)] for name in ("imbalance", "least_amount", "released_C", "released_H")
            )
            energy = reaction_energies(of_targets[rows[part]], self._energies[members], amounts, carbon, hydrogen)
            possible = (imbalance <= _UNBALANCED) & (least >= _TAKEN_AWAY)
            energies[part] = np.where(possible, energy, np.inf)
        found = []
        bounds = np.searchsorted(rows, np.arange(len(targets) + 1))
        for first, last in pairwise(bounds.tolist()):
            kept = [place for place in range(first, last) if energies[place] < np.inf]
            made = [self._made[sets[place]] for place in kept]
            lengths = [len(each) for each in made]
            found.append((np.concatenate([np.empty(0, dtype=np.int64), *made]), np.repeat(energies[kept], lengths)))
        return found


def _embed(completion: CompletionEncoder, compositions: Sequence[Composition]) -> NDArray[np.float64]:
    return completion.embed(compositions).double().numpy()
