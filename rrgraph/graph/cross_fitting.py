"""Frequency features of training links that cannot leak their labels: those of a fold are counted in the other folds.

They are what a model would see if the target's element system and the papers that report it were new.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import element_system
from rrgraph.data import LinkBatch, ReactionTable
from rrgraph.errors import DataError
from rrgraph.graph.build import ReactionGraph
from rrgraph.graph.elements import source_presence
from rrgraph.graph.link_features import FREQUENCY_FEATURES, UNRELATED, FrequencyFeatures
from rrgraph.util.progress import track

__all__ = ["FOLDS", "TrainingFeatures", "TrainingFolds", "related_links"]

FOLDS: Final = 12
"""Number of folds that the element systems of the training targets are divided into."""

_BATCH_SIZE: Final = 256


@dataclass(frozen=True, eq=False)
class TrainingFolds:
    """The element systems of a training table, divided at random.

    Attributes:
        table: the training rows.
        rows: (rows,) fold of each row.
        targets: (targets,) fold of each target of the graph.
        count: number of folds.
    """

    table: ReactionTable
    rows: NDArray[np.int64]
    targets: NDArray[np.int64]
    count: int

    @classmethod
    def divide(cls, table: ReactionTable, graph: ReactionGraph, *, folds: int = FOLDS, seed: int = 0) -> TrainingFolds:
        """Divide the element systems of `table` into at most `folds` folds.

        Raises:
            DataError: all rows are of one element system.
        """
        systems = [str(system) for system in table.element_systems]
        names = sorted(set(systems))
        if len(names) < 2:
            raise DataError("Frequency features of training rows need reactions of at least two element systems.")
        count = min(folds, len(names))
        drawn = np.random.default_rng(seed).permutation(len(names)) % count
        fold = dict(zip(names, drawn.tolist(), strict=True))
        targets = np.array([fold[element_system(target)] for target in graph.targets])
        return cls(table, np.array([fold[system] for system in systems]), targets, count)

    def complements(self) -> Iterator[tuple[int, ReactionTable]]:
        """Yield each fold with the rows of the other folds that no publication of the fold reports."""
        papers = self.table.frame["doi"]
        for fold in track(range(self.count), "features of training links"):
            own = papers[self.rows == fold].dropna()
            other = self.rows != fold
            unrelated = other & ~papers.isin(own).to_numpy(dtype=bool)
            yield fold, self.table.select(np.flatnonzero(unrelated if unrelated.any() else other))


@dataclass(eq=False)
class TrainingFeatures:
    """Frequency features of the related links of every training target; see `related_links`.

    Attributes:
        offsets: (targets + 1,) int64, where the links of each target begin.
        precursors: (links,) int64, ascending within a target.
        features: (links, `len(FREQUENCY_FEATURES)`) float16.
    """

    offsets: Tensor
    precursors: Tensor
    features: Tensor

    @classmethod
    def fit(cls, graph: ReactionGraph, folds: TrainingFolds) -> TrainingFeatures:
        """Count each fold's complement and describe the fold's links with it."""
        target_index, precursors = related_links(graph)
        features = np.empty((len(precursors), len(FREQUENCY_FEATURES)), dtype=np.float16)
        offsets = np.searchsorted(target_index, np.arange(len(graph.targets) + 1))
        for fold, table in folds.complements():
            counted = FrequencyFeatures.fit(table, list(table.precursors().values()))
            members = np.flatnonzero(folds.targets == fold)
            for batch in np.array_split(members, -(-len(members) // _BATCH_SIZE) or 1):
                links = np.concatenate([np.arange(offsets[t], offsets[t + 1]) for t in batch])
                targets = [graph.targets[t] for t in batch]
                features[links] = counted.features(
                    LinkBatch(targets, graph.precursors, np.searchsorted(batch, target_index[links]), precursors[links])
                )
        return cls(*(torch.from_numpy(values) for values in (offsets, precursors, features)))

    def to(self, device: torch.device) -> TrainingFeatures:
        """Return the same on a device, where `lookup` and `find` take and give tensors without waiting for it."""
        return TrainingFeatures(*(each.to(device) for each in (self.offsets, self.precursors, self.features)))

    def related(self, target: int) -> Tensor:
        """Return the related precursors of a target, ascending."""
        return self.precursors[int(self.offsets[target]) : int(self.offsets[target + 1])]

    def lookup(self, targets: Tensor, precursors: Tensor) -> Tensor:
        """Return the features (batch, k, features) of the links of targets (batch,) to precursors (batch, k)."""
        found, link = self.find(targets, precursors)
        unrelated = torch.from_numpy(UNRELATED).to(found.device, non_blocking=True)
        return torch.where(found[..., None], self.features[link].float(), unrelated)

    def find(self, targets: Tensor, precursors: Tensor) -> tuple[Tensor, Tensor]:
        """Return whether each link (batch, k) is related and, if so, its position in `features`."""
        width, codes = self._codes
        wanted = targets[:, None] * width + precursors
        link = torch.searchsorted(codes, wanted).clamp_max(len(codes) - 1)
        return (codes[link] == wanted) & (precursors < width), link

    @cached_property
    def _codes(self) -> tuple[int, Tensor]:
        """One ascending number for each link."""
        width = int(self.precursors.max()) + 1
        counts = self.offsets.diff()
        targets = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
        return width, targets * width + self.precursors


def related_links(graph: ReactionGraph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return targets and precursors (links,) of all pairs that share a source element of the target, in order."""
    need, supplies = (source_presence(side).astype(np.float32) for side in (graph.targets, graph.precursors))
    batches = [np.nonzero(need[start : start + _BATCH_SIZE] @ supplies.T) for start in range(0, len(need), _BATCH_SIZE)]
    targets = np.concatenate([batch[0] + number * _BATCH_SIZE for number, batch in enumerate(batches)])
    return targets, np.concatenate([batch[1] for batch in batches])
