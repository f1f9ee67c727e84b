"""The popularity baseline, which ranks templates by their frequency in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

__all__ = ["TemplatePopularity"]


class TemplatePopularity:
    """Rank templates by their training rows, the same for every product.

    Args:
        counts: training rows of each template.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.templates, self.count = tuple(counts), dict(counts)
        self._logs = torch.tensor([float(count) for count in counts.values()]).log()

    def nearest(self, products: Sequence[str], count: int, *, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return log frequencies and indices of the templates, see `TemplatePredictor.nearest`."""
        logs = self._logs.expand(len(products), -1)
        if allowed is not None:
            logs = logs.masked_fill(~allowed, -torch.inf)
        best = logs.topk(min(count, len(self.templates)), dim=1)
        return best.values - logs.logsumexp(1, keepdim=True), best.indices
