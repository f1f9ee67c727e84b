"""Losses of a batch of links, from the logits of positive and other links."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, log_softmax

from rrgraph.util.registry import Registry

__all__ = ["LOSSES", "LinkLoss", "binary_cross_entropy", "listwise_cross_entropy", "sampled_softmax"]

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


def listwise_cross_entropy(
    scores: Tensor, positive: Tensor, *, smoothing: float = 0.0, entropy_bonus: float = 0.0
) -> Tensor:
    """Mean cross-entropy of lists of candidates, each with one positive or more (ConRetroBert, arXiv 2605.12736).

    The wanted distribution of a list of n candidates with p positives is (1 - smoothing) / p on each positive, plus
    smoothing / n on every candidate.

    Args:
        scores: (lists, n); -inf leaves a candidate out.
        positive: (lists, n) bool, at least one in each list.
        smoothing: label smoothing.
        entropy_bonus: weight of the entropy of the predicted distribution, which is taken off.
    """
    logs = log_softmax(scores, dim=1)
    share = positive / positive.sum(1, keepdim=True)
    loss = -(logs.where(positive, 0.0) * share).sum(1)
    if not smoothing and not entropy_bonus:
        return loss.mean()
    kept = scores > -torch.inf
    finite = logs.where(kept, 0.0)
    even = -finite.sum(1) / kept.sum(1)
    entropy = -(finite.exp() * finite).where(kept, 0.0).sum(1)
    return ((1 - smoothing) * loss + smoothing * even - entropy_bonus * entropy).mean()
