"""Losses of a batch of links: log-odds of each positive and its negatives flow in, a scalar flows out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from rrgraph.registry import Registry

__all__ = ["LOSSES", "LinkLoss", "binary_cross_entropy", "sampled_softmax"]

LinkLoss = Callable[..., Tensor]
"""Takes logits (positives, 1 + negatives), the positive link first, and returns a scalar.

Keyword arguments are options, which `training.loss_options` sets.
"""

LOSSES: Registry[LinkLoss] = Registry("loss", group="rrgraph.losses")
"""Losses by the name that `training.loss` of a configuration takes."""


@LOSSES.register("bce")
def binary_cross_entropy(logits: Tensor) -> Tensor:
    """Mean binary cross-entropy over all pairs (Retro-Rank-In eq. 6, balanced with one negative a positive)."""
    labels = torch.zeros_like(logits)
    labels[:, 0] = 1
    return binary_cross_entropy_with_logits(logits, labels)


@LOSSES.register("softmax")
def sampled_softmax(logits: Tensor) -> Tensor:
    """Cross-entropy of choosing the positive among its negatives."""
    return cross_entropy(logits, logits.new_zeros(len(logits), dtype=torch.int64))
