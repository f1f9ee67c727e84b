"""The choices that define how a model learns."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ContrastiveConfig", "LoopConfig", "RankingConfig", "TreesConfig"]


@dataclass
class LoopConfig:
    """Optimisation and stopping, the same for every task.

    Attributes:
        epochs: passes over the data at most.
        patience: epochs without a better validation metric before training stops; 0 never stops early.
        batch_size: examples a step.
        learning_rate: of everything that has no rate of its own.
        optimizer: `adamw`; `fused_adamw`, the same with other last digits, several times faster for large tables of
            embeddings; or `muon` for the matrices of hidden layers and AdamW for the rest.
        weight_decay: of the optimiser.
        schedule: `constant`, or `cosine` to zero over `epochs`.
        warmup: fraction of all steps over which the rates rise from zero.
        gradient_clip: largest norm of the gradient, 0 for none.
        average: decay of the exponential moving average of the weights, which is then what is validated and kept;
            0 keeps the weights themselves.
        monitor: validation metric that chooses the best epoch.
        precision: `full` computes in 32 bits, `auto` in bfloat16 where the processor has it.
    """

    epochs: int = 30
    patience: int = 5
    batch_size: int = 128
    learning_rate: float = 6.81e-5
    optimizer: str = "adamw"
    weight_decay: float = 0.01
    schedule: str = "constant"
    warmup: float = 0.0
    gradient_clip: float = 1.0
    average: float = 0.0
    monitor: str = "top_1"
    precision: str = "full"


@dataclass
class ContrastiveConfig(LoopConfig):
    """How a dual encoder learns from links alone, the first stage of ConRetroBert: the loop, with links as examples.

    Attributes:
        objective: `in_batch` chooses among the nodes of the batch, from left to right and from right to left (InfoNCE);
            `all` chooses among all right nodes (as MHNreact and, with a table of templates, NeuralSym do).
        diagonal: count every other link of the batch as wrong, also one that shares its right node, as published.
    """

    epochs: int = 10
    patience: int = 0
    batch_size: int = 512
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup: float = 0.05
    objective: str = "in_batch"
    diagonal: bool = False


@dataclass
class RankingConfig(LoopConfig):
    """How a dual encoder learns from lists of candidates, the second stage of ConRetroBert: left nodes are examples.

    Attributes:
        enabled: whether there is this stage.
        right: `frozen` keeps the right encoder; `live` trains it and mines candidates with it; `ema` trains it and
            mines with its slow moving average.
        candidates: of each list.
        hard: candidates retrieved at each step, as nearest to the left node as the bank has; the rest is random.
        smoothing: of the labels.
        entropy_bonus: weight of the entropy of the predicted distribution.
        right_learning_rate: of the upper layers of the right encoder; the lower ones stay.
        decay: of the moving average, at each optimiser step.
    """

    enabled: bool = True
    epochs: int = 4
    patience: int = 0
    batch_size: int = 64
    learning_rate: float = 2e-4
    schedule: str = "cosine"
    warmup: float = 0.05
    right: str = "ema"
    candidates: int = 64
    hard: int = 56
    smoothing: float = 0.02
    entropy_bonus: float = 0.001
    right_learning_rate: float = 1e-5
    decay: float = 0.99


@dataclass
class TreesConfig:
    """Boosted trees over candidate sets.

    Attributes:
        number: of trees; 0 does without.
        weight: of their log-odds beside the scores of the networks.
        depth: splits on the way to a leaf at most.
        leaves: of a tree at most.
        least: sets in a leaf at least.
        learning_rate: share of a tree's answer that is taken.
        regularisation: L2, in sets of weight 1.
    """

    number: int = 0
    weight: float = 0.5
    depth: int = 6
    leaves: int = 40
    least: int = 100
    learning_rate: float = 0.08
    regularisation: float = 5.0
