"""Retrieval-Retro: a multi-label classifier in which the target attends to references found by two retrievers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rrgraph.baselines.base import BASELINES
from rrgraph.baselines.multilabel import MultiLabelBaseline, cosine_loop, feedforward
from rrgraph.baselines.retrieval.precursor_completion import CompletionEncoder
from rrgraph.baselines.retrieval.references import ReferenceFinder
from rrgraph.chem import Composition
from rrgraph.data import ReactionTable
from rrgraph.errors import ConfigError
from rrgraph.graph import featurise
from rrgraph.models import DEFAULT_ENCODER, load_encoder
from rrgraph.nn import CompositionEncoder, EncoderConfig, device_of, encode_by_length, select

__all__ = ["RetrievalRetro"]


@BASELINES.register("retrieval_retro")
class RetrievalRetro(MultiLabelBaseline):
    """Retrieval-Retro (Noh et al., NeurIPS 2024, "Retrieval-Retro: Retrieval-based Inorganic Retrosynthesis with Expert
    Knowledge").

    Two retrievers find known materials for the target: one by masked precursor completion (MPC), one by neural
    reaction energy (NRE), see `ReferenceFinder`. For each retriever, the references are fused with the target and
    processed by self-attention, and the target attends to them by cross-attention. The target and both results go
    through feed-forward layers to one output for each training precursor, learned by binary cross-entropy.

    Departs from the paper: materials are encoded by self-attention over their elements with mat2vec vectors (paper:
    message passing over the fully connected graph of elements with matscholar vectors). The reaction energy counts
    amounts by mass balance and the released gases, from formation energies predicted by this package's encoder (in
    the published code: energy of the target minus the plain sum of the precursors'). References are distinct
    materials, never the target itself (paper: rows other than its own, so that a repeated row is its own reference).
    If NRE finds too few, the next ones of MPC follow (paper: the same ones again). AdamW has a cosine schedule.

    Args:
        references: number of references from each retriever.
        width: of the embeddings.
        encoder_layers: transformer blocks over the elements.
        heads: attention heads of all attention layers.
        layers: hidden layers of the classifier.
        dropout: dropout probability.
        encoder: bundled name or run folder of the pretrained encoder that predicts formation energies.
        completion_width: of the MPC embeddings.
        completion_epochs: passes over the training reactions for MPC.
        epochs: passes over the training reactions at most.
        batch_size: reactions in a batch.
        learning_rate: at the start; it falls to zero along a cosine.
        weight_decay: of AdamW.
        seed: of weights, order and dropout.
        device: where it learns and predicts: `auto` takes a CUDA GPU when there is one; or cpu, cuda or mps.
    """

    name = "retrieval_retro"

    def __init__(
        self,
        *,
        references: int = 3,
        width: int = 128,
        encoder_layers: int = 2,
        heads: int = 4,
        layers: int = 1,
        dropout: float = 0.1,
        encoder: str = DEFAULT_ENCODER,
        completion_width: int = 64,
        completion_epochs: int = 30,
        epochs: int = 12,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(cosine_loop(epochs, batch_size, learning_rate, weight_decay), seed=seed, device=device)
        if references < 1:
            raise ConfigError(f"Option references of the baseline '{self.name}' is {references}, expected 1 or more.")
        self.references, self.layers, self.encoder = references, layers, encoder
        self.materials = EncoderConfig(width=width, layers=encoder_layers, heads=heads, dropout=dropout)
        self.completion_width, self.completion_epochs = completion_width, completion_epochs
        self.finder: ReferenceFinder | None = None
        """The two retrievers, once fitted."""

    def _prepare(self, table: ReactionTable) -> None:
        completion = CompletionEncoder()
        completion.fit(
            table, width=self.completion_width, epochs=self.completion_epochs, seed=self.seed, device=self.device
        )
        self.finder = ReferenceFinder(table, completion, load_encoder(self.encoder, device=str(self.device)))

    def _build(self, outputs: int) -> nn.Module:
        assert self.finder is not None
        return _RetrievalNetwork(self.materials, self.finder.materials, self.layers, outputs)

    def _inputs(self, targets: Sequence[Composition]) -> tuple[Tensor, ...]:
        assert self.finder is not None
        return *featurise(targets), self.finder.find(targets, self.references)


class _RetrievalNetwork(nn.Module):
    """Encoder of materials, two readers of references and the classifier.

    Args:
        config: of the encoder; its heads and dropout are those of the readers too.
        known: materials that references point to.
        layers: hidden layers of the classifier.
        outputs: number of outputs.
    """

    def __init__(self, config: EncoderConfig, known: Sequence[Composition], layers: int, outputs: int) -> None:
        super().__init__()
        self.known = featurise(known)  # stays on the processor, like what is given
        self.encoder = CompositionEncoder(config)
        self.nothing = nn.Parameter(torch.zeros(1, config.width))
        self.readers = nn.ModuleList(_ReferenceReader(config) for _ in range(2))
        self.classifier = feedforward(3 * config.width, 2 * config.width, layers, outputs, dropout=config.dropout)

    def forward(self, elements: Tensor, fractions: Tensor, references: Tensor) -> Tensor:
        """Return the logits (n, outputs) of compositions (n, k) with references (n, 2, r), -1 for none.

        What is given is on the processor.
        """
        device = device_of(self)
        targets = encode_by_length(self.encoder, elements, fractions, device=device)
        distinct, index = torch.unique(references, return_inverse=True)
        known = distinct[distinct >= 0]
        # -1 is sorted first, so its embedding comes before those of the materials.
        embeddings = encode_by_length(self.encoder, *select(self.known, known), device=device)
        if len(known) < len(distinct):
            embeddings = torch.cat([self.nothing, embeddings])
        retrieved = embeddings[index.to(device, non_blocking=True)]
        readings = [reader(targets, retrieved[:, number]) for number, reader in enumerate(self.readers)]
        logits: Tensor = self.classifier(torch.cat([targets, *readings], dim=-1))
        return logits


class _ReferenceReader(nn.Module):
    """Attention of a target to its references: fusion, self-attention, cross-attention.

    Args:
        config: width, heads and dropout.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = config.width
        self.fuse = nn.Sequential(nn.Linear(2 * width, width), nn.PReLU())
        self.compare = nn.TransformerEncoderLayer(
            width, config.heads, 2 * width, config.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.read = nn.MultiheadAttention(width, config.heads, config.dropout, batch_first=True)
        self.norm = nn.LayerNorm(width)

    def forward(self, targets: Tensor, references: Tensor) -> Tensor:
        """Return the attention of targets (n, width) to references (n, r, width), (n, width)."""
        together = targets[:, None].expand_as(references)
        fused = self.compare(self.fuse(torch.cat([references, together], dim=-1)))
        reading, _ = self.read(targets[:, None], fused, fused, need_weights=False)
        result: Tensor = self.norm(reading[:, 0])
        return result
