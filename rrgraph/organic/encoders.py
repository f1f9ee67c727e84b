"""Encoders of products (queries) and templates (candidates), whose vectors are compared by the dual encoder.

An encoder also converts its texts to tensors, so that it can be stored with everything that prediction needs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, gelu

from rrgraph.errors import ConfigError, check_choice
from rrgraph.nn import Inputs
from rrgraph.organic.chemistry.fingerprints import product_fragments, sparse_rows, template_fragments
from rrgraph.organic.chemistry.tokens import PAD, Tokenizer
from rrgraph.organic.config import TextEncoderConfig
from rrgraph.util.registry import Registry

__all__ = [
    "SIDES",
    "TEXT_ENCODERS",
    "FingerprintEncoder",
    "TableEncoder",
    "TextEncoder",
    "TransformerEncoder",
    "text_encoder",
]

SIDES: Final = ("product", "template")

#: Encoders of molecules and templates, by name.
TEXT_ENCODERS: Registry[type[TextEncoder]] = Registry("encoder")


class TextEncoder(nn.Module, ABC):
    """An encoder of products or templates.

    Args:
        side: `product` or `template`.
        config: sizes.
        state: what it learned from the training texts, see `learn_state`.
        width: of the vectors.
    """

    def __init__(self, side: str, config: TextEncoderConfig, state: Mapping[str, Any], *, width: int) -> None:
        super().__init__()
        check_choice("side", side, SIDES)
        self.side = side
        self.config = config

    @classmethod
    def learn_state(cls, side: str, config: TextEncoderConfig, texts: Sequence[str]) -> dict[str, Any]:
        """Return what the encoder needs from the training texts, JSON-ready."""
        return {}

    @property
    def state(self) -> dict[str, Any]:
        """The value returned by `learn_state`."""
        return {}

    @abstractmethod
    def inputs(self, texts: Sequence[str]) -> Inputs:
        """Return the tensors of n texts."""

    @abstractmethod
    def forward(self, *inputs: Tensor) -> Tensor:
        """Return (n, width)."""

    @abstractmethod
    def upper_parameters(self) -> Sequence[nn.Parameter]:
        """Return the parameters that are trained in fine-tuning."""


def text_encoder(encoder: nn.Module) -> TextEncoder:
    """Return an encoder of a dual encoder, typed as a `TextEncoder`."""
    assert isinstance(encoder, TextEncoder)
    return encoder


@TEXT_ENCODERS.register("fingerprint")
class FingerprintEncoder(TextEncoder):
    """A feed-forward network on a sum of fragment vectors; fast on a CPU."""

    def __init__(self, side: str, config: TextEncoderConfig, state: Mapping[str, Any], *, width: int) -> None:
        super().__init__(side, config, state, width=width)
        # Equivalent to a linear layer over all bits, but only the fragments that occur are read.
        self.fragments = nn.EmbeddingBag(config.bits + 1, config.hidden, mode="sum", padding_idx=0)
        nn.init.normal_(self.fragments.weight, std=0.3)
        with torch.no_grad():
            self.fragments.weight[0] = 0
        self.norm = nn.LayerNorm(config.hidden)
        self.layers = nn.ModuleList(_Residual(config.hidden, config.dropout) for _ in range(config.layers - 1))
        self.project = nn.Linear(config.hidden, width)

    def inputs(self, texts: Sequence[str]) -> Inputs:
        rows = (self._fragments(text) for text in texts)
        return sparse_rows(rows, total=len(texts), label=f"{self.side} fingerprints")

    def _fragments(self, text: str) -> Mapping[int, int]:
        bits, radius = self.config.bits, self.config.radius
        if self.side == "template":
            return template_fragments(text, bits=bits, radius=radius)
        return product_fragments(text, bits=bits, radius=radius, fragments=self.config.fragments)

    def forward(self, *inputs: Tensor) -> Tensor:
        fragments, weights = inputs
        if self.training and self.config.fragment_dropout:
            weights = weights * (torch.rand_like(weights) >= self.config.fragment_dropout)
        states = gelu(self.norm(self.fragments(fragments, per_sample_weights=weights)))
        for layer in self.layers:
            states = layer(states)
        embeddings: Tensor = self.project(dropout(states, self.config.dropout, self.training))
        return embeddings

    def upper_parameters(self) -> Sequence[nn.Parameter]:
        return [*self.norm.parameters(), *self.layers.parameters(), *self.project.parameters()]


class _Residual(nn.Module):
    """A feed-forward layer added to its input."""

    def __init__(self, width: int, share: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner, self.outer = nn.Linear(width, width), nn.Linear(width, width)
        self.share = share

    def forward(self, states: Tensor) -> Tensor:
        inner = dropout(gelu(self.inner(self.norm(states))), self.share, self.training)
        change: Tensor = self.outer(inner)
        return states + change


@TEXT_ENCODERS.register("transformer")
class TransformerEncoder(TextEncoder):
    """A transformer over characters or atom tokens; the state of the start token is the embedding.

    Post-norm blocks, learned positions, GELU (ConRetroBert; 6 layers, width 256, 8 heads, feed-forward 1,024).
    """

    def __init__(self, side: str, config: TextEncoderConfig, state: Mapping[str, Any], *, width: int) -> None:
        super().__init__(side, config, state, width=width)
        self.tokenizer = Tokenizer(config.tokens, state["vocabulary"])
        if config.hidden % config.heads:
            raise ConfigError(f"model.hidden={config.hidden} must be a multiple of model.heads={config.heads}.")
        self.token = nn.Embedding(len(self.tokenizer), config.hidden, padding_idx=PAD)
        self.position = nn.Embedding(config.length, config.hidden)
        for embedding in (self.token, self.position):
            nn.init.normal_(embedding.weight, std=0.02)
        self.norm = nn.LayerNorm(config.hidden)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                config.hidden,
                config.heads,
                dim_feedforward=4 * config.hidden,
                dropout=config.dropout,
                activation="gelu",
                batch_first=True,
            )
            for _ in range(config.layers)
        )
        self.project = nn.Linear(config.hidden, width) if width != config.hidden else nn.Identity()

    @classmethod
    def learn_state(cls, side: str, config: TextEncoderConfig, texts: Sequence[str]) -> dict[str, Any]:
        return {"vocabulary": Tokenizer.learn(config.tokens, texts)}

    @property
    def state(self) -> dict[str, Any]:
        return {"vocabulary": list(self.tokenizer.vocabulary)}

    def inputs(self, texts: Sequence[str]) -> Inputs:
        return (self.tokenizer(texts, length=self.config.length),)

    def forward(self, *inputs: Tensor) -> Tensor:
        (tokens,) = inputs
        # Padding is cut to the longest text of the batch.
        length = int((tokens != PAD).sum(1).max())
        tokens = tokens[:, :length].long()
        states = self.norm(self.token(tokens) + self.position.weight[:length])
        states = dropout(states, self.config.dropout, self.training)
        padding = tokens == PAD
        for block in self.blocks:
            states = block(states, src_key_padding_mask=padding)
        embeddings: Tensor = self.project(states[:, 0])
        return embeddings

    def upper_parameters(self) -> Sequence[nn.Parameter]:
        upper = self.blocks[len(self.blocks) // 2 :]
        return [*upper.parameters(), *self.project.parameters()]


@TEXT_ENCODERS.register("table")
class TableEncoder(TextEncoder):
    """A learned vector for each training template, which makes the dual encoder a classifier (NeuralSym).

    Templates outside the table have the vector 0.
    """

    def __init__(self, side: str, config: TextEncoderConfig, state: Mapping[str, Any], *, width: int) -> None:
        super().__init__(side, config, state, width=width)
        if side != "template":
            raise ConfigError("The encoder 'table' is for templates only; use fingerprint or transformer for products.")
        self.index = {text: index for index, text in enumerate(state["texts"], start=1)}
        self.vectors = nn.Embedding(len(self.index) + 1, width, padding_idx=0)
        nn.init.normal_(self.vectors.weight, std=width**-0.5)
        with torch.no_grad():
            self.vectors.weight[0] = 0

    @classmethod
    def learn_state(cls, side: str, config: TextEncoderConfig, texts: Sequence[str]) -> dict[str, Any]:
        return {"texts": list(dict.fromkeys(texts))}

    @property
    def state(self) -> dict[str, Any]:
        return {"texts": list(self.index)}

    def inputs(self, texts: Sequence[str]) -> Inputs:
        return (torch.tensor([self.index.get(text, 0) for text in texts], dtype=torch.int64),)

    def forward(self, *inputs: Tensor) -> Tensor:
        embeddings: Tensor = self.vectors(inputs[0])
        return embeddings

    def upper_parameters(self) -> Sequence[nn.Parameter]:
        return list(self.vectors.parameters())
