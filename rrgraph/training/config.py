"""The settings of training, the same for every task, of both stages of a dual encoder, and of tree ensembles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rrgraph.nn import MOST_SPLITS, PRECISIONS
from rrgraph.util.settings import setting

__all__ = [
    "LAMBDARANK",
    "TREE_OBJECTIVES",
    "ContrastiveConfig",
    "LoopConfig",
    "RankingConfig",
    "TreesConfig",
]

LAMBDARANK: Final = "lambdarank"
"""The objective of trees that order the candidates of each list (LambdaMART)."""
TREE_OBJECTIVES: Final = ("pointwise", LAMBDARANK)
"""What trees may learn, see `TreesConfig`."""


@dataclass
class LoopConfig:
    """Optimisation and stopping, the same for every task.

    Attributes:
        epochs: largest number of passes over the data.
        patience: epochs without a better validation metric before training stops; 0 never stops early.
        batch_size: examples in a step.
        learning_rate: highest learning rate, of all weights that have no rate of their own.
        optimizer: optimiser: `adamw`; `fused_adamw`, the same with other last digits, several times faster for large
            tables of embeddings; or `muon` for the matrices of hidden layers and AdamW for the rest.
        weight_decay: weight decay of the optimiser.
        schedule: course of the learning rate after warm-up: `constant`, or `cosine` to zero over `epochs`.
        warmup: fraction of all steps over which the learning rates rise from zero.
        gradient_clip: largest norm of the gradient, 0 for none.
        ema_decay: decay of the exponential moving average of the weights, which is then what is validated and kept; 0
            keeps the weights themselves.
        monitor: validation metric that chooses the best epoch.
        precision: numeric precision: `full` computes in 32 bits, `auto` in bfloat16 where the processor has it.
    """

    epochs: int = setting(30, at_least=1)
    patience: int = setting(5, at_least=0)
    batch_size: int = setting(128, at_least=1)
    learning_rate: float = setting(6.81e-5, at_least=0, at_most=10)
    optimizer: str = setting("adamw", choices="rrgraph.training:OPTIMIZERS")
    weight_decay: float = setting(0.01, at_least=0, at_most=10)
    schedule: str = setting("constant", choices=("constant", "cosine"))
    warmup: float = setting(0.0, at_least=0, at_most=1)
    gradient_clip: float = setting(1.0, at_least=0)
    ema_decay: float = setting(0.0, at_least=0, below=1, alias="average")
    monitor: str = "top_1"
    precision: str = setting("full", choices=PRECISIONS)


@dataclass
class ContrastiveConfig(LoopConfig):
    """How a dual encoder learns from links alone, the first stage of ConRetroBert: the loop, with links as examples.

    Attributes:
        objective: what is contrasted: `in_batch` chooses among the nodes of the batch, from queries to candidates and
            back (InfoNCE); `all` chooses among all candidates (as MHNreact and, with a table of templates, NeuralSym
            do).
        diagonal: count every other link of the batch as negative, also one that shares its candidate, as published.
    """

    epochs: int = setting(10, at_least=1)
    patience: int = setting(0, at_least=0)
    batch_size: int = setting(512, at_least=1)
    learning_rate: float = setting(1e-3, at_least=0, at_most=10)
    schedule: str = setting("cosine", choices=("constant", "cosine"))
    warmup: float = setting(0.05, at_least=0, at_most=1)
    objective: str = setting("in_batch", choices="rrgraph.training:OBJECTIVES")
    diagonal: bool = False


@dataclass
class RankingConfig(LoopConfig):
    """How a dual encoder learns from lists of candidates, the second stage of ConRetroBert: queries are examples.

    Attributes:
        enabled: whether there is a second stage.
        candidate_encoder: what becomes of the candidate encoder: `frozen` keeps it; `live` trains it and mines
            candidates with it; `ema` trains it and mines with its slow moving average.
        candidates: number of candidates in each list.
        hard: candidates retrieved at each step, as near to the query as the index has them; the rest is random.
        smoothing: label smoothing.
        entropy_bonus: weight of the entropy of the predicted distribution.
        candidate_learning_rate: learning rate of the upper layers of the candidate encoder; the lower ones stay.
        decay: decay of the moving average of the candidate encoder, at each optimiser step.
    """

    enabled: bool = True
    epochs: int = setting(4, at_least=1)
    patience: int = setting(0, at_least=0)
    batch_size: int = setting(64, at_least=1)
    learning_rate: float = setting(2e-4, at_least=0, at_most=10)
    schedule: str = setting("cosine", choices=("constant", "cosine"))
    warmup: float = setting(0.05, at_least=0, at_most=1)
    candidate_encoder: str = setting("ema", choices="rrgraph.training:CANDIDATE_ENCODERS", alias="right")
    candidates: int = setting(64, at_least=1)
    hard: int = setting(56, at_least=0)
    smoothing: float = setting(0.02, at_least=0, below=1)
    entropy_bonus: float = setting(0.001, at_least=0, below=1)
    candidate_learning_rate: float = setting(1e-5, at_least=0, at_most=10, alias="right_learning_rate")
    decay: float = setting(0.99, at_least=0, below=1)


@dataclass
class TreesConfig:
    """Gradient-boosted trees over candidate sets.

    Attributes:
        n_trees: number of trees; 0 for none.
        objective: what the trees learn: `pointwise` distinguishes recorded sets from others, one set at a time (binary
            cross-entropy, scikit-learn); `lambdarank` orders the sets of each list, which makes the trees LambdaMART
            (LightGBM).
        weight: weight of the trees' scores beside those of the networks.
        depth: largest number of splits on the way to a leaf.
        max_leaves: largest number of leaves of a tree.
        min_samples_leaf: smallest number of sets in a leaf.
        learning_rate: factor on the output of each tree.
        l2: L2 regularisation, in sets of weight 1.
    """

    n_trees: int = setting(0, at_least=0, at_most=100_000, alias="number")
    objective: str = setting("pointwise", choices=TREE_OBJECTIVES)
    weight: float = setting(0.5, at_least=0)
    depth: int = setting(6, at_least=1, at_most=MOST_SPLITS)
    max_leaves: int = setting(40, at_least=2, at_most=100_000, alias="leaves")
    min_samples_leaf: int = setting(100, at_least=1, at_most=1_000_000_000, alias="least")
    learning_rate: float = setting(0.08, above=0, at_most=10)
    l2: float = setting(5.0, at_least=0, alias="regularisation")
