"""Search for the candidates whose vectors have the largest inner product with a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from rrgraph.errors import ConfigError

__all__ = ["EXACT_LIMIT", "RetrievalIndex"]

EXACT_LIMIT = 100_000
"""Largest index that is searched by a matrix product unless asked otherwise."""

_SCORES_IN_BATCH = 20_000_000
_NEIGHBOURS, _BREADTH = 32, 256


class RetrievalIndex:
    """Candidates as vectors.

    Up to `exact_limit` candidates every inner product is computed; beyond, a graph of neighbours is searched by FAISS
    (HNSW, Malkov and Yashunin 2018), which may miss some of the best.

    Args:
        vectors: (candidates, width) float32.
        exact_limit: largest number of candidates that is searched exactly.

    Raises:
        ConfigError: there are more and FAISS is not installed.
    """

    def __init__(self, vectors: Tensor, *, exact_limit: int = EXACT_LIMIT) -> None:
        self.vectors = vectors.detach()
        self._index = _hnsw(self.vectors) if len(vectors) > exact_limit else None

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, queries: Tensor, count: int, *, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the nearest candidates of each query.

        Args:
            queries: (queries, width).
            count: candidates of each; all of them where there are fewer.
            allowed: (queries, candidates) bool, which ones may be found; needs an exact search.

        Returns:
            Inner products (queries, count), largest first, -inf for one that is not allowed, and candidates (queries,
            count) int64, both on the device of the index.

        Raises:
            ConfigError: candidates are to be left out of an index that is not searched exactly.
        """
        count = min(count, len(self))
        if self._index is not None:
            if allowed is not None:
                raise ConfigError(
                    f"An index of {len(self):,} candidates is too large to leave some out for each query."
                )
            self._index.hnsw.efSearch = max(_BREADTH, 2 * count)
            scores, found = self._index.search(queries.detach().cpu().numpy(), count)
            device = self.vectors.device
            return torch.from_numpy(scores).to(device), torch.from_numpy(found).to(device)
        best = [torch.topk(products, count, dim=1) for products in self._products(queries, allowed)]
        return torch.cat([top.values for top in best]), torch.cat([top.indices for top in best])

    def log_partition(self, queries: Tensor, *, temperature: float, allowed: Tensor | None = None) -> Tensor:
        """Return the logarithm of the sum of exp(inner product / temperature) over all candidates, (queries, 1).

        Args:
            queries: (queries, width).
            temperature: of the softmax.
            allowed: (queries, candidates) bool, which ones take part.
        """
        return torch.cat(
            [torch.logsumexp(each / temperature, dim=1, keepdim=True) for each in self._products(queries, allowed)]
        )

    def _products(self, queries: Tensor, allowed: Tensor | None) -> Iterator[Tensor]:
        """Yield all inner products of batches of the queries."""
        step = max(1, _SCORES_IN_BATCH // max(len(self), 1))
        for start in range(0, len(queries), step):
            scores = queries[start : start + step].detach().to(self.vectors) @ self.vectors.T
            if allowed is not None:
                scores = scores.masked_fill(~allowed[start : start + step].to(scores.device), -torch.inf)
            yield scores


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
