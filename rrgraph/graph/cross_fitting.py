"""Frequency features of training links that cannot leak their labels: those of a fold are counted in the other folds.

They are what a model would see if the target's element system and the papers that report it were new.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition, element_system
from rrgraph.data import ReactionTable
from rrgraph.errors import DataError
from rrgraph.graph.build import ReactionGraph
from rrgraph.graph.elements import Materials, source_presence
from rrgraph.graph.frequencies import LinkCounts
from rrgraph.graph.link_features import FREQUENCY_FEATURES, UNRELATED, FrequencyFeatures, Suppliers
from rrgraph.graph.neighbours import KnownSystems, compared_rows
from rrgraph.util.progress import track

__all__ = [
    "FOLDS",
    "ComputedFeatures",
    "LinkFeatures",
    "TrainingFeatures",
    "TrainingFolds",
    "complement_frequencies",
    "related_links",
    "training_features",
]

FOLDS: Final = 12
"""Number of folds that the element systems of the training targets are divided into."""

MOST_VALUES: Final = 50_000_000
"""Largest number of features of related links that are kept; those of a larger graph are computed as they are asked."""

_BATCH_SIZE: Final = 256
_BATCH_LINKS: Final = 2**15
_SHARED: Final = FREQUENCY_FEATURES.index("shared")
_TYPICAL_TARGETS: Final = 2048
_LINKS_OF_TYPICAL: Final = 64
_DESCRIBED: Final = 2**16  # materials at a time


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

    @cached_property
    def systems(self) -> dict[str, int]:
        """Fold of each element system."""
        return dict(zip(map(str, self.table.element_systems), self.rows.tolist(), strict=True))

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
        return cls.of(graph, folds, *related_links(graph))

    @classmethod
    def of(
        cls, graph: ReactionGraph, folds: TrainingFolds, targets: NDArray[np.int64], precursors: NDArray[np.int64]
    ) -> TrainingFeatures:
        """Describe some links, ascending by target, then by precursor, as nodes (links,) of the graph."""
        features = ComputedFeatures.fit(graph, folds).describe(targets, precursors)
        offsets = np.searchsorted(targets, np.arange(len(graph.targets) + 1))
        return cls(*(torch.from_numpy(values) for values in (offsets, precursors, features)))

    def joined(self, other: TrainingFeatures) -> TrainingFeatures:
        """Return also the links of the same targets that another has, all of which lead to later precursors."""
        count = self.offsets.diff(), other.offsets.diff()
        targets = torch.cat([torch.repeat_interleave(each) for each in count])
        order = targets.argsort(stable=True)
        precursors, features = (
            torch.cat(sides)[order] for sides in ((self.precursors, other.precursors), (self.features, other.features))
        )
        return TrainingFeatures(self.offsets + other.offsets, precursors, features)

    def to(self, device: torch.device) -> TrainingFeatures:
        """Return the same on a device, where `lookup` and `find` take and give tensors without waiting for it."""
        return TrainingFeatures(*(each.to(device) for each in (self.offsets, self.precursors, self.features)))

    def related(self, target: int) -> Tensor:
        """Return the related precursors of a target, ascending."""
        return self.precursors[int(self.offsets[target]) : int(self.offsets[target + 1])]

    def typical(self) -> Tensor:
        """Return features of related links that show what values are usual, (n, features): those of all."""
        return self.features.float()

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


@dataclass(eq=False)
class ComputedFeatures:
    """Frequency features of the links of training targets, computed for those asked.

    Attributes:
        folds: (targets,) fold of each target.
        targets: of the graph.
        counted: what each fold's complement counts.
        precursors: of the graph, as each fold's complement knows them.
    """

    folds: NDArray[np.int64]
    targets: Materials
    counted: Sequence[FrequencyFeatures]
    precursors: Sequence[Suppliers]

    @classmethod
    def fit(cls, graph: ReactionGraph, folds: TrainingFolds) -> ComputedFeatures:
        """Count each fold's complement."""
        counted = [complement_frequencies(table, graph) for _, table in folds.complements()]
        suppliers = [each.suppliers(graph.precursors) for each in counted]
        return cls(folds.targets, _described(graph.targets), counted, suppliers)

    def typical(self) -> Tensor:
        """Return features of related links that show what values are usual, (n, features): of links drawn at random."""
        generator = np.random.default_rng(0)
        targets = generator.integers(0, len(self.targets), _TYPICAL_TARGETS).repeat(_LINKS_OF_TYPICAL)
        values = self.describe(targets, generator.integers(0, len(self.precursors[0].used), len(targets)))
        return torch.from_numpy(values[values[:, _SHARED] > 0]).float()

    def lookup(self, targets: Tensor, precursors: Tensor) -> Tensor:
        """Return the features (batch, k, features) of the links of targets (batch,) to precursors (batch, k).

        All of this is on the processor.
        """
        rows = targets[:, None].expand_as(precursors)
        values = self.describe(*(nodes.flatten().numpy() for nodes in (rows, precursors))).astype(np.float32)
        values[values[:, _SHARED] == 0] = UNRELATED  # which is not rounded
        return torch.from_numpy(values).view(*precursors.shape, len(FREQUENCY_FEATURES))

    def to(self, device: torch.device) -> ComputedFeatures:
        """Return the same, which are computed by the processor whatever the device."""
        return self

    def describe(self, targets: NDArray[np.int64], precursors: NDArray[np.int64]) -> NDArray[np.float16]:
        """Return the features (n, features) of the links of target nodes (n,) to precursor nodes (n,)."""
        values = np.empty((len(targets), len(FREQUENCY_FEATURES)), dtype=np.float16)
        order = np.lexsort((targets, self.folds[targets]))
        starts = np.flatnonzero(np.diff(targets[order], prepend=-1))
        # Links of the same fold, of some targets at a time.
        limits = [self.folds[targets[order[starts]]], np.arange(len(starts)) // _BATCH_SIZE, starts // _BATCH_LINKS]
        begins = np.diff(limits, prepend=-1).any(0)

        def describe(links: NDArray[np.int64]) -> None:
            nodes, rows = np.unique(targets[links], return_inverse=True)
            fold = self.folds[nodes[0]]
            values[links] = self.counted[fold].describe(
                self.targets[nodes], self.precursors[fold], rows, precursors[links]
            )

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            deque(pool.map(describe, np.split(order, starts[begins])[1:]), maxlen=0)
        return values


def complement_frequencies(table: ReactionTable, graph: ReactionGraph) -> FrequencyFeatures:
    """Return what the complement of a fold counts, by which the links of the fold are described."""
    systems = KnownSystems.fit(compared_rows(table), graph.precursor_index)
    return FrequencyFeatures(LinkCounts.fit(table, graph.precursors), systems)


LinkFeatures: TypeAlias = TrainingFeatures | ComputedFeatures
"""Frequency features of training links, kept or computed."""


def training_features(graph: ReactionGraph, folds: TrainingFolds) -> LinkFeatures:
    """Return the frequency features of training links, kept if they are few, otherwise computed as they are asked."""
    kept = most_related(graph) * len(FREQUENCY_FEATURES) <= MOST_VALUES
    return (TrainingFeatures if kept else ComputedFeatures).fit(graph, folds)


def most_related(graph: ReactionGraph) -> int:
    """Return a number of links that `related_links` does not exceed; what shares several elements counts as often."""
    need, supplies = (source_presence(side).sum(0, dtype=np.int64) for side in (graph.targets, graph.precursors))
    return int(need @ supplies)


def _described(compositions: Sequence[Composition]) -> Materials:
    """Describe very many compositions, some at a time."""
    starts = range(0, len(compositions), _DESCRIBED)
    parts = [Materials.of(compositions[start : start + _DESCRIBED]) for start in starts]
    return Materials(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Materials)))


def related_links(graph: ReactionGraph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return targets and precursors (links,) of all pairs that share a source element of the target, in order."""
    need, supplies = (source_presence(side).astype(np.float32) for side in (graph.targets, graph.precursors))
    batches = [np.nonzero(need[start : start + _BATCH_SIZE] @ supplies.T) for start in range(0, len(need), _BATCH_SIZE)]
    targets = np.concatenate([batch[0] + number * _BATCH_SIZE for number, batch in enumerate(batches)])
    return targets, np.concatenate([batch[1] for batch in batches])
