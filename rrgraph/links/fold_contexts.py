"""Messages to training targets and their candidates, over the complement of the targets' fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from rrgraph.graph import RECEIVED_EDGES, TrainingContexts
from rrgraph.links.model import LinkModel
from rrgraph.nn import device_of, encode_by_length

__all__ = ["FoldContexts"]


class FoldContexts:
    """The states of training targets and candidates as they would be if the targets' fold were new.

    Embeddings of what is known are renewed every epoch and carry no gradient; those of targets and candidates do. All
    is computed where the model is.

    Args:
        module: the link model.
        contexts: of the folds.
    """

    def __init__(self, module: LinkModel, contexts: TrainingContexts) -> None:
        device = device_of(module)
        self.module, self.contexts = module, contexts.to(device)
        self._messages = [graph.known_messages(device) for graph in contexts.graphs]
        self._features = [{kind: each.to(device) for kind, each in graph.features.items()} for graph in contexts.graphs]
        first = contexts.graphs[0]
        self._own: Tensor | None = None
        if first.columns is not None and first.columns.candidate:
            self._own = first.columns.of_candidates(first.vocabulary).to(device)
        self._x: list[Mapping[str, Tensor]] = []
        self._known: dict[int, list[Mapping[str, Tensor]]] = {}

    @property
    def embedded(self) -> bool:
        """Whether what is known has its embeddings."""
        return bool(self._x)

    @torch.no_grad()
    def embed(self, precursors: Tensor) -> None:
        """Embed what is known of every fold by the encoder as it is; it should be in evaluation mode.

        Args:
            precursors: embeddings (precursors, width) of all precursors of the training graph.
        """
        self._known.clear()
        systems = encode_by_length(self.module.encoder, *self.contexts.compositions, device=precursors.device)
        self._x = [{"system": systems[rows], "precursor": precursors} for rows in self.contexts.systems]

    def batches(self, targets: Tensor, size: int, generator: torch.Generator) -> list[Tensor]:
        """Return the places of targets (n,), in batches at random that come from one fold each.

        Args:
            targets: (n,) nodes, on the processor.
            size: of a batch at most.
            generator: source of randomness.
        """
        folds = self.contexts.folds[targets]
        order = torch.randperm(len(targets), generator=generator)
        of_fold = (order[folds[order] == fold] for fold in range(len(self.contexts.graphs)))
        batches = [batch for places in of_fold for batch in torch.split(places, size) if len(batch)]
        return [batches[number] for number in torch.randperm(len(batches), generator=generator)]

    def counts(self, folds: Tensor, nodes: Sequence[Tensor], sizes: Sequence[Tensor]) -> Tensor:
        """Return the number of edges of each type by which the nodes of each batch receive, (batches, types).

        Nothing is read from the device.

        Args:
            folds: (batches,) fold of the targets of each batch.
            nodes: targets and precursors (n,), those of one batch behind those of the other, and perhaps more.
            sizes: numbers of targets and of precursors of each batch, (batches,).
        """
        # What is beyond the last batch counts as one more.
        batch = [
            torch.searchsorted(size.cumsum(0), torch.arange(len(each), device=each.device), right=True)
            for each, size in zip(nodes, sizes, strict=True)
        ]
        receivers = self.contexts.receivers(folds[batch[1].clamp_max(len(folds) - 1)], *nodes)
        of_side = dict(zip(receivers, batch, strict=True))
        found = folds.new_zeros(len(RECEIVED_EDGES), len(folds) + 1)
        for row, kind in zip(found, RECEIVED_EDGES, strict=True):
            row.scatter_add_(0, of_side[kind[2]], self.contexts.edges[kind].degrees(receivers[kind[2]]))
        return found[:, :-1].T

    def states(
        self,
        fold: int,
        targets: Tensor,
        precursors: Tensor,
        target_embeddings: Tensor,
        precursor_embeddings: Tensor,
        *,
        counts: Sequence[int] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the states (contexts, n, width) of targets of one fold and of precursors.

        Args:
            fold: of the targets.
            targets: (n,) nodes of the training graph.
            precursors: (m,) nodes.
            target_embeddings: (n, width).
            precursor_embeddings: (m, width).
            counts: number of edges of each type by which they receive, if it is known, so that nothing waits.
        """
        received = self.contexts.received(fold, targets, precursors, counts=counts)
        own = None if self._own is None else self._own[precursors]
        return self.module.states(
            self._known_states(fold), received, target_embeddings, precursor_embeddings, features=own
        )

    def _known_states(self, fold: int) -> list[Mapping[str, Tensor]]:
        """Return the states of what is known to a fold; those that nothing learned changes are computed once."""
        if fold in self._known:
            return self._known[fold]
        known = self.module.known_states(self._messages[fold], self._x[fold], self._features[fold])
        learned = any(values.requires_grad for states in known for values in states.values())
        if torch.is_grad_enabled() and not learned:
            self._known[fold] = known
        return known
