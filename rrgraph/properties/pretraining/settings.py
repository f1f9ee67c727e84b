"""The choices that define how the composition encoder is pretrained."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PretrainingConfig"]

from rrgraph.training import LoopConfig


@dataclass
class PretrainingConfig(LoopConfig):
    """How the composition encoder is pretrained: the loop, with compositions as examples, and the weights of tasks.

    Attributes:
        balance: a label of a task with share p of the compositions weighs p^-balance: 0 weighs every label alike,
            1 every task.
        weighting: `balanced` as above; `learned` divides the loss of each task by a learned scale beside (Kendall et
            al. 2018, uncertainty weighting).
        masked_elements: share of the compositions that are shown once more with one element hidden.
        masked_fractions: share that are shown once more with two fractions hidden.
        masked_weight: weight of these two tasks beside the properties.
        single_label_share: share of the compositions with one label alone that an epoch takes, drawn anew each time.
        device: `auto` takes a GPU when there is one; or a name that torch knows, such as `cpu` or `cuda:1`.
        checkpoint_minutes: time between two states on disk, beside the one at the end of each epoch.
        validation_rows: validation compositions of each task used at each epoch at most; 0 uses all.
    """

    epochs: int = 30
    patience: int = 0
    batch_size: int = 256
    learning_rate: float = 1e-3
    optimizer: str = "muon"
    weight_decay: float = 0.02
    schedule: str = "cosine"
    warmup: float = 0.03
    average: float = 0.999
    monitor: str = "score"
    balance: float = 0.5
    weighting: str = "balanced"
    masked_elements: float = 0.1
    masked_fractions: float = 0.05
    masked_weight: float = 0.1
    single_label_share: float = 1.0
    precision: str = "auto"
    device: str = "auto"
    checkpoint_minutes: float = 10.0
    validation_rows: int = 4000
