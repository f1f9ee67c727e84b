"""The settings that define a model of products and templates; they are stored with its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rrgraph.errors import ConfigError
from rrgraph.training import LAMBDARANK, TreesConfig
from rrgraph.util.settings import setting

__all__ = [
    "MONITORED",
    "ReactantRerankerConfig",
    "SearchConfig",
    "SiteConfig",
    "TemplateModelConfig",
    "TextEncoderConfig",
]

MONITORED: Final = (1, 5, 10, 50)
"""The k of the metrics `top_k` that choose an epoch."""


@dataclass
class TextEncoderConfig:
    """The encoder of one side.

    Attributes:
        encoder: name of the encoder: `fingerprint`, `transformer`, `graph` and `graph_fingerprint` (products only), or
            `table` (templates only).
        hidden: width of the hidden layers.
        layers: number of layers of the feed-forward network, of transformer blocks, or of message passing.
        dropout: dropout probability.
        bits: length of the fingerprint that fragments are hashed to (fingerprint).
        radius: radius of circular fragments, in bonds (fingerprint).
        fragments: classes of fragments that are counted, distinct ones; each has the same share of the bits
            (fingerprint, products only).
        fragment_dropout: share of the fragments that is hidden in training (fingerprint).
        heads: number of attention heads (transformer).
        tokens: what is one token (transformer).
        length: largest number of tokens; the rest is cut off (transformer).
    """

    encoder: str = setting("fingerprint", choices="rrgraph.organic:TEXT_ENCODERS", alias="tower")
    hidden: int = setting(512, at_least=1, at_most=16_384)
    layers: int = setting(1, at_least=1, at_most=256)
    dropout: float = setting(0.2, at_least=0, below=1)
    bits: int = setting(4096, at_least=1, at_most=2**24)
    radius: int = setting(2, at_least=0, at_most=16)
    fragments: list[str] = setting(factory=lambda: ["circular"], choices="rrgraph.organic:FRAGMENTS", alias="kinds")
    fragment_dropout: float = setting(0.1, at_least=0, below=1)
    heads: int = setting(4, at_least=1, at_most=1024)
    tokens: str = setting("atoms", choices="rrgraph.organic:TOKENS")
    length: int = setting(384, at_least=1, at_most=100_000)

    def cross_check(self, prefix: str) -> None:
        """Refuse fragments that are named twice, or more classes of them than bits, by a `ConfigError`."""
        names = self.fragments
        if not names or len(set(names)) < len(names) or self.bits < len(names):
            raise ConfigError(
                f"Configuration value {prefix}fragments is {names}, expected distinct ones, at least one and no more "
                f"than {prefix}bits={self.bits}."
            )


@dataclass
class SiteConfig:
    """How the sites at which a template may be applied are distinguished.

    Attributes:
        enabled: whether templates are scored at each site of a product, and not for the product as a whole.
        hidden: width of the states of atoms.
        layers: number of layers of messages between atoms.
        dropout: dropout probability.
    """

    enabled: bool = False
    hidden: int = setting(192, at_least=1, at_most=16_384)
    layers: int = setting(5, at_least=1, at_most=256)
    dropout: float = setting(0.2, at_least=0, below=1)


@dataclass
class TemplateModelConfig:
    """Both encoders and how their vectors are compared.

    Attributes:
        width: dimension of the vectors.
        temperature: what similarities are divided by.
        normalise: compare directions (cosine) or take inner products.
        product: encoder of products.
        template: encoder of templates.
        sites: vectors of sites, which are added to that of the product.
    """

    width: int = setting(256, at_least=1, at_most=16_384)
    temperature: float = setting(0.07, above=0)
    normalise: bool = True
    product: TextEncoderConfig = setting(factory=TextEncoderConfig)
    template: TextEncoderConfig = setting(factory=lambda: TextEncoderConfig(bits=6144))
    sites: SiteConfig = setting(factory=SiteConfig)


@dataclass
class SearchConfig:
    """How scores of templates become ranked sets of reactants.

    Attributes:
        templates: number of most probable templates that are applied.
        applicable: choose only among templates whose pattern is in the product; probabilities are then among those.
        merge: score of reactants that several templates lead to: `best`, or `sum` of their probabilities.
    """

    templates: int = setting(50, at_least=1)
    applicable: bool = False
    merge: str = setting("best", choices="rrgraph.organic:MERGES")


@dataclass
class ReactantRerankerConfig:
    """How sets of reactants are re-ranked.

    Attributes:
        enabled: whether there is a re-ranker.
        folds: number of forests, each learned without its share of the validation products, which measure it.
        trees: of each forest.
    """

    enabled: bool = True
    folds: int = setting(5, at_least=2, at_most=100)
    trees: TreesConfig = setting(
        factory=lambda: TreesConfig(n_trees=200, depth=6, max_leaves=31, min_samples_leaf=50, learning_rate=0.05)
    )

    def cross_check(self, prefix: str) -> None:
        """Refuse a forest without trees, or one that gives no probabilities, by a `ConfigError`."""
        if self.trees.n_trees < 1:
            raise ConfigError(
                f"Configuration value {prefix}trees.n_trees is {self.trees.n_trees}, expected at least 1."
            )
        if self.trees.objective == LAMBDARANK:
            raise ConfigError(
                f"Configuration value {prefix}trees.objective is {LAMBDARANK}, expected pointwise: the "
                "probabilities of sets come from these trees alone."
            )
