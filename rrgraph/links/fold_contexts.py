"""Messages to training targets and their candidates, over the complement of the targets' fold."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rrgraph.graph import TrainingContexts
from rrgraph.links.model import LinkModel
from rrgraph.nn import encode_by_length

__all__ = ["FoldContexts"]


class FoldContexts:
    """The states of training targets and candidates as they would be if the targets' fold were new.

    Embeddings of what is known are renewed every epoch and carry no gradient; those of targets and candidates do.

    Args:
        module: the link model.
        contexts: of the folds.
    """

    def __init__(self, module: LinkModel, contexts: TrainingContexts) -> None:
        self.module, self.contexts = module, contexts
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
        self.contexts = self.contexts.to(precursors.device)
        systems = encode_by_length(self.module.encoder, *self.contexts.compositions)
        self._x = [{"system": systems[rows], "precursor": precursors} for rows in self.contexts.systems]

    def batches(self, targets: Tensor, size: int, generator: torch.Generator) -> list[Tensor]:
        """Return the places of targets (n,), in batches at random that come from one fold each."""
        folds = self.contexts.folds.cpu()[targets.cpu()]
        order = torch.randperm(len(targets), generator=generator)
        of_fold = (order[folds[order] == fold] for fold in range(len(self.contexts.graphs)))
        batches = [batch for places in of_fold for batch in torch.split(places, size) if len(batch)]
        return [batches[number].to(targets.device) for number in torch.randperm(len(batches), generator=generator)]

    def states(
        self, targets: Tensor, precursors: Tensor, target_embeddings: Tensor, precursor_embeddings: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the states (contexts, n, width) of targets of one fold and of precursors.

        Args:
            targets: (n,) nodes of the training graph, all of one fold.
            precursors: (m,) nodes.
            target_embeddings: (n, width).
            precursor_embeddings: (m, width).
        """
        fold = int(self.contexts.folds[targets[0]])
        received = self.contexts.received(fold, targets, precursors)
        return self.module.states(self._known_states(fold), received, target_embeddings, precursor_embeddings)

    def _known_states(self, fold: int) -> list[Mapping[str, Tensor]]:
        """Return the states of what is known to a fold; those that nothing learned changes are computed once."""
        if fold in self._known:
            return self._known[fold]
        known = self.module.known_states(self.contexts.graphs[fold], self._x[fold])
        learned = any(values.requires_grad for states in known for values in states.values())
        if torch.is_grad_enabled() and not learned:
            self._known[fold] = known
        return known
