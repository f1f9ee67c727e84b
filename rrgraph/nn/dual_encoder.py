"""Two encoders whose embeddings are compared, the model of ConRetroBert (arXiv 2605.12736).

A link is as likely as its ends are near each other, so that the best candidates for a query are found by a search
among vectors.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from rrgraph.errors import ConfigError

__all__ = ["DualEncoder", "Inputs", "embed_all", "select"]

Inputs = tuple[Tensor, ...]
"""What an encoder takes of n nodes: tensors whose first dimension is n."""

_BATCH_SIZE = 1024


class DualEncoder(nn.Module):
    """An encoder for each side, compared by cosine over a temperature.

    Args:
        query_encoder: of what is asked about (a product, a target): `Inputs` of n nodes -> (n, width).
        candidate_encoder: of what may answer (a template, a precursor), of the same width.
        temperature: what similarities are divided by (0.07 in ConRetroBert).
        normalise: compare directions alone; otherwise the similarity is the inner product.

    Raises:
        ConfigError: the temperature is not positive.
    """

    def __init__(
        self,
        query_encoder: nn.Module,
        candidate_encoder: nn.Module,
        *,
        temperature: float = 0.07,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ConfigError(f"model.temperature={temperature} must be above 0.")
        # The names of the attributes are those of tensors in checkpoints.
        self.left, self.right = query_encoder, candidate_encoder
        self.temperature = temperature
        self.normalise = normalise

    @property
    def device(self) -> torch.device:
        """Where the weights are, and embeddings are computed."""
        return next(self.parameters()).device

    def embed_queries(self, *inputs: Tensor) -> Tensor:
        """Return the embeddings (n, width) of queries, whose inputs may be on any device."""
        return self.direct(self.left(*self._here(inputs)))

    def embed_candidates(self, *inputs: Tensor) -> Tensor:
        """Return the embeddings (n, width) of candidates, whose inputs may be on any device."""
        return self.direct(self.right(*self._here(inputs)))

    def similarities(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Return scores (..., n, m) of embeddings (..., n, width) and (..., m, width)."""
        return queries @ candidates.transpose(-1, -2) / self.temperature

    def direct(self, embeddings: Tensor) -> Tensor:
        """Return embeddings as they are compared: of length 1 where directions alone are."""
        return normalize(embeddings, dim=-1) if self.normalise else embeddings

    def _here(self, inputs: Inputs) -> Inputs:
        return tuple(tensor.to(self.device, non_blocking=True) for tensor in inputs)


def select(inputs: Inputs, nodes: Tensor) -> Inputs:
    """Return the inputs of some nodes; they stay where they are, and nodes on the processor wait for no device."""
    return tuple(tensor[nodes.to(tensor.device, non_blocking=True)] for tensor in inputs)


def embed_all(embed: Callable[..., Tensor], inputs: Inputs, *, batch_size: int = _BATCH_SIZE) -> Tensor:
    """Return the embeddings of all nodes, computed in batches without gradients.

    Args:
        embed: of a `DualEncoder` or of one of its encoders, in evaluation mode.
        inputs: of n nodes.
        batch_size: nodes in a batch.
    """
    with torch.no_grad():
        batches = zip(*(torch.split(tensor, batch_size) for tensor in inputs), strict=True)
        return torch.cat([embed(*batch) for batch in batches])
