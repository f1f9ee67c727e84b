"""SynthesisSimilarity: the precursor sets of the targets with the most similar learned embeddings, adapted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rrgraph.baselines.base import BASELINES
from rrgraph.baselines.retrieval.walk import RetrievalBaseline, Usable
from rrgraph.chem import ATOMIC_NUMBERS, Composition, source_elements
from rrgraph.data import ReactionTable

if TYPE_CHECKING:
    from rrgraph.baselines.retrieval.precursor_completion import CompletionEncoder

__all__ = ["SynthesisSimilarity"]


@BASELINES.register("synthesis_similarity")
class SynthesisSimilarity(RetrievalBaseline):
    """SynthesisSimilarity (He et al., Science Advances 2023, 9, eadg8180).

    The first set consists of the most common precursor of each element. Then reference targets follow in the order of
    their similarity in the space of the masked-precursor-completion encoder (`CompletionEncoder`); their precursors
    without foreign elements are used, and the same network completes the set.

    Departs from the paper: the encoder is a small one (see there). Recorded sets of one reference target are
    separate references, the most frequent first, because sets and not merged recipes are ranked. In the paper
    a set is valid if it covers all elements but O and H; here the constraints of the planner determine which elements
    have to be covered, so that all systems follow the same rules.

    Args:
        width: dimension of the encoder's embedding.
        epochs: passes over the training reactions.
        common_first: begin with the most common precursor of each element, as in the paper.
        seed: of the encoder.
        device: where it learns and predicts: `auto` takes a CUDA GPU when there is one; or cpu, cuda or mps.
    """

    name = "synthesis_similarity"

    def __init__(
        self,
        *,
        width: int = 64,
        epochs: int = 30,
        common_first: bool = True,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__()
        self.width = width
        self.epochs = epochs
        self.common_first = common_first
        self.seed, self.device = seed, device
        self._encoder: CompletionEncoder | None = None

    def _learn_vectors(self, table: ReactionTable) -> None:
        from rrgraph.baselines.retrieval.precursor_completion import CompletionEncoder
        from rrgraph.nn import choose_device

        self._encoder = CompletionEncoder().fit(
            table, width=self.width, epochs=self.epochs, seed=self.seed, device=choose_device(self.device)
        )

    def _vectors(self, compositions: Sequence[Composition]) -> NDArray[np.float32]:
        assert self._encoder is not None
        return self._encoder.embed(compositions).numpy()

    def _preferences(
        self, target: Composition, usable: Usable, sets: Sequence[tuple[int, ...]]
    ) -> Sequence[NDArray[np.floating]]:
        assert self._encoder is not None
        known = [[self._vocabulary[index] for index in members] for members in sets]
        # Both vocabularies are the training precursors in order of their keys.
        return list(self._encoder.logits([target] * len(sets), known).numpy())

    def _first(self, target: Composition, usable: Usable) -> Iterator[tuple[int, ...]]:
        if not self.common_first:
            return
        common = set()
        for symbol in source_elements(target):
            options = np.flatnonzero(usable.allowed[:-1] & self._contains[:, ATOMIC_NUMBERS[symbol] - 1])
            if len(options):
                common.add(int(options[usable.popular[options].argmax()]))
        whole = usable.completed(tuple(sorted(common)), usable.popular)
        if whole:
            yield whole
