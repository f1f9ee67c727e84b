"""A trained model as a scorer of links: compositions flow in, a numpy grid of log-odds flows out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.chem import Composition
from rrgraph.errors import ModelError
from rrgraph.graph import element_presence, featurise
from rrgraph.models.checkpoint import LinkCheckpoint
from rrgraph.nn import encode_by_length
from rrgraph.planning import TargetLinks
from rrgraph.properties import EnergyHead
from rrgraph.reranking import EnsembleReranker

__all__ = ["UNRELATED_LOG_ODDS", "Model"]

_ENCODER_BATCH = 2048
_PAIR_BATCH = 65536

UNRELATED_LOG_ODDS: Final = -30.0
"""Log-odds of a candidate that could not be meant."""


class Model:
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
            encode_by_length(self.checkpoint.model.encoder, *featurise(compositions[start : start + _ENCODER_BATCH]))
            for start in range(0, len(compositions), _ENCODER_BATCH)
        ]
        return torch.cat(batches) if batches else torch.empty(0, self.checkpoint.model.config.width)

    def logits(self, targets: Sequence[Composition], candidates: Sequence[Composition]) -> NDArray[np.float64]:
        """Return the log-odds (targets, candidates) of every link."""
        rows, columns = np.divmod(np.arange(len(targets) * len(candidates)), max(len(candidates), 1))
        return self.pair_logits(targets, candidates, rows, columns).reshape(len(targets), len(candidates))

    def pair_logits(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        target_index: NDArray[np.int64],
        candidate_index: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return the log-odds (pairs,) of the links `targets[target_index]` to `candidates[candidate_index]`.

        A model with link statistics gives `UNRELATED_LOG_ODDS` to a candidate that shares nothing but oxygen or
        hydrogen with the target.
        """
        if self.checkpoint.statistics is None:
            return self._decode(targets, candidates, target_index, candidate_index)
        values = np.full(len(target_index), UNRELATED_LOG_ODDS)
        meant = np.flatnonzero(_share_elements(targets, candidates)[target_index, candidate_index])
        values[meant] = self._decode(targets, candidates, target_index[meant], candidate_index[meant])
        return values

    @torch.inference_mode()
    def _decode(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        target_index: NDArray[np.int64],
        candidate_index: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        target_embeddings = self._of_targets(targets)
        candidate_embeddings = self._cached(candidates)
        counted = self.checkpoint.statistics
        statistics = None if counted is None else counted.features(targets, candidates, target_index, candidate_index)
        pieces = []
        for start in range(0, len(target_index), _PAIR_BATCH):
            part = slice(start, start + _PAIR_BATCH)
            rows, columns = torch.from_numpy(target_index[part]), torch.from_numpy(candidate_index[part])
            given = None if statistics is None else torch.from_numpy(statistics[part])
            pieces.append(self.checkpoint.model(target_embeddings[rows], candidate_embeddings[columns], given))
        return torch.cat(pieces).double().numpy() if pieces else np.empty(0)

    @property
    def ranks_sets(self) -> bool:
        """Whether the model has a second stage that ranks whole sets."""
        return self.checkpoint.ranker is not None

    @property
    def set_candidates(self) -> int:
        """Number of candidate sets that the second stage reads for each target."""
        return self._ranker.candidates

    def set_log_probabilities(
        self,
        targets: Sequence[Composition],
        candidates: Sequence[Composition],
        links: TargetLinks,
        sets: Sequence[Sequence[Sequence[int]]],
        told: Sequence[bool],
    ) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """Return calibrated log probabilities of the candidate sets of each target, and of none of them.

        Args:
            targets: t materials.
            candidates: c precursors.
            links: every link that competes.
            sets: for each target its sets, as positions among the candidates.
            told: of which targets the set size is told.

        Raises:
            ModelError: the model has no second stage.
        """
        ranker, statistics = self._ranker, self.checkpoint.statistics
        assert statistics is not None

        def describe(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
            return statistics.features(targets, candidates, rows, columns)

        if ranker.energy is not None:
            links = replace(links, energies=self._energies(ranker.energy, targets, candidates))
        return ranker.log_probabilities(targets, candidates, links, describe, sets, told)

    @torch.inference_mode()
    def _energies(
        self, head: EnergyHead, targets: Sequence[Composition], candidates: Sequence[Composition]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        return head(self._of_targets(targets)).numpy(), head(self._cached(candidates)).numpy()

    @property
    def _ranker(self) -> EnsembleReranker:
        if self.checkpoint.ranker is None:
            raise ModelError("The model has no set scorer: it ranks sets by their links alone.")
        return self.checkpoint.ranker

    def _of_targets(self, targets: Sequence[Composition]) -> Tensor:
        """Return the embeddings of targets; both stages ask for the same ones, one after the other."""
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
