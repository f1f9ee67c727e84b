"""How a link model learns from batches of positive and negative links of the training graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.errors import ConfigError
from rrgraph.graph import EDGE, LinkFeatures, ReactionGraph
from rrgraph.links.config import TrainingConfig
from rrgraph.links.model import LinkModel
from rrgraph.links.samplers import make_sampler
from rrgraph.nn import encode_by_length, half_precision
from rrgraph.training import LOSSES, Direction, Task

__all__ = ["LinkTask"]


class LinkTask(Task):
    """Learn the edges of a reaction graph.

    Args:
        module: the link model.
        graph: training targets, precursors and links.
        config: sampler, negatives, loss, rates.
        statistics: frequency features of the graph's links, for a model that takes them.
        folds: (targets,) fold of each target; of m decoders, decoder i learns without the folds that leave i when
            divided by m. Needed when there are several decoders.
        validate: returns validation metrics of the module in evaluation mode.
    """

    module: LinkModel

    def __init__(
        self,
        module: LinkModel,
        graph: ReactionGraph,
        config: TrainingConfig,
        *,
        statistics: LinkFeatures | None = None,
        folds: NDArray[np.int64] | None = None,
        validate: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        self.module = module
        self.graph = graph
        self.config = config
        self.sampler = make_sampler(config, graph)
        self.criterion = partial(LOSSES[config.loss], **config.loss_options)
        self._statistics = statistics
        if statistics is not None:
            module.standardise(statistics.typical())
        self._training_mask = _training_mask(len(module.decoders), len(graph.targets), folds)
        self._validate = validate
        self._fixed = config.encoder_learning_rate == 0
        self._embeddings: dict[str, Tensor] = {}

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        encoder, decoders = self.module.encoder, self.module.decoders
        hidden = list(encoder.hidden_parameters())
        taken = {id(parameter) for parameter in hidden}
        rest = [parameter for parameter in encoder.parameters() if id(parameter) not in taken]
        rate = self.config.encoder_learning_rate
        learned = [{"params": hidden, "lr": rate, "hidden": True}, {"params": rest, "lr": rate}]
        return [
            *([] if self._fixed else learned),
            {"params": list(decoders.parameters()), "lr": self.config.learning_rate},
        ]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        edges = self.graph.data[EDGE].edge_index
        order = torch.randperm(edges.shape[1], generator=generator)
        return [edges[:, part] for part in torch.split(order, self.config.batch_size)]

    def start_epoch(self, epoch: int) -> None:
        if self.sampler.needs_embeddings:
            self.module.eval()
            with torch.no_grad():
                store = self.graph.data["precursor"]
                self.sampler.start_epoch(self.module.encode(store.elements, store.fractions))

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        targets, precursors = batch
        negatives = self.sampler.sample(targets, self.config.negatives_per_positive, generator)
        candidates = torch.cat([precursors[:, None], negatives], dim=1)
        statistics = None if self._statistics is None else self._statistics.lookup(targets, candidates).flatten(0, 1)
        with half_precision(candidates.device, self.config.precision):
            logits = self.module.member_logits(
                self._encode("target", targets)[:, None].expand(-1, candidates.shape[1], -1).flatten(0, 1),
                self._encode("precursor", candidates.flatten()),
                statistics,
            )
        logits = logits.float().view(-1, *candidates.shape)
        mask = self._training_mask[:, targets]
        losses = [self.criterion(own[rows]) for own, rows in zip(logits, mask, strict=True) if bool(rows.any())]
        return torch.stack(losses).sum()

    def validate(self) -> dict[str, float]:
        return self._validate() if self._validate else {}

    def direction(self, metric: str) -> Direction:
        # Brings scikit-learn, which planning with a trained model does without.
        from rrgraph.metrics import find_metric

        return find_metric(metric).direction

    def _encode(self, node_type: str, nodes: Tensor) -> Tensor:
        """Return the embeddings of nodes, computing each distinct one once, or once for all when they are fixed."""
        if self._fixed:
            return self._fixed_embeddings(node_type)[nodes]
        store = self.graph.data[node_type]
        distinct, position = torch.unique(nodes, return_inverse=True)
        return encode_by_length(self.module.encoder, store.elements[distinct], store.fractions[distinct])[position]

    def _fixed_embeddings(self, node_type: str) -> Tensor:
        if node_type not in self._embeddings:
            store, encoder = self.graph.data[node_type], self.module.encoder
            training = encoder.training
            with torch.no_grad():
                self._embeddings[node_type] = encode_by_length(encoder.eval(), store.elements, store.fractions)
            encoder.train(training)
        return self._embeddings[node_type]


def _training_mask(members: int, targets: int, folds: NDArray[np.int64] | None) -> Tensor:
    """Return which decoder learns from which target, (members, targets) bool."""
    if members == 1:
        return torch.ones(1, targets, dtype=torch.bool)
    if folds is None:
        raise ConfigError(f"model.n_decoders={members} needs the folds of the training targets.")
    return torch.arange(members)[:, None] != torch.from_numpy(folds % members)
