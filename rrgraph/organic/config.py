"""The choices that define a model of products and templates; they travel with its weights."""

from __future__ import annotations

from dataclasses import dataclass, field

from rrgraph.training import TreesConfig

__all__ = ["ReactantRerankerConfig", "SearchConfig", "TemplateModelConfig", "TowerConfig"]


@dataclass
class TowerConfig:
    """One tower.

    Attributes:
        tower: name: `fingerprint`, `transformer`, or `table` (templates only).
        hidden: width inside.
        layers: of the feed-forward network, or transformer blocks.
        dropout: dropout probability.
        bits: numbers that hashed fragments have (fingerprint).
        radius: of circular fragments, in bonds (fingerprint).
        kinds: of the fragments, of `FRAGMENTS`; each has the same share of the bits (fingerprint, products only).
        fragment_dropout: share of the fragments that is hidden in training (fingerprint).
        heads: attention heads (transformer).
        tokens: `atoms` or `characters` (transformer).
        length: tokens at most, the rest is cut off (transformer).
    """

    tower: str = "fingerprint"
    hidden: int = 512
    layers: int = 1
    dropout: float = 0.2
    bits: int = 4096
    radius: int = 2
    kinds: list[str] = field(default_factory=lambda: ["circular"])
    fragment_dropout: float = 0.1
    heads: int = 4
    tokens: str = "atoms"
    length: int = 384


@dataclass
class TemplateModelConfig:
    """Both towers and how their vectors are compared.

    Attributes:
        width: of the vectors.
        temperature: what similarities are divided by.
        normalise: compare directions (cosine) or take inner products.
        product: tower of products.
        template: tower of templates.
    """

    width: int = 256
    temperature: float = 0.07
    normalise: bool = True
    product: TowerConfig = field(default_factory=TowerConfig)
    template: TowerConfig = field(default_factory=lambda: TowerConfig(bits=6144))


@dataclass
class SearchConfig:
    """How scores of templates become ranked sets of reactants.

    Attributes:
        templates: most probable templates that are applied.
        applicable: choose only among templates whose pattern is in the product; probabilities are then among those.
        merge: score of reactants that several templates lead to: `best`, or `sum` of their probabilities.
    """

    templates: int = 50
    applicable: bool = False
    merge: str = "best"


@dataclass
class ReactantRerankerConfig:
    """How sets of reactants are ranked again.

    Attributes:
        enabled: whether they are.
        folds: forests, each learned without its share of the validation products, which measure it.
        trees: of each forest.
    """

    enabled: bool = True
    folds: int = 5
    trees: TreesConfig = field(
        default_factory=lambda: TreesConfig(number=200, depth=6, leaves=31, least=50, learning_rate=0.05)
    )
