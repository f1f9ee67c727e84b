"""Set training: lists of candidate sets flow in, a scorer learns to put the recorded ones first.

The objective is the multi-positive listwise softmax that ConRetroBert (arXiv 2605.12736) uses over candidate templates,
carried over to precursor sets, with "none of these" as one more candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from rrgraph.nn import half_precision
from rrgraph.reranking.config import RerankingConfig
from rrgraph.reranking.features import CandidateLists
from rrgraph.reranking.network import ListwiseNetwork, list_log_softmax, recorded_log_probability
from rrgraph.training import Task

__all__ = ["RerankingTask"]


class RerankingTask(Task):
    """Learn to rank candidate sets.

    Args:
        module: the set scorer.
        lists: candidate sets; several collections, for example with the set size open and told.
        right: for each collection, whether each set is recorded for its target, (sets,) bool.
        weights: for each collection, weight of each list, (lists,).
        config: learning rate, lists in a batch, precision.
        validate: returns validation metrics of the module in evaluation mode.
    """

    module: ListwiseNetwork

    def __init__(
        self,
        module: ListwiseNetwork,
        lists: Sequence[CandidateLists],
        right: Sequence[Tensor],
        weights: Sequence[Tensor],
        config: RerankingConfig,
        *,
        validate: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        self.module = module
        self.lists, self.right, self.weights = lists, right, weights
        self.learning_rate, self.batch_size = config.learning_rate, config.batch_size
        self.precision = config.precision
        self._validate = validate
        module.standardise(CandidateLists.concat(lists))

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        return [{"params": list(self.module.parameters()), "lr": self.learning_rate}]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[tuple[int, Tensor]]:
        found = []
        for number, lists in enumerate(self.lists):
            order = torch.randperm(len(lists), generator=generator)
            found += [(number, part) for part in order.split(self.batch_size)]
        return [found[place] for place in torch.randperm(len(found), generator=generator).tolist()]

    def loss(self, batch: tuple[int, Tensor], generator: torch.Generator) -> Tensor:
        number, chosen = batch
        lists, sets = self.lists[number].select(chosen)
        with half_precision(lists.numbers.device, self.precision):
            judged = self.module.member_scores(lists)
        weights = self.weights[number][chosen]
        losses = []
        for scores, none in judged:
            logs = list_log_softmax(scores, none, lists.owner)
            gained = recorded_log_probability(*logs, lists.owner, self.right[number][sets])
            losses.append(-(gained * weights).sum() / weights.sum())
        return torch.stack(losses).sum()

    def validate(self) -> dict[str, float]:
        return self._validate() if self._validate else {}
