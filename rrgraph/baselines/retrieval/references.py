"""Reference materials of Retrieval-Retro: known materials with similar precursors, or whose precursors would react."""

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
from rrgraph.data import ReactionTable, SetBatch
from rrgraph.graph import BALANCE, balance_sets
from rrgraph.properties import PropertyPredictor, reaction_energies

__all__ = ["ReferenceFinder"]

_BATCH_SIZE: Final = 1024
_PAIR_BATCH_SIZE: Final = 20_000
_LARGEST_IMBALANCE: Final = 0.05
_LEAST_AMOUNT: Final = -1e-3


class ReferenceFinder:
    """Find the references of Retrieval-Retro (Noh et al. 2024) among the targets of training reactions.

    Masked precursor completion (MPC): the materials whose completion embeddings have the largest cosine. Neural
    reaction energy (NRE): of the reactions whose precursors supply exactly the source elements of the target, the ones
    whose precursors would release most energy in making the target; equal ones in order of the cosine. If there are too
    few, the next ones of MPC follow, and then its first ones again. A material is never its own reference, so that
    training rows are treated like validation and test rows.

    Args:
        table: training reactions.
        completion: encoder for MPC, learned from these reactions.
        energies: predicts formation energies.
    """

    def __init__(self, table: ReactionTable, completion: CompletionEncoder, energies: PropertyPredictor) -> None:
        known = dict(zip(table.target_keys, table.targets, strict=True))
        self.materials: tuple[Composition, ...] = tuple(known.values())
        """Targets of the training reactions; references are indices of these."""
        self._index = {key: index for index, key in enumerate(known)}
        self._completion, self._predictor = completion, energies
        self._embeddings = _embed(completion, self.materials)
        self._precursors = table.precursors()
        self._energies = energies.formation_energies(list(self._precursors.values()))[0]
        self._read_sets(table)

    def find(self, targets: Sequence[Composition], number: int) -> Tensor:
        """Return `number` references of each target by MPC and as many by NRE, (targets, 2, number), -1 for none."""
        found = torch.full((len(targets), 2, number), -1)
        by_energy = self._by_energy(targets)
        for start in range(0, len(targets), _BATCH_SIZE):
            embeddings = _embed(self._completion, targets[start : start + _BATCH_SIZE])
            # Rounded, so that the order of ties does not depend on the batch.
            cosines = (embeddings @ self._embeddings.T).round(6)
            order = np.argsort(-cosines, axis=1, kind="stable")[:, : 2 * number + 1]
            for row, (cosine, near) in enumerate(zip(cosines, order, strict=True), start):
                own = self._index.get(targets[row].key, -1)
                similar = [index for index in near.tolist() if index != own]
                materials, energies = by_energy[row]
                best = materials[np.lexsort((materials, -cosine[materials], energies))]
                chosen = list(dict.fromkeys(index for index in best.tolist() if index != own))[:number]
                further = [index for index in (*similar[number:], *similar[:number]) if index not in chosen]
                for retriever, indices in enumerate((similar[:number], [*chosen, *further][:number])):
                    found[row, retriever, : len(indices)] = torch.tensor(indices, dtype=torch.int64)
        return found

    def _read_sets(self, table: ReactionTable) -> None:
        """Collect the distinct precursor sets by their source elements, and the materials made from each."""
        column = {key: index for index, key in enumerate(self._precursors)}
        sets: dict[frozenset[str], list[int]] = {}
        for target, keys in table.distinct_reactions():
            sets.setdefault(keys, []).append(self._index[target.key])
        self._made = [np.array(materials, dtype=np.int64) for materials in sets.values()]
        self._members = np.full((len(sets), max(len(keys) for keys in sets)), -1, dtype=np.int64)
        self._supplying: dict[frozenset[str], list[int]] = {}
        for row, keys in enumerate(sets):
            self._members[row, : len(keys)] = sorted(column[key] for key in keys)
            supplied = frozenset().union(*(self._precursors[key].elements for key in keys)) - VOLATILE
            self._supplying.setdefault(supplied, []).append(row)

    def _by_energy(self, targets: Sequence[Composition]) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Return for each target the materials made from matching sets and the energies, eV per atom of target."""
        fitting = [self._supplying.get(target.elements - VOLATILE, []) for target in targets]
        rows = np.repeat(np.arange(len(targets)), [len(sets) for sets in fitting])
        sets = np.array([each for one in fitting for each in one], dtype=np.int64)
        energies = np.empty(len(rows))
        of_targets = self._predictor.formation_energies(targets)[0]
        precursors = list(self._precursors.values())
        for start in range(0, len(rows), _PAIR_BATCH_SIZE):
            batch = slice(start, start + _PAIR_BATCH_SIZE)
            used, index = np.unique(rows[batch], return_inverse=True)
            members = self._members[sets[batch]]
            amounts, balance = balance_sets(SetBatch([targets[row] for row in used], precursors, index, members))
            imbalance, least, carbon, hydrogen = (
                balance[:, BALANCE.index(name)] for name in ("imbalance", "least_amount", "released_C", "released_H")
            )
            energy = reaction_energies(of_targets[rows[batch]], self._energies[members], amounts, carbon, hydrogen)
            possible = (imbalance <= _LARGEST_IMBALANCE) & (least >= _LEAST_AMOUNT)
            energies[batch] = np.where(possible, energy, np.inf)
        found = []
        bounds = np.searchsorted(rows, np.arange(len(targets) + 1))
        for first, last in pairwise(bounds.tolist()):
            kept = [index for index in range(first, last) if energies[index] < np.inf]
            made = [self._made[sets[index]] for index in kept]
            lengths = [len(each) for each in made]
            found.append((np.concatenate([np.empty(0, dtype=np.int64), *made]), np.repeat(energies[kept], lengths)))
        return found


def _embed(completion: CompletionEncoder, compositions: Sequence[Composition]) -> NDArray[np.float64]:
    return completion.embed(compositions).double().numpy()
