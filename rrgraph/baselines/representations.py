"""Multi-label classifiers with three representations of the target: fractions, CrabNet, a pretrained encoder.

The encoders' width, the classifier and the loss are the same; only the representation and its pretraining differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from rrgraph.baselines.base import BASELINES
from rrgraph.baselines.multilabel import MultiLabelBaseline, cosine_loop, feedforward
from rrgraph.chem import ELEMENTS, Composition, fraction_matrix
from rrgraph.graph import featurise
from rrgraph.models import DEFAULT_ENCODER, load_encoder
from rrgraph.nn import CompositionEncoder, EncoderConfig, device_of, encode_by_length

__all__ = ["CompositionMultiLabel", "CrabNetMultiLabel", "MTEncoderMultiLabel"]


class EncodedClassifier(nn.Module):
    """A composition encoder under a feed-forward classifier.

    Args:
        encoder: returns embeddings.
        classifier: from an embedding to the logit of every output.
    """

    def __init__(self, encoder: CompositionEncoder, classifier: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.classifier = classifier

    def forward(self, elements: Tensor, fractions: Tensor) -> Tensor:
        """Return the logits (n, outputs) of compositions (n, k), which are on the processor."""
        logits: Tensor = self.classifier(encode_by_length(self.encoder, elements, fractions, device=device_of(self)))
        return logits


@BASELINES.register("composition_multilabel")
class CompositionMultiLabel(MultiLabelBaseline):
    """Multi-label classification from the atomic fractions of the target ("Composition" in Retro-Rank-In, section 4.1).

    A sparse vector with the atomic fraction of each element goes through feed-forward layers to one output for each
    training precursor, learned by binary cross-entropy.

    Departs from the paper: it states neither depth nor rates, which were chosen here on development rows; biases of the
    outputs start at the training frequencies, which saves epochs; every distinct reaction counts once.

    Args:
        width: of the hidden layers.
        layers: number of hidden layers.
        dropout: dropout probability in the hidden layers.
        epochs: passes over the training reactions at most.
        batch_size: reactions in a batch.
        learning_rate: at the start; it falls to zero along a cosine.
        weight_decay: of AdamW.
        seed: of weights, order and dropout.
        device: where it learns and predicts: `auto` takes a CUDA GPU when there is one; or cpu, cuda or mps.
    """

    name = "composition_multilabel"

    def __init__(
        self,
        *,
        width: int = 512,
        layers: int = 2,
        dropout: float = 0.1,
        epochs: int = 30,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.01,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(cosine_loop(epochs, batch_size, learning_rate, weight_decay), seed=seed, device=device)
        self.width, self.layers, self.dropout = width, layers, dropout

    def _build(self, outputs: int) -> nn.Module:
        return feedforward(len(ELEMENTS), self.width, self.layers, outputs, dropout=self.dropout)

    def _inputs(self, targets: Sequence[Composition]) -> tuple[Tensor, ...]:
        return (torch.from_numpy(fraction_matrix(targets)).to(self.device),)


@BASELINES.register("crabnet_multilabel")
class CrabNetMultiLabel(MultiLabelBaseline):
    """Multi-label classification from CrabNet (Wang et al., npj Computational Materials 2021, "Compositionally
    restricted attention-based network for materials property predictions"), as Retro-Rank-In compares with it.

    Each element of the target is a token: its mat2vec word vector, projected, plus sinusoidal encodings of its atomic
    fraction on a linear and a logarithmic scale. Transformer blocks attend over the elements; feed-forward
    layers give one output for each training precursor, learned by binary cross-entropy. Nothing is pretrained.

    Departs from the paper: the target is read from a token of its own, as in this package's encoder (CrabNet weighs
    a residual network's output for each element by its fraction); the encodings are continuous (CrabNet rounds to
    1 in 5,000), normalisation comes before attention, and AdamW on a cosine takes the place of Lamb with Lookahead
    and cycled rates. The encoder is smaller than CrabNet's (width 512, 11.9 million weights).

    Args:
        width: of the embedding.
        encoder_layers: transformer blocks.
        heads: attention heads.
        layers: hidden layers of the classifier.
        dropout: dropout probability.
        epochs: passes over the training reactions at most.
        batch_size: reactions in a batch.
        learning_rate: at the start; it falls to zero along a cosine.
        weight_decay: of AdamW.
        seed: of weights, order and dropout.
        device: where it learns and predicts: `auto` takes a CUDA GPU when there is one; or cpu, cuda or mps.
    """

    name = "crabnet_multilabel"

    def __init__(
        self,
        *,
        width: int = 128,
        encoder_layers: int = 3,
        heads: int = 4,
        layers: int = 1,
        dropout: float = 0.1,
        epochs: int = 30,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(cosine_loop(epochs, batch_size, learning_rate, weight_decay), seed=seed, device=device)
        self.layers = layers
        self.encoder = EncoderConfig(width=width, layers=encoder_layers, heads=heads, dropout=dropout)

    def _build(self, outputs: int) -> nn.Module:
        width, dropout = self.encoder.width, self.encoder.dropout
        classifier = feedforward(width, 2 * width, self.layers, outputs, dropout=dropout)
        return EncodedClassifier(CompositionEncoder(self.encoder), classifier)

    def _inputs(self, targets: Sequence[Composition]) -> tuple[Tensor, ...]:
        return featurise(targets)


@BASELINES.register("mtencoder_multilabel")
class MTEncoderMultiLabel(MultiLabelBaseline):
    """Multi-label classification from a pretrained encoder ("MTEncoder" in Retro-Rank-In, section 4.1).

    As `CrabNetMultiLabel`, but the encoder has learned properties of materials before (formation energy, band gap,
    space group, hidden elements and more) and is fine-tuned at a rate of its own.

    Departs from the paper: the encoder is the one that comes with this package, pretrained on other tables than
    MTEncoder (Prein et al. 2023), whose weights are not public; biases of the outputs start at the training
    frequencies.

    Args:
        encoder: bundled name or run folder of the pretrained encoder.
        layers: hidden layers of the classifier.
        dropout: dropout probability in encoder and classifier.
        epochs: passes over the training reactions at most.
        batch_size: reactions in a batch.
        learning_rate: of the classifier, at the start; it falls to zero along a cosine.
        encoder_learning_rate: of the encoder; 0 freezes it.
        weight_decay: of AdamW.
        seed: of weights, order and dropout.
        device: where it learns and predicts: `auto` takes a CUDA GPU when there is one; or cpu, cuda or mps.
    """

    name = "mtencoder_multilabel"

    def __init__(
        self,
        *,
        encoder: str = DEFAULT_ENCODER,
        layers: int = 1,
        dropout: float = 0.1,
        epochs: int = 12,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        encoder_learning_rate: float = 2e-4,
        weight_decay: float = 0.01,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(cosine_loop(epochs, batch_size, learning_rate, weight_decay), seed=seed, device=device)
        self.encoder, self.layers, self.dropout = encoder, layers, dropout
        self.encoder_learning_rate = encoder_learning_rate

    def _build(self, outputs: int) -> nn.Module:
        source = load_encoder(self.encoder, device="cpu").model
        encoder = CompositionEncoder(replace(source.config, dropout=self.dropout))
        encoder.load_state_dict(source.encoder.state_dict())
        width = source.config.width
        return EncodedClassifier(encoder, feedforward(width, 2 * width, self.layers, outputs, dropout=self.dropout))

    def _groups(self, network: nn.Module) -> Sequence[Mapping[str, Any]]:
        assert isinstance(network, EncodedClassifier)
        network.encoder.requires_grad_(self.encoder_learning_rate > 0)
        encoder = {"params": list(network.encoder.parameters()), "lr": self.encoder_learning_rate}
        classifier = {"params": list(network.classifier.parameters()), "lr": self.loop.learning_rate}
        return [encoder, classifier] if self.encoder_learning_rate > 0 else [classifier]

    def _inputs(self, targets: Sequence[Composition]) -> tuple[Tensor, ...]:
        return featurise(targets)
