"""Link training: the training graph flows in, batches of positive and negative links teach encoder and decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rrgraph.chem import element_system
from rrgraph.graph import EDGE, LinkStatistics, ReactionGraph, SystemCounts, overlap, presence
from rrgraph.model import LinkModel, encode_by_length, half_precision
from rrgraph.training.config import TrainingConfig
from rrgraph.training.loop import Task
from rrgraph.training.losses import LOSSES
from rrgraph.training.samplers import SAMPLERS

__all__ = ["LinkTask"]


class LinkTask(Task):
    """Learn the edges of a reaction graph.

    Args:
        module: the link model.
        graph: training targets, precursors and links.
        config: sampler, negatives, loss, rates.
        statistics: counts of the training reactions over the graph's precursors, for a model that takes them.
        system_counts: counts of each element system, left out of the statistics of its own targets.
        validate: returns validation metrics of the module in evaluation mode.
    """

    module: LinkModel

    def __init__(
        self,
        module: LinkModel,
        graph: ReactionGraph,
        config: TrainingConfig,
        *,
        statistics: LinkStatistics | None = None,
        system_counts: Mapping[str, SystemCounts] | None = None,
        validate: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        self.module = module
        self.graph = graph
        self.config = config
        self.sampler = SAMPLERS[config.sampler](graph, hardness=config.hardness)
        self.criterion = LOSSES[config.loss]
        self._statistics = None if statistics is None else _BatchStatistics(graph, statistics, system_counts or {})
        uses = torch.bincount(graph.data[EDGE].edge_index[1], minlength=len(graph.precursors))
        self._hide = (config.hide_statistics / uses.clamp_min(1)).clamp_max(0.5)
        self._validate = validate
        self._fixed = config.encoder_learning_rate == 0
        self._embeddings: dict[str, Tensor] = {}

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        encoder, decoder = self.module.encoder, self.module.decoder
        blocks = list(encoder.blocks.parameters())
        taken = {id(parameter) for parameter in blocks}
        rest = [parameter for parameter in encoder.parameters() if id(parameter) not in taken]
        rate = self.config.encoder_learning_rate
        learned = [{"params": blocks, "lr": rate, "hidden": True}, {"params": rest, "lr": rate}]
        return [
            *([] if self._fixed else learned),
            {"params": list(decoder.parameters()), "lr": self.config.learning_rate},
        ]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Tensor]:
        edges = self.graph.data[EDGE].edge_index
        order = torch.randperm(edges.shape[1], generator=generator)
        return [edges[:, part] for part in order.split(self.config.batch_size)]

    def start_epoch(self, epoch: int) -> None:
        if self.sampler.needs_embeddings:
            self.module.eval()
            with torch.no_grad():
                store = self.graph.data["precursor"]
                self.sampler.start_epoch(self.module.encode(store.elements, store.fractions))

    def loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        targets, precursors = batch
        negatives = self.sampler.sample(targets, self.config.negatives, generator)
        candidates = torch.cat([precursors[:, None], negatives], dim=1)
        statistics = self._statistics_of(targets, candidates, generator)
        with half_precision(candidates.device, self.config.precision):
            logits = self.module(
                self._encode("target", targets)[:, None].expand(-1, candidates.shape[1], -1).flatten(0, 1),
                self._encode("precursor", candidates.flatten()),
                statistics,
            )
        return self.criterion(logits.float().view_as(candidates))

    def validate(self) -> dict[str, float]:
        return self._validate() if self._validate else {}

    def _statistics_of(self, targets: Tensor, candidates: Tensor, generator: torch.Generator) -> Tensor | None:
        """Return (batch * candidates, statistics), some precursors shown as never seen."""
        if self._statistics is None:
            return None
        never_seen = len(self.graph.precursors)
        hidden = torch.rand(never_seen, generator=generator) < self._hide
        shown = candidates.masked_fill(hidden[candidates], never_seen)
        return self._statistics(targets, candidates, shown).flatten(0, 1)

    def _encode(self, kind: str, nodes: Tensor) -> Tensor:
        """Return the embeddings of nodes, computing each distinct one once, or once for all when they are fixed."""
        if self._fixed:
            return self._fixed_embeddings(kind)[nodes]
        store = self.graph.data[kind]
        distinct, position = nodes.unique(return_inverse=True)
        return encode_by_length(self.module.encoder, store.elements[distinct], store.fractions[distinct])[position]

    def _fixed_embeddings(self, kind: str) -> Tensor:
        if kind not in self._embeddings:
            store, encoder = self.graph.data[kind], self.module.encoder
            training = encoder.training
            with torch.no_grad():
                self._embeddings[kind] = encode_by_length(encoder.eval(), store.elements, store.fractions)
            encoder.train(training)
        return self._embeddings[kind]


class _BatchStatistics:
    """Link statistics of training targets; counted ones are kept by element system, at half precision."""

    def __init__(
        self, graph: ReactionGraph, statistics: LinkStatistics, system_counts: Mapping[str, SystemCounts]
    ) -> None:
        systems = [element_system(target) for target in graph.targets]
        distinct = {system: row for row, system in enumerate(dict.fromkeys(systems))}
        self._system = torch.tensor([distinct[system] for system in systems])
        self._names = list(distinct)
        self._elements = {system: target.elements for system, target in zip(systems, graph.targets, strict=True)}
        self._counts = system_counts
        self._source = statistics
        self._counted: dict[int, Tensor] = {}
        self._targets = presence(graph.targets)
        self._precursors = presence(graph.precursors)

    def __call__(self, targets: Tensor, candidates: Tensor, shown: Tensor) -> Tensor:
        """Return the statistics of a batch of links.

        Args:
            targets: (batch,) target nodes.
            candidates: (batch, candidates) precursor nodes.
            shown: (batch, candidates) nodes whose counts are shown instead; the node after the last precursor
                stands for one that was never seen.

        Returns:
            (batch, candidates, statistics).
        """
        tables = [self._features(system) for system in self._system[targets].tolist()]
        counted = torch.stack([table[nodes] for table, nodes in zip(tables, shown, strict=True)]).float()
        shared = torch.from_numpy(overlap(self._targets[targets.numpy()], self._precursors))
        return torch.cat([counted, shared.gather(1, candidates[..., None].expand(-1, -1, shared.shape[-1]))], dim=-1)

    def _features(self, system: int) -> Tensor:
        if system not in self._counted:
            name = self._names[system]
            features = self._source.features(self._elements[name], leave_out=self._counts.get(name))
            self._counted[system] = torch.from_numpy(features.astype(np.float16))
        return self._counted[system]
