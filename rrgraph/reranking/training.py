"""How the re-ranker learns from lists of candidate sets: its network list by list, its trees set by set or likewise.

The objective of the network is the multi-positive listwise softmax that ConRetroBert (arXiv 2605.12736) uses over
candidate templates, here over precursor sets, with another set as one more candidate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rrgraph.nn import TreeEnsemble, device_of, half_precision
from rrgraph.reranking.config import RerankingConfig
from rrgraph.reranking.features import ListFeatures
from rrgraph.reranking.network import ListwiseNetwork, list_log_softmax, recorded_log_probability
from rrgraph.training import Task, TreesConfig, boost, made_once

__all__ = ["RerankingTask", "TrainingLists", "fit_trees"]


@dataclass(frozen=True, eq=False)
class TrainingLists:
    """A collection of candidate lists to learn from.

    Attributes:
        features: of the sets of all lists.
        recorded: (sets,) bool, whether each set is recorded for its target.
        weights: (lists,) float32.
    """

    features: ListFeatures
    recorded: Tensor
    weights: Tensor

    @staticmethod
    def concat(parts: Sequence[TrainingLists]) -> TrainingLists:
        """Return the lists of all parts as one collection, in order."""
        return TrainingLists(
            ListFeatures.concat([part.features for part in parts]),
            torch.cat([part.recorded for part in parts]),
            torch.cat([part.weights for part in parts]),
        )

    def to(self, device: torch.device) -> TrainingLists:
        """Return the same on a device."""
        return TrainingLists(self.features.to(device), self.recorded.to(device), self.weights.to(device))


class RerankingTask(Task):
    """Learn to rank candidate sets, where the module is.

    Args:
        module: the network.
        lists: several collections, for example with the set size unknown and known.
        config: learning rate, lists in a batch, precision.
    """

    module: ListwiseNetwork

    def __init__(self, module: ListwiseNetwork, lists: Sequence[TrainingLists], config: RerankingConfig) -> None:
        self.module = module
        self.device = device_of(module)
        self.lists = [each.to(self.device) for each in lists]
        self.learning_rate, self.batch_size = config.learning_rate, config.batch_size
        self.precision = config.precision
        module.standardise(ListFeatures.concat([each.features for each in self.lists]))

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        return [{"params": list(self.module.parameters()), "lr": self.learning_rate}]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[tuple[int, Tensor]]:
        found = []
        for number, lists in enumerate(self.lists):
            order = torch.randperm(len(lists.features), generator=generator)
            found += [(number, batch) for batch in torch.split(order, self.batch_size)]
        return [found[place] for place in torch.randperm(len(found), generator=generator).tolist()]

    def loss(self, batch: tuple[int, Tensor], generator: torch.Generator) -> Tensor:
        number, chosen = batch
        collection = self.lists[number]
        lists, sets = collection.features.select(chosen)
        with half_precision(self.device, self.precision):
            scored = self.module.member_scores(lists)
        weights = collection.weights[chosen.to(self.device, non_blocking=True)]
        index, recorded = lists.list_index, collection.recorded[sets]
        losses = []
        for scores, none in scored:
            gained = recorded_log_probability(*list_log_softmax(scores, none, index), index, recorded)
            losses.append(-(gained * weights).sum() / weights.sum())
        return torch.stack(losses).sum()


def fit_trees(
    lists: Sequence[TrainingLists], config: TreesConfig, *, seed: int, folder: Path | None = None
) -> TreeEnsemble:
    """Learn to distinguish recorded sets from others, or to place them first in their list.

    Args:
        lists: several collections.
        config: objective, number, depth and learning rate of the trees.
        seed: of what is drawn.
        folder: where the trees are kept, those of an unfinished fit too, so that an interrupted run need not learn them
            again.
    """

    def learn() -> Mapping[str, Tensor]:
        features = np.concatenate([each.features.flat().numpy() for each in lists])
        recorded = torch.cat([each.recorded for each in lists]).numpy()
        weight = np.concatenate([each.weights[each.features.list_index].numpy() for each in lists])
        sizes = np.concatenate([each.features.offsets.diff().numpy() for each in lists])
        state = None if folder is None else folder / "trees_state.safetensors"
        return boost(features, recorded, config, sizes=sizes, weight=weight, seed=seed, state=state).tensors()

    return TreeEnsemble.from_tensors(made_once(folder, "trees", learn), columns=lists[0].features.columns)
