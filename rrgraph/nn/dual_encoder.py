"""Two encoders whose embeddings are compared: nodes of either side flow in, similarities flow out.

The model of ConRetroBert (arXiv 2605.12736): a link is as likely as its ends are near each other, so that the best
partners of a node are found by searching vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from rrgraph.errors import ConfigError

__all__ = ["DualEncoder", "Inputs", "embed_all", "select"]

Inputs = tuple[Tensor, ...]
"""What an encoder takes of n nodes: tensors whose first dimension is n."""

_AT_ONCE = 1024


class DualEncoder(nn.Module):
    """An encoder for each side, compared by cosine over a temperature.

    Args:
        left: encoder of what is asked about (a product, a target): `Inputs` of n nodes -> (n, width).
        right: encoder of what answers (a template, a precursor), of the same width.
        temperature: what similarities are divided by (0.07 in ConRetroBert).
        normalise: compare directions alone; otherwise the similarity is the inner product.

    Raises:
        ConfigError: the temperature is not positive.
    """

    def __init__(self, left: nn.Module, right: nn.Module, *, temperature: float = 0.07, normalise: bool = True) -> None:
        super().__init__()
        if not temperature > 0:
            raise ConfigError(f"model.temperature={temperature} must be above 0.")
        self.left, self.right = left, right
        self.temperature = temperature
        self.normalise = normalise

    @property
    def device(self) -> torch.device:
        """Where the weights are, and embeddings are computed."""
        return next(self.parameters()).device

    def embed_left(self, *inputs: Tensor) -> Tensor:
        """Return the embeddings (n, width) of left nodes, whose inputs may be on any device."""
        return self._direct(self.left(*self._here(inputs)))

    def embed_right(self, *inputs: Tensor) -> Tensor:
        """Return the embeddings (n, width) of right nodes, whose inputs may be on any device."""
        return self._direct(self.right(*self._here(inputs)))

    def similarities(self, left: Tensor, right: Tensor) -> Tensor:
        """Return scores (..., n, m) of embeddings (..., n, width) and (..., m, width)."""
        return left @ right.transpose(-1, -2) / self.temperature

    def _here(self, inputs: Inputs) -> Inputs:
        return tuple(tensor.to(self.device) for tensor in inputs)

    def _direct(self, embeddings: Tensor) -> Tensor:
        return normalize(embeddings, dim=-1) if self.normalise else embeddings


def select(inputs: Inputs, nodes: Tensor) -> Inputs:
    """Return the inputs of some nodes."""
    return tuple(tensor[nodes] for tensor in inputs)


def embed_all(embed: Callable[..., Tensor], inputs: Inputs, *, at_once: int = _AT_ONCE) -> Tensor:
    """Return the embeddings of all nodes, computed in portions without gradients.

    Args:
        embed: of a `DualEncoder` or of one of its encoders, in evaluation mode.
        inputs: of n nodes.
        at_once: nodes in a portion.
    """
    with torch.no_grad():
        return torch.cat([embed(*part) for part in _portions(inputs, at_once)])


def _portions(inputs: Inputs, at_once: int) -> Iterable[Any]:
    return zip(*(tensor.split(at_once) for tensor in inputs), strict=True)
