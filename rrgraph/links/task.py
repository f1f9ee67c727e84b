"""How a link model learns from batches of positive and negative links of the training graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.errors import ConfigError
from rrgraph.graph import EDGE, LinkFeatures, ReactionGraph
from rrgraph.links.config import TrainingConfig
from rrgraph.links.examples import DistinctNodes, ExampleBatches, Examples, NodeInputs, split_distinct
from rrgraph.links.model import LinkModel
from rrgraph.links.samplers import make_sampler
from rrgraph.nn import device_of, encode_by_length, half_precision
from rrgraph.training import LOSSES, Direction, Task

__all__ = ["LinkTask"]

_SIDES: Final = ("target", "precursor")

T = TypeVar("T")


class LinkTask(Task):
    """Learn the edges of a reaction graph, where the module is.

    Graph and order of the links stay on the processor; negatives, features and logits are computed on the device.

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
        self.device = device_of(module)
        self.sampler = make_sampler(config, graph).to(self.device)
        self.criterion = partial(LOSSES[config.loss], **config.loss_options)
        self._statistics = statistics if statistics is None else statistics.to(self.device)
        if statistics is not None:
            module.standardise(statistics.typical())
        self._training_mask = _training_mask(len(module.decoders), len(graph.targets), folds)
        self._validate = validate
        self._fixed = config.encoder_learning_rate == 0
        self._embeddings: dict[str, Tensor] = {}
        self._inputs: dict[str, NodeInputs] = {}
        if not self._fixed:
            for side in _SIDES:
                store = graph.data[side]
                self._inputs[side] = NodeInputs(store.elements, store.fractions, self.device)
        compiled = partial(torch.compile, fullgraph=True) if config.compile else _same
        self._encoder, self._logits = compiled(module.encoder), compiled(module.member_logits)

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

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Examples]:
        edges = self.graph.data[EDGE].edge_index
        order = torch.randperm(edges.shape[1], generator=generator)
        sizes = [len(part) for part in torch.split(order, self.config.batch_size)]
        return ExampleBatches(edges[:, order], sizes, generator, self.examples)

    def examples(self, edges: Tensor, sizes: Sequence[int], seed: int) -> list[Examples]:
        """Return batches of some links, in order, with negatives that depend on the seed alone.

        Args:
            edges: (2, links) int64, target and precursor of each, on the processor.
            sizes: links of each batch.
            seed: of the negatives.
        """
        generator = torch.Generator(self.device).manual_seed(seed)
        targets, precursors = edges.to(self.device, non_blocking=True)
        negatives = self.sampler.sample(targets, self.config.negatives_per_positive, generator)
        candidates = torch.cat([precursors[:, None], negatives], dim=1)
        parts = (torch.split(each, list(sizes)) for each in (targets, candidates))
        batch = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        rows, distinct = self._rows(edges[0], batch, len(sizes)), self._distinct(targets, candidates, batch, sizes)
        return [Examples(*each) for each in zip(*parts, rows, distinct, strict=True)]

    def start_epoch(self, epoch: int) -> None:
        if self.sampler.needs_embeddings:
            self.module.eval()
            with torch.no_grad():
                store = self.graph.data["precursor"]
                given = store.elements.to(self.device), store.fractions.to(self.device)
                self.sampler.start_epoch(self.module.encode(*given))

    def loss(self, batch: Examples, generator: torch.Generator) -> Tensor:
        targets, candidates = batch.targets, batch.candidates
        statistics = None if self._statistics is None else self._statistics.lookup(targets, candidates).flatten(0, 1)
        with half_precision(self.device, self.config.precision):
            logits = self._logits(
                self._encode("target", targets[:, None], batch).expand(-1, candidates.shape[1], -1).flatten(0, 1),
                self._encode("precursor", candidates, batch).flatten(0, 1),
                statistics,
            )
        logits = logits.float().view(-1, *candidates.shape)
        losses = [
            self.criterion(own if rows is None else own[rows])
            for own, rows in zip(logits, batch.rows, strict=True)
            if rows is None or len(rows)
        ]
        return torch.stack(losses).sum()

    def validate(self) -> dict[str, float]:
        return self._validate() if self._validate else {}

    def direction(self, metric: str) -> Direction:
        # Brings scikit-learn, which planning with a trained model does without.
        from rrgraph.metrics import find_metric

        return find_metric(metric).direction

    def _rows(self, targets: Tensor, batch: Tensor, number: int) -> Iterator[Sequence[Tensor | None]]:
        """Yield for each batch of links of targets the rows that each decoder learns from."""
        if len(self._training_mask) == 1:
            return repeat((None,), number)
        found = [mask.nonzero().flatten() for mask in self._training_mask[:, targets]]
        counts = [torch.bincount(batch[each], minlength=number).tolist() for each in found]
        everything = torch.cat(found)
        within = everything - torch.searchsorted(batch, batch[everything])
        moved = torch.split(within.to(self.device, non_blocking=True), [len(each) for each in found])
        return zip(*(torch.split(each, own) for each, own in zip(moved, counts, strict=True)), strict=True)

    def _distinct(
        self, targets: Tensor, candidates: Tensor, batch: Tensor, sizes: Sequence[int]
    ) -> Iterator[Mapping[str, DistinctNodes]]:
        """Yield the nodes to be encoded for each batch of links."""
        if self._fixed:
            return repeat({}, len(sizes))
        sides = zip(_SIDES, (targets[:, None], candidates), strict=True)
        batch = batch.to(self.device, non_blocking=True)
        found = (self._inputs[side].distinct(nodes, batch, len(sizes)) for side, nodes in sides)
        nodes, index, tables = zip(*found, strict=True)
        split = map(split_distinct, nodes, index, torch.stack(tables).cpu().tolist(), repeat(sizes))
        return (dict(zip(_SIDES, each, strict=True)) for each in zip(*split, strict=True))

    def _encode(self, node_type: str, nodes: Tensor, batch: Examples) -> Tensor:
        """Return the embeddings (links, k, width) of the nodes (links, k) of a batch, fixed ones computed once."""
        if self._fixed:
            return self._fixed_embeddings(node_type)[nodes]
        distinct = batch.distinct[node_type]
        return self._inputs[node_type].encode(self._encoder, distinct)[distinct.index]

    def _fixed_embeddings(self, node_type: str) -> Tensor:
        if node_type not in self._embeddings:
            store, encoder = self.graph.data[node_type], self.module.encoder
            training = encoder.training
            with torch.no_grad():
                self._embeddings[node_type] = encode_by_length(
                    encoder.eval(), store.elements, store.fractions, device=self.device
                )
            encoder.train(training)
        return self._embeddings[node_type]


def _same(function: T) -> T:
    return function


def _training_mask(members: int, targets: int, folds: NDArray[np.int64] | None) -> Tensor:
    """Return which decoder learns from which target, (members, targets) bool."""
    if members == 1:
        return torch.ones(1, targets, dtype=torch.bool)
    if folds is None:
        raise ConfigError(f"model.n_decoders={members} needs the folds of the training targets.")
    return torch.arange(members)[:, None] != torch.from_numpy(folds % members)
