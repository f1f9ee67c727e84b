"""Both stages of ConRetroBert on any bipartite graph: links flow in, a dual encoder learns to find their right ends.

First by contrast within the batch, then by ranking lists of candidates that are mined from a bank of right embeddings
which may move more slowly than the encoder that learns (arXiv 2605.12736).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from rrgraph.errors import ConfigError, check_choice
from rrgraph.nn import DualEncoder, Inputs, embed_all, half_precision, select
from rrgraph.training.config import ContrastiveConfig, RankingConfig
from rrgraph.training.loop import Task
from rrgraph.training.losses import listwise_cross_entropy

__all__ = ["OBJECTIVES", "RIGHT_ENCODERS", "ContrastiveTask", "Links", "RankingTask"]

OBJECTIVES: Final = ("in_batch", "all")
RIGHT_ENCODERS: Final = ("frozen", "live", "ema")

_POSITIVE_SHARE: Final = 3
"""At most one candidate in so many is a recorded one."""


@dataclass(frozen=True)
class Links:
    """The training links of a bipartite graph.

    Attributes:
        left: inputs of the left encoder, one row a node.
        right: inputs of the right encoder.
        edges: (2, links) int64, left and right node of each, without repetition, sorted by left node.
        count: (links,) how often each is recorded.
        eligible: (2, pairs) int64, sorted by left node: the right nodes that could be linked to each left node at all
            (templates that apply, precursors that share elements); None where every one could.
    """

    left: Inputs
    right: Inputs
    edges: Tensor
    count: Tensor
    eligible: Tensor | None = None

    def positives(self, left: Tensor) -> Tensor:
        """Return which right nodes are linked to each of distinct left nodes, (n, right nodes) bool."""
        return self._mark(self.edges, left)

    def could_be(self, left: Tensor) -> Tensor:
        """Return which right nodes could be linked to each of distinct left nodes, (n, right nodes) bool."""
        if self.eligible is None:
            return torch.ones(len(left), len(self.right[0]), dtype=torch.bool)
        return self._mark(self.eligible, left) | self.positives(left)

    def _mark(self, pairs: Tensor, left: Tensor) -> Tensor:
        """Return which pairs there are, found by bisection: pairs are sorted by left node."""
        first, end = torch.searchsorted(pairs[0], left), torch.searchsorted(pairs[0], left, right=True)
        number = end - first
        rows = torch.repeat_interleave(torch.arange(len(left)), number)
        within = torch.arange(len(rows)) - torch.repeat_interleave(number.cumsum(0) - number, number)
        marked = torch.zeros(len(left), len(self.right[0]), dtype=torch.bool)
        marked[rows, pairs[1][first[rows] + within]] = True
        return marked


class _DualTask(Task):
    """What the two stages share.

    Nodes and links stay on the processor; what is computed of them is where the module is.
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
        self.links = links
        self._precision = precision
        self._validate = validate

    def validate(self) -> dict[str, float]:
        return self._validate() if self._validate else {}

    def embed_left(self, nodes: Tensor) -> Tensor:
        """Return the embeddings of left nodes, with gradients."""
        with half_precision(self.module.device, self._precision):
            return self.module.embed_left(*select(self.links.left, nodes)).float()

    def embed_right(self, nodes: Tensor) -> Tensor:
        """Return the embeddings of right nodes, with gradients."""
        with half_precision(self.module.device, self._precision):
            return self.module.embed_right(*select(self.links.right, nodes)).float()


class ContrastiveTask(_DualTask):
    """Tell the right nodes of the batch, or all, apart (stage 1).

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
        return [rows[:, part] for part in order.split(self.config.batch_size)]

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        if self.config.diagonal:
            scores = self.module.similarities(self.embed_left(batch[0]), self.embed_right(batch[1]))
            return _both_ways(scores, torch.eye(len(scores), dtype=torch.bool, device=scores.device))
        left = batch[0].unique()
        if self.config.objective == "all":
            everything = torch.arange(len(self.links.right[0]))
            scores = self.module.similarities(self.embed_left(left), self.embed_right(everything))
            scores = scores.masked_fill(~self.links.could_be(left).to(scores.device), -torch.inf)
            return listwise_cross_entropy(scores, self.links.positives(left).to(scores.device))
        right = batch[1].unique()
        scores = self.module.similarities(self.embed_left(left), self.embed_right(right))
        return _both_ways(scores, self.links.positives(left)[:, right].to(scores.device))


def _both_ways(scores: Tensor, positive: Tensor) -> Tensor:
    """Symmetric InfoNCE of similarities (n, m), every row and column with one positive or more."""
    return (listwise_cross_entropy(scores, positive) + listwise_cross_entropy(scores.T, positive.T)) / 2


class RankingTask(_DualTask):
    """Rank lists of recorded, nearest and random candidates (stage 2).

    Args:
        module: the dual encoder after the first stage. Its right encoder may have `upper_parameters()`, those that are
            trained here; all are otherwise.
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
        check_choice("ranking.right", config.right, RIGHT_ENCODERS)
        if config.hard >= config.candidates:
            raise ConfigError(f"ranking.hard={config.hard} must be below ranking.candidates={config.candidates}.")
        self.config = config
        self.shadow = deepcopy(module.right).requires_grad_(False).eval() if config.right == "ema" else None
        self.bank = torch.empty(0)
        for parameter in module.right.parameters():
            parameter.requires_grad_(False)
        for parameter in self._upper():
            parameter.requires_grad_(True)

    def _upper(self) -> list[nn.Parameter]:
        if self.config.right == "frozen":
            return []
        # Towers name the layers that are refined; any other encoder is refined as a whole.
        upper = getattr(self.module.right, "upper_parameters", self.module.right.parameters)
        return list(upper())

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        left = [parameter for parameter in self.module.left.parameters() if parameter.requires_grad]
        groups = [{"params": left, "lr": self.config.learning_rate, "hidden": True}]
        upper = self._upper()
        return [*groups, {"params": upper, "lr": self.config.right_learning_rate, "hidden": True}] if upper else groups

    def companions(self) -> Mapping[str, nn.Module]:
        return {} if self.shadow is None else {"shadow": self.shadow}

    def start_epoch(self, epoch: int) -> None:
        if self.config.right == "frozen" and len(self.bank):
            return
        live = self.module.right
        if self.shadow is not None:
            self.module.right = self.shadow
        self.bank = embed_all(self.module.embed_right, self.links.right)
        self.module.right = live

    def stepped(self) -> None:
        if self.shadow is None:
            return
        with torch.no_grad():
            for slow, fast in zip(self.shadow.parameters(), self.module.right.parameters(), strict=True):
                slow.lerp_(fast, 1 - self.config.decay)

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        nodes = self.links.edges[0].unique()
        return nodes[torch.randperm(len(nodes), generator=generator)].split(self.config.batch_size)

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        left = self.embed_left(batch)
        candidates, positive = self.candidates(batch, left.detach(), generator)
        if self.config.right == "frozen":
            right = self.bank[candidates]
        else:
            distinct, place = candidates.unique(return_inverse=True)
            right = self.embed_right(distinct.cpu())[place]
        scores = self.module.similarities(left[:, None], right).squeeze(1)
        return listwise_cross_entropy(
            scores, positive, smoothing=self.config.smoothing, entropy_bonus=self.config.entropy_bonus
        )

    def candidates(self, nodes: Tensor, left: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the list of each left node.

        Args:
            nodes: (n,) left nodes.
            left: (n, width) their embeddings.
            generator: of the random ones.

        Returns:
            Distinct right nodes (n, candidates), fewer where there are not that many, and which of them are recorded:
            a third at most.
        """
        recorded = self.links.positives(nodes)
        size = min(self.config.candidates, recorded.shape[1])
        most = min(max(1, size // _POSITIVE_SHARE), int(recorded.sum(1).max()))
        recorded = recorded.to(left.device)
        keys = torch.rand(recorded.shape, generator=generator).to(left.device)
        first = keys.where(recorded, -1.0).topk(most, dim=1).indices
        chosen = torch.zeros_like(recorded).scatter_(1, first, True) & recorded
        others = self.links.could_be(nodes).to(left.device) & ~recorded
        near = (left @ self.bank.T).masked_fill(~others, -torch.inf)
        hard = torch.zeros_like(recorded).scatter_(1, near.topk(min(self.config.hard, size), dim=1).indices, True)
        # Recorded ones up to their share come first, then the nearest, then random ones.
        keys += 3.0 * chosen + 1.0 * (hard & others) - 2.0 * (recorded & ~chosen)
        found = keys.topk(size, dim=1).indices
        return found, recorded.gather(1, found)
