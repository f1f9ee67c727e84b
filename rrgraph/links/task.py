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
from rrgraph.graph import EDGE, ComputedFeatures, LinkFeatures, ReactionGraph, TrainingContexts
from rrgraph.links.config import TrainingConfig
from rrgraph.links.examples import DistinctNodes, ExampleBatches, Examples, NodeInputs, split_distinct
from rrgraph.links.fold_contexts import FoldContexts
from rrgraph.links.model import LinkModel
from rrgraph.links.samplers import make_sampler
from rrgraph.nn import device_of, encode_by_length, half_precision
from rrgraph.training import LOSSES, Direction, Task

__all__ = ["LinkTask"]

_SIDES: Final = ("target", "precursor")

T = TypeVar("T")


class LinkTask(Task):
    """Learn the edges of a reaction graph, where the module is.

    Graph and order of the links stay on the processor; negatives and logits are computed on the device, and so are
    features unless the graph is very large.

    Args:
        module: the link model.
        graph: training targets, precursors and links.
        config: sampler, negatives, loss, rates.
        statistics: frequency features of the graph's links, for a model that takes them.
        folds: (targets,) fold of each target; of m decoders, decoder i learns without the folds that leave i when
            divided by m. Needed when there are several decoders.
        contexts: what the targets of each fold receive from. Needed when the model has a context.
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
        contexts: TrainingContexts | None = None,
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
        if module.uses_context and contexts is None:
            raise ConfigError(f"model.context={module.config.context} needs the contexts of the training targets.")
        self._contexts = FoldContexts(module, contexts) if module.uses_context and contexts is not None else None
        self._validate = validate
        self._fixed = config.encoder_learning_rate == 0
        self._embeddings: dict[str, Tensor] = {}
        self._inputs: dict[str, NodeInputs] = {}
        for side in _SIDES:
            store = graph.data[side]
            self._inputs[side] = NodeInputs(store.elements, store.fractions, self.device)
        compiled = partial(torch.compile, fullgraph=True) if config.compile else _same
        self._encoder, self._logits = compiled(module.encoder), compiled(module.distinct_logits)

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        encoder, decoders, contexts = self.module.encoder, self.module.decoders, self.module.contexts
        linked = [*decoders.parameters(), *contexts.parameters(), *self.module.inputs.parameters()]
        hidden = list(encoder.hidden_parameters())
        taken = {id(parameter) for parameter in hidden}
        rest = [parameter for parameter in encoder.parameters() if id(parameter) not in taken]
        rate = self.config.encoder_learning_rate
        learned = [{"params": hidden, "lr": rate, "hidden": True}, {"params": rest, "lr": rate}]
        return [
            *([] if self._fixed else learned),
            {"params": linked, "lr": self.config.learning_rate},
        ]

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[Examples]:
        edges = self.graph.data[EDGE].edge_index
        if self._contexts is None:
            parts = list(torch.split(torch.randperm(edges.shape[1], generator=generator), self.config.batch_size))
        else:
            parts = self._contexts.batches(edges[0], self.config.batch_size, generator)
        return ExampleBatches(edges[:, torch.cat(parts)], [len(part) for part in parts], generator, self.examples)

    def examples(self, edges: Tensor, sizes: Sequence[int], seed: int) -> list[Examples]:
        """Return batches of some links, in order, with negatives that depend on the seed alone.

        Args:
            edges: (2, links) int64, target and precursor of each, on the processor; the targets of a batch are of one
                fold if the model has a context.
            sizes: links of each batch.
            seed: of the negatives.
        """
        generator = torch.Generator(self.device).manual_seed(seed)
        targets, precursors = edges.to(self.device, non_blocking=True)
        negatives = self.sampler.sample(targets, self.config.negatives_per_positive, generator)
        candidates = torch.cat([precursors[:, None], negatives], dim=1)
        batch = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        rows, folds = self._rows(edges[0], batch, len(sizes)), None
        if self._contexts is not None:
            folds = self._contexts.contexts.folds[edges[0][torch.tensor(sizes).cumsum(0) - 1]]
        distinct, candidates = self._distinct(targets, candidates, batch, sizes, folds)
        targets = edges[0].to(candidates.device, non_blocking=True)
        parts = (torch.split(each, list(sizes)) for each in (targets, candidates))
        of_batches = repeat(None, len(sizes)) if folds is None else folds.tolist()
        return [
            Examples(own, others, learned, nodes, fold, counts)
            for own, others, learned, (nodes, counts), fold in zip(*parts, rows, distinct, of_batches, strict=True)
        ]

    def start_epoch(self, epoch: int) -> None:
        if self._contexts is not None and not (self._fixed and self._contexts.embedded):
            self.module.eval()
            store = self.graph.data["precursor"]
            with torch.no_grad():
                given = store.elements, store.fractions
                self._contexts.embed(encode_by_length(self.module.encoder, *given, device=self.device))
        if self.sampler.needs_embeddings:
            self.module.eval()
            with torch.no_grad():
                store = self.graph.data["precursor"]
                given = store.elements.to(self.device), store.fractions.to(self.device)
                self.sampler.start_epoch(self.module.encode(*given))

    def loss(self, batch: Examples, generator: torch.Generator) -> Tensor:
        statistics = None
        if self._statistics is not None:
            found = self._statistics.lookup(batch.targets, batch.candidates).flatten(0, 1)
            statistics = found.to(self.device, non_blocking=True)
        target, precursor = (batch.distinct[side].index for side in _SIDES)
        rows, columns = target.expand_as(precursor).flatten(), precursor.flatten()
        with half_precision(self.device, self.config.precision):
            logits = self._logits(*self._states(batch), rows, columns, statistics)
        logits = logits.float().view(-1, *batch.candidates.shape)
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
        self, targets: Tensor, candidates: Tensor, batch: Tensor, sizes: Sequence[int], folds: Tensor | None
    ) -> tuple[Iterator[tuple[Mapping[str, DistinctNodes], Sequence[int]]], Tensor]:
        """Return the distinct nodes of each batch of links, and by how many edges of each type they receive.

        Also the candidates, where their features are looked up.
        """
        sides = zip(_SIDES, (targets[:, None], candidates), strict=True)
        batch = batch.to(self.device, non_blocking=True)
        found = (self._inputs[side].distinct(nodes, batch, len(sizes)) for side, nodes in sides)
        nodes, index, tables = zip(*found, strict=True)
        if self._contexts is not None and folds is not None:
            there, numbers = folds.to(self.device, non_blocking=True), [table[:, 0] for table in tables]
            tables = *tables, self._contexts.counts(there, nodes, numbers)
        if isinstance(self._statistics, ComputedFeatures):
            *read, candidates = _read([*tables, candidates])
        else:
            read = _read(tables)
        split = map(split_distinct, nodes, index, (table.tolist() for table in read), repeat(sizes))
        distinct = (dict(zip(_SIDES, each, strict=True)) for each in zip(*split, strict=True))
        counts = read[2].tolist() if len(read) > 2 else repeat((), len(sizes))
        return zip(distinct, counts, strict=True), candidates

    def _states(self, batch: Examples) -> tuple[Tensor, Tensor]:
        """Return what the decoders are given of the distinct targets and of the distinct candidates of a batch."""
        of_targets, of_candidates = (self._encode(side, batch.distinct[side]) for side in _SIDES)
        if self._contexts is None or batch.fold is None:
            return of_targets, of_candidates
        target, precursor = (batch.distinct[side].nodes for side in _SIDES)
        return self._contexts.states(batch.fold, target, precursor, of_targets, of_candidates, counts=batch.counts)

    def _encode(self, node_type: str, distinct: DistinctNodes) -> Tensor:
        """Return the embeddings (n, width) of distinct nodes, fixed ones computed once."""
        if self._fixed:
            return self._fixed_embeddings(node_type)[distinct.nodes]
        return self._inputs[node_type].encode(self._encoder, distinct)

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


def _read(numbers: Sequence[Tensor]) -> list[Tensor]:
    """Return whole numbers on the processor, all of which are read from the device at once."""
    read = torch.cat([each.flatten() for each in numbers]).cpu()
    parts = torch.split(read, [each.numel() for each in numbers])
    return [values.view_as(each) for values, each in zip(parts, numbers, strict=True)]


def _training_mask(members: int, targets: int, folds: NDArray[np.int64] | None) -> Tensor:
    """Return which decoder learns from which target, (members, targets) bool."""
    if members == 1:
        return torch.ones(1, targets, dtype=torch.bool)
    if folds is None:
        raise ConfigError(f"model.n_decoders={members} needs the folds of the training targets.")
    return torch.arange(members)[:, None] != torch.from_numpy(folds % members)
