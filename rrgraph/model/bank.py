"""Nearest vectors: queries flow in, the candidates with the largest inner product flow out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rrgraph.errors import ConfigError

__all__ = ["EXACT_LIMIT", "EmbeddingBank"]

EXACT_LIMIT = 100_000
"""Largest bank that is searched by a matrix product unless asked otherwise."""

_SCORES_AT_ONCE = 20_000_000
_NEIGHBOURS, _BREADTH = 32, 256


class EmbeddingBank:
    """Candidates as vectors.

    Up to `exact_limit` candidates every inner product is computed; beyond, a graph of neighbours is searched by FAISS
    (HNSW, Malkov and Yashunin 2018), which may miss some of the best.

    Args:
        vectors: (candidates, width) float32.
        exact_limit: largest number of candidates that is searched exactly.

    Raises:
        ConfigError: the bank is larger and FAISS is not installed.
    """

    def __init__(self, vectors: Tensor, *, exact_limit: int = EXACT_LIMIT) -> None:
        self.vectors = vectors.detach()
        self._index = _hnsw(self.vectors) if len(vectors) > exact_limit else None

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, queries: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the nearest candidates of each query.

        Args:
            queries: (queries, width).
            count: candidates of each; all of them where there are fewer.

        Returns:
            Inner products (queries, count), largest first, and candidates (queries, count) int64.
        """
        count = min(count, len(self))
        if self._index is not None:
            self._index.hnsw.efSearch = max(_BREADTH, 2 * count)
            scores, found = self._index.search(queries.detach().cpu().numpy(), count)
            return torch.from_numpy(scores), torch.from_numpy(found)
        portions = queries.detach().split(max(1, _SCORES_AT_ONCE // max(len(self), 1)))
        best = [torch.topk(part @ self.vectors.T, count, dim=1) for part in portions]
        return torch.cat([top.values for top in best]), torch.cat([top.indices for top in best])

    def log_partition(self, queries: Tensor, found: Tensor, *, temperature: float) -> Tensor:
        """Return the logarithm of the sum of exp(inner product / temperature) over the candidates, (queries, 1).

        Args:
            queries: (queries, width).
            found: (queries, k) logits of the nearest ones, over which alone the sum runs where the bank is not
                searched exactly.
            temperature: of the softmax.
        """
        if self._index is not None:
            return found.logsumexp(1, keepdim=True)
        portions = queries.detach().split(max(1, _SCORES_AT_ONCE // max(len(self), 1)))
        sums = [torch.logsumexp(part @ self.vectors.T / temperature, dim=1, keepdim=True) for part in portions]
        return torch.cat(sums)


def _hnsw(vectors: Tensor) -> Any:
    try:
        import faiss
    except ImportError:
        raise ConfigError(
            f"Searching {len(vectors):,} candidates needs FAISS; install it with: pip install 'rrgraph[retrieval]'."
        ) from None
    index = faiss.IndexHNSWFlat(vectors.shape[1], _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _BREADTH
    index.add(vectors.cpu().numpy())
    return index
