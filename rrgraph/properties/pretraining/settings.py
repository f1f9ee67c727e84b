"""The settings of the composition encoder's pretraining."""

from __future__ import annotations

from dataclasses import dataclass

from rrgraph.nn import PRECISIONS
from rrgraph.training import OPTIMIZERS, LoopConfig
from rrgraph.util.settings import setting

__all__ = ["PretrainingConfig"]


@dataclass
class PretrainingConfig(LoopConfig):
    """How the composition encoder is pretrained: the loop, with compositions as examples, and the weights of tasks.

    Attributes:
        monitor: validation metric that chooses the best epoch.
        balance: exponent of the weights of labels: a label of a task with share p of the compositions weighs
            p^-balance: 0 weighs every label alike, 1 every task.
        weighting: weights of the tasks: `balanced`, as `balance` has it; `learned` divides the loss of each task by a
            learned scale beside (Kendall et al. 2018, uncertainty weighting).
        masked_elements: share of the compositions that are shown once more with one element hidden.
        masked_fractions: share of the compositions that are shown once more with two fractions hidden.
        masked_weight: weight of the tasks on hidden elements and fractions beside the properties.
        single_label_share: share of the compositions with one label alone that an epoch takes, drawn anew each time.
        device: where the encoder is trained: `auto` takes a CUDA GPU when there is one; or `cpu`, `cuda`, `cuda:1`
            or `mps`.
        checkpoint_minutes: minutes between two states on disk, beside the one at the end of each epoch.
        validation_rows: largest number of validation compositions of each task used at each epoch; 0 uses all.
    """

    epochs: int = setting(30, at_least=1)
    patience: int = setting(0, at_least=0)
    batch_size: int = setting(256, at_least=1)
    learning_rate: float = setting(1e-3, at_least=0, at_most=10)
    optimizer: str = setting("muon", choices=OPTIMIZERS)
    weight_decay: float = setting(0.02, at_least=0, at_most=10)
    schedule: str = setting("cosine", choices=("constant", "cosine"))
    warmup: float = setting(0.03, at_least=0, at_most=1)
    ema_decay: float = setting(0.999, at_least=0, below=1, alias="average")
    monitor: str = setting("score", choices=("score",))
    balance: float = setting(0.5, at_least=0, at_most=1)
    weighting: str = setting("balanced", choices="rrgraph.properties.pretraining:WEIGHTINGS")
    masked_elements: float = setting(0.1, at_least=0, at_most=1)
    masked_fractions: float = setting(0.05, at_least=0, at_most=1)
    masked_weight: float = setting(0.1, at_least=0)
    single_label_share: float = setting(1.0, at_least=0, at_most=1)
    precision: str = setting("auto", choices=PRECISIONS)
    device: str = "auto"
    checkpoint_minutes: float = setting(0.5, at_least=0)
    validation_rows: int = setting(4000, at_least=0)
