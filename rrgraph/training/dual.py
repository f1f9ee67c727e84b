"""Both stages of ConRetroBert (arXiv 2605.12736) on any bipartite graph: a dual encoder learns to find candidates.

First by contrast within the batch, then by ranking lists of candidates. These are mined from an index of embeddings
that may move more slowly than the encoder that learns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from rrgraph.errors import ConfigError, check_choice
from rrgraph.nn import DualEncoder, Inputs, embed_all, half_precision, select
from rrgraph.training.config import ContrastiveConfig, RankingConfig
from rrgraph.training.loop import Task
from rrgraph.training.losses import listwise_cross_entropy

__all__ = ["CANDIDATE_ENCODERS", "OBJECTIVES", "ContrastiveTask", "Links", "RankingTask"]

OBJECTIVES: Final = ("in_batch", "all")
"""Which candidates a query is contrasted with: those of its batch, or all."""
CANDIDATE_ENCODERS: Final = ("frozen", "live", "ema")
"""What becomes of the candidate encoder in ranking: kept, trained, or trained with a slow moving average to mine by."""

_POSITIVE_SHARE: Final = 3
"""At most one candidate in so many is a recorded one."""


@dataclass(frozen=True)
class Links:
    """The training links of a bipartite graph.

    Attributes:
        queries: inputs of the query encoder, one row a node.
        candidates: inputs of the candidate encoder.
        edges: (2, links) int64, query and candidate of each, without repetition, sorted by query.
        count: (links,) how often each is recorded.
        eligible: (2, pairs) int64, sorted by query: the candidates that could be linked to each query at all (templates
            that apply, precursors that share elements); None where every one could.
    """

    queries: Inputs
    candidates: Inputs
    edges: Tensor
    count: Tensor
    eligible: Tensor | None = None

    def positives(self, queries: Tensor) -> Tensor:
        """Return which candidates are linked to each of distinct queries, (n, candidates) bool."""
        return self._mark(self.edges, queries)

    def feasible(self, queries: Tensor) -> Tensor:
        """Return which candidates could be linked to each of distinct queries, (n, candidates) bool."""
        if self.eligible is None:
            return torch.ones(len(queries), len(self.candidates[0]), dtype=torch.bool)
        return self._mark(self.eligible, queries) | self.positives(queries)

    def _mark(self, pairs: Tensor, queries: Tensor) -> Tensor:
        """Return which pairs there are, found by bisection: pairs are sorted by query."""
        first, end = torch.searchsorted(pairs[0], queries), torch.searchsorted(pairs[0], queries, right=True)
        number = end - first
        rows = torch.repeat_interleave(torch.arange(len(queries)), number)
        within = torch.arange(len(rows)) - torch.repeat_interleave(number.cumsum(0) - number, number)
        marked = torch.zeros(len(queries), len(self.candidates[0]), dtype=torch.bool)
        marked[rows, pairs[1][first[rows] + within]] = True
        return marked


class _DualTask(Task):
    """What the two stages share.

    Queries and links stay on the processor; candidates, and what is computed, are where the module is.
    """

    module: DualEncoder

    def __init__(
        self,
        module: DualEncoder,
        links: Links,
        precision: str,
        validate: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        self.module = module
        self.links = replace(links, candidates=tuple(each.to(module.device) for each in links.candidates))
        self._precision = precision
        self._validate = validate

    def validate(self) -> dict[str, float]:
        return self._validate() if self._validate else {}

    def _there(self, drawn: Tensor) -> Tensor:
        """Return what is known or drawn on the processor where the module is, without waiting for it."""
        return drawn.to(self.module.device, non_blocking=True)

    def embed_queries(self, nodes: Tensor) -> Tensor:
        """Return the embeddings of queries, with gradients."""
        with half_precision(self.module.device, self._precision):
            return self.module.embed_queries(*select(self.links.queries, nodes)).float()

    def embed_candidates(self, nodes: Tensor) -> Tensor:
        """Return the embeddings of candidates, with gradients."""
        with half_precision(self.module.device, self._precision):
            return self.module.embed_candidates(*select(self.links.candidates, nodes)).float()


class ContrastiveTask(_DualTask):
    """Choose the candidate of each query among those of the batch, or all (stage 1).

    Args:
        module: the dual encoder.
        links: what is learned, each as often as it is recorded.
        config: objective, rates.
        validate: returns validation metrics of the module in evaluation mode.

    Raises:
        ConfigError: the objective is unknown, or the published form is asked for without a batch to contrast.
    """

    def __init__(
        self,
        module: DualEncoder,
        links: Links,
        config: ContrastiveConfig,
        *,
        validate: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        super().__init__(module, links, config.precision, validate)
        check_choice("contrastive.objective", config.objective, OBJECTIVES)
        if config.diagonal and config.objective != "in_batch":
            raise ConfigError("contrastive.diagonal=true needs contrastive.objective=in_batch.")
        self.config = config

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        return [{"params": list(self.module.parameters()), "lr": self.config.learning_rate, "hidden": True}]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        rows = self.links.edges.repeat_interleave(self.links.count, dim=1)
        order = torch.randperm(rows.shape[1], generator=generator)
        return [rows[:, part] for part in torch.split(order, self.config.batch_size)]

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        if self.config.diagonal:
            scores = self.module.similarities(self.embed_queries(batch[0]), self.embed_candidates(batch[1]))
            return _both_ways(scores, torch.eye(len(scores), dtype=torch.bool, device=scores.device))
        queries: Tensor = torch.unique(batch[0])
        if self.config.objective == "all":
            everything = torch.arange(len(self.links.candidates[0]))
            scores = self.module.similarities(self.embed_queries(queries), self.embed_candidates(everything))
            scores = scores.masked_fill(~self._there(self.links.feasible(queries)), -torch.inf)
            return listwise_cross_entropy(scores, self._there(self.links.positives(queries)))
        candidates: Tensor = torch.unique(batch[1])
        scores = self.module.similarities(self.embed_queries(queries), self.embed_candidates(candidates))
        return _both_ways(scores, self._there(self.links.positives(queries)[:, candidates]))


def _both_ways(scores: Tensor, positive: Tensor) -> Tensor:
    """Symmetric InfoNCE of similarities (n, m), every row and column with one positive or more."""
    return (listwise_cross_entropy(scores, positive) + listwise_cross_entropy(scores.T, positive.T)) / 2


class RankingTask(_DualTask):
    """Rank lists of recorded, nearest and random candidates (stage 2).

    Args:
        module: the dual encoder after the first stage. Its candidate encoder may have `upper_parameters()`, those that
            are trained here; all are otherwise.
        links: what is learned.
        config: variant, lists, rates.
        validate: returns validation metrics of the module in evaluation mode.

    Raises:
        ConfigError: the variant is unknown, or there are fewer candidates than lists ask for.
    """

    def __init__(
        self,
        module: DualEncoder,
        links: Links,
        config: RankingConfig,
        *,
        validate: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        super().__init__(module, links, config.precision, validate)
        check_choice("ranking.candidate_encoder", config.candidate_encoder, CANDIDATE_ENCODERS)
        if config.hard >= config.candidates:
            raise ConfigError(f"ranking.hard={config.hard} must be below ranking.candidates={config.candidates}.")
        self.config = config
        self.shadow = deepcopy(module.right).requires_grad_(False).eval() if config.candidate_encoder == "ema" else None
        self.index = torch.empty(0)
        for parameter in module.right.parameters():
            parameter.requires_grad_(False)
        for parameter in self._upper():
            parameter.requires_grad_(True)

    def _upper(self) -> list[nn.Parameter]:
        if self.config.candidate_encoder == "frozen":
            return []
        # Some encoders name the layers that are refined; any other encoder is refined as a whole.
        upper = getattr(self.module.right, "upper_parameters", self.module.right.parameters)
        return list(upper())

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        queries = [parameter for parameter in self.module.left.parameters() if parameter.requires_grad]
        groups = [{"params": queries, "lr": self.config.learning_rate, "hidden": True}]
        upper = self._upper()
        return (
            [*groups, {"params": upper, "lr": self.config.candidate_learning_rate, "hidden": True}] if upper else groups
        )

    def companions(self) -> Mapping[str, nn.Module]:
        return {} if self.shadow is None else {"shadow": self.shadow}

    def start_epoch(self, epoch: int) -> None:
        if self.config.candidate_encoder == "frozen" and len(self.index):
            return
        live = self.module.right
        if self.shadow is not None:
            self.module.right = self.shadow
        self.index = embed_all(self.module.embed_candidates, self.links.candidates)
        self.module.right = live

    def stepped(self) -> None:
        if self.shadow is None:
            return
        with torch.no_grad():
            for slow, fast in zip(self.shadow.parameters(), self.module.right.parameters(), strict=True):
                slow.lerp_(fast, 1 - self.config.decay)

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        nodes: Tensor = torch.unique(self.links.edges[0])
        return torch.split(nodes[torch.randperm(len(nodes), generator=generator)], self.config.batch_size)

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        queries = self.embed_queries(batch)
        candidates, positive = self.candidates(batch, queries.detach(), generator)
        if self.config.candidate_encoder == "frozen":
            embeddings = self.index[candidates]
        else:
            distinct, place = _distinct(candidates, len(self.index))
            embeddings = self.embed_candidates(distinct)[place]
        scores = self.module.similarities(queries[:, None], embeddings).squeeze(1)
        return listwise_cross_entropy(
            scores, positive, smoothing=self.config.smoothing, entropy_bonus=self.config.entropy_bonus
        )

    def candidates(self, nodes: Tensor, queries: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the list of each query.

        Args:
            nodes: (n,) of the queries.
            queries: (n, width) their embeddings.
            generator: of the random ones.

        Returns:
            Distinct candidates (n, candidates), fewer where there are not that many, and which of them are recorded:
            a third at most.
        """
        recorded = self.links.positives(nodes)
        size = min(self.config.candidates, recorded.shape[1])
        most = min(max(1, size // _POSITIVE_SHARE), int(recorded.sum(1).max()))
        recorded, keys = (self._there(each) for each in (recorded, torch.rand(recorded.shape, generator=generator)))
        first = keys.where(recorded, -1.0).topk(most, dim=1).indices
        chosen = torch.zeros_like(recorded).scatter_(1, first, True) & recorded
        others = self._there(self.links.feasible(nodes)) & ~recorded
        near = (queries @ self.index.T).masked_fill(~others, -torch.inf)
        hard = torch.zeros_like(recorded).scatter_(1, near.topk(min(self.config.hard, size), dim=1).indices, True)
        # Recorded ones up to their share come first, then the nearest, then random ones.
        keys += 3.0 * chosen + 1.0 * (hard & others) - 2.0 * (recorded & ~chosen)
        found = keys.topk(size, dim=1).indices
        return found, recorded.gather(1, found)


def _distinct(nodes: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Return some of `number` nodes once, ascending, and which of them each is, like `torch.unique`.

    On a device others follow, as many as there could be at most: how many there are would have to be read from it.
    """
    used = torch.zeros(number, dtype=torch.int64, device=nodes.device).index_fill_(0, nodes.flatten(), 1)
    count = int(used.sum()) if nodes.is_cpu else min(nodes.numel(), number)
    return used.argsort(descending=True, stable=True)[:count], (used.cumsum(0) - 1)[nodes]
