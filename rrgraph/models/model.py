"""A trained model: it scores links, embeds compositions and re-ranks sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition
from rrgraph.data import LinkBatch
from rrgraph.graph import UNRELATED_LOGIT, element_presence, featurise
from rrgraph.models.checkpoint import LinkCheckpoint
from rrgraph.nn import encode_by_length
from rrgraph.planning import LinkScorer

__all__ = ["Model"]

_ENCODER_BATCH_SIZE = 2048
_LINK_BATCH_SIZE = 65536


class Model(LinkScorer):
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
        if checkpoint.reranker is not None:
            self.reranker = replace(checkpoint.reranker, embed=self._embed_both)
        self._last_targets: tuple[list[str], Tensor] = [], torch.empty(0)

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
            encode_by_length(
                self.checkpoint.model.encoder, *featurise(compositions[start : start + _ENCODER_BATCH_SIZE])
            )
            for start in range(0, len(compositions), _ENCODER_BATCH_SIZE)
        ]
        return torch.cat(batches) if batches else torch.empty(0, self.checkpoint.model.config.width)

    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        """Return the logits (targets, candidates) of every link."""
        return self.link_logits(LinkBatch.grid(targets, candidates)).reshape(len(targets), len(candidates))

    def link_logits(self, links: LinkBatch) -> NDArray[np.float64]:
        """Return the logits (links,) of some links.

        A model with frequency features gives `UNRELATED_LOGIT` to a candidate that shares nothing but oxygen or
        hydrogen with the target.
        """
        if self.checkpoint.statistics is None:
            return self._decode(links)
        values = np.full(len(links), UNRELATED_LOGIT)
        related = np.flatnonzero(links.take(_share_elements(links.targets, links.candidates)))
        values[related] = self._decode(links.select(related))
        return values

    @torch.inference_mode()
    def _decode(self, links: LinkBatch) -> NDArray[np.float64]:
        targets, candidates = self._embed_both(links)
        counts = self.checkpoint.statistics
        features = None if counts is None else torch.from_numpy(counts.features(links))
        pieces = []
        for start in range(0, len(links), _LINK_BATCH_SIZE):
            batch = slice(start, start + _LINK_BATCH_SIZE)
            rows, columns = (torch.from_numpy(index[batch]) for index in (links.target_index, links.candidate_index))
            given = None if features is None else features[batch]
            pieces.append(self.checkpoint.model(targets[rows], candidates[columns], given))
        return torch.cat(pieces).double().numpy() if pieces else np.empty(0)

    def _embed_both(self, links: LinkBatch) -> tuple[Tensor, Tensor]:
        """Return the embeddings of the targets and of the candidates of links."""
        return self._of_targets(links.targets), self._cached(links.candidates)

    def _of_targets(self, targets: Sequence[Composition]) -> Tensor:
        """Return the embeddings of targets; links and re-ranker ask for the same ones, one after the other."""
        keys = [target.key for target in targets]
        if self._last_targets[0] != keys:
            self._last_targets = keys, self.embed(targets)
        return self._last_targets[1]

    def _cached(self, candidates: Sequence[Composition]) -> Tensor:
        missing = [candidate for candidate in candidates if candidate.key not in self._embeddings]
        if missing:
            self._embeddings.update(zip((m.key for m in missing), self.embed(missing), strict=True))
        return (
            torch.stack([self._embeddings[candidate.key] for candidate in candidates]) if candidates else self.embed([])
        )


def _share_elements(targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.bool_]:
    """Return which targets and candidates (targets, candidates) share an element other than oxygen and hydrogen."""
    own, others = (
        element_presence([each.elements - {"O", "H"} or each.elements for each in side]).astype(np.float32)
        for side in (targets, candidates)
    )
    return own @ others.T > 0
