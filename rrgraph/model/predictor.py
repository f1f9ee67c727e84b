"""A trained model as a scorer of links: compositions flow in, a numpy grid of log-odds flows out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition
from rrgraph.graph import COUNTED, STATISTICS, featurise, overlap, presence
from rrgraph.model.checkpoint import LinkCheckpoint
from rrgraph.model.encoder import encode_by_length

__all__ = ["LinkPredictor"]

_ENCODER_BATCH = 2048
_PAIR_BATCH = 65536


class LinkPredictor:
    """Score links between any targets and any candidates, seen in training or not.

    Args:
        checkpoint: the trained model.
    """

    def __init__(self, checkpoint: LinkCheckpoint) -> None:
        self.checkpoint = checkpoint
        self.vocabulary = checkpoint.vocabulary
        self._counts = {
            precursor.key: int(count) for precursor, count in zip(checkpoint.vocabulary, checkpoint.counts, strict=True)
        }
        self._embeddings: dict[str, Tensor] = {}

    def count(self, precursor: Composition) -> int:
        """Return how many distinct training targets link to `precursor`; 0 means never seen."""
        return self._counts.get(precursor.key, 0)

    @property
    def seen(self) -> tuple[Composition, ...]:
        """The precursors that occur in the training reactions."""
        return tuple(precursor for precursor in self.vocabulary if self.count(precursor))

    @property
    def systems(self) -> frozenset[str] | None:
        """The element systems of the training targets, None where the model does not record them."""
        return self.checkpoint.systems

    @torch.inference_mode()
    def embed(self, compositions: Sequence[Composition]) -> Tensor:
        """Return the embeddings (n, width) of any compositions."""
        self.checkpoint.model.eval()
        batches = [
            encode_by_length(self.checkpoint.model.encoder, *featurise(compositions[start : start + _ENCODER_BATCH]))
            for start in range(0, len(compositions), _ENCODER_BATCH)
        ]
        return torch.cat(batches) if batches else torch.empty(0, self.checkpoint.model.config.width)

    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        """Return the log-odds (targets, candidates) of every link."""
        rows, columns = np.divmod(np.arange(len(targets) * len(candidates)), max(len(candidates), 1))
        return self.pair_logits(targets, candidates, rows, columns).reshape(len(targets), len(candidates))

    @torch.inference_mode()
    def pair_logits(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        target_index: NDArray[np.int64],
        candidate_index: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return the log-odds (pairs,) of the links `targets[target_index]` to `candidates[candidate_index]`."""
        target_embeddings = self.embed(targets)
        candidate_embeddings = self._cached(candidates)
        statistics = self._statistics(targets, candidates, target_index, candidate_index)
        pieces = []
        for start in range(0, len(target_index), _PAIR_BATCH):
            part = slice(start, start + _PAIR_BATCH)
            rows, columns = torch.from_numpy(target_index[part]), torch.from_numpy(candidate_index[part])
            given = None if statistics is None else torch.from_numpy(statistics[part])
            pieces.append(self.checkpoint.model(target_embeddings[rows], candidate_embeddings[columns], given))
        return torch.cat(pieces).double().numpy() if pieces else np.empty(0)

    def _cached(self, candidates: Sequence[Composition]) -> Tensor:
        missing = [candidate for candidate in candidates if candidate.key not in self._embeddings]
        if missing:
            self._embeddings.update(zip((m.key for m in missing), self.embed(missing), strict=True))
        return (
            torch.stack([self._embeddings[candidate.key] for candidate in candidates]) if candidates else self.embed([])
        )

    def _statistics(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        target_index: NDArray[np.int64],
        candidate_index: NDArray[np.int64],
    ) -> NDArray[np.float32] | None:
        statistics = self.checkpoint.statistics
        if statistics is None:
            return None
        rows = statistics.vocabulary_rows(candidates)[candidate_index]
        grouped = np.argsort(target_index, kind="stable")
        bounds = np.searchsorted(target_index[grouped], np.arange(len(targets) + 1))
        pieces = np.empty((len(target_index), len(STATISTICS)), dtype=np.float32)
        brought = presence(candidates)
        for target, (start, stop) in zip(targets, pairwise(bounds), strict=True):
            pairs = grouped[start:stop]
            if len(pairs):
                pieces[pairs, : len(COUNTED)] = statistics.features(target.elements)[rows[pairs]]
                pieces[pairs, len(COUNTED) :] = overlap(presence([target]), brought)[0, candidate_index[pairs]]
        return pieces
