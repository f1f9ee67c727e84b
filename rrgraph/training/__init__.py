"""How models learn: negative samplers, losses, and one loop for every task."""

from rrgraph.training.boosting import boost, fit_trees
from rrgraph.training.config import (
    ContrastiveConfig,
    LoopConfig,
    PretrainingConfig,
    RankingConfig,
    SetTrainingConfig,
    TrainingConfig,
    TreesConfig,
)
from rrgraph.training.dual import OBJECTIVES, RIGHT_ENCODERS, ContrastiveTask, Links, RankingTask
from rrgraph.training.links import LinkTask
from rrgraph.training.loop import History, Task, train
from rrgraph.training.losses import LOSSES, LinkLoss, listwise_cross_entropy
from rrgraph.training.optimizers import OPTIMIZERS
from rrgraph.training.pretraining import WEIGHTINGS, PretrainingTask
from rrgraph.training.samplers import SAMPLERS, NegativeSampler
from rrgraph.training.sets import SetTask
from rrgraph.training.state import STATE_FILE, remove_state
from rrgraph.training.stopping import EarlyStopping

__all__ = [
    "LOSSES",
    "OBJECTIVES",
    "OPTIMIZERS",
    "RIGHT_ENCODERS",
    "SAMPLERS",
    "STATE_FILE",
    "WEIGHTINGS",
    "ContrastiveConfig",
    "ContrastiveTask",
    "EarlyStopping",
    "History",
    "LinkLoss",
    "LinkTask",
    "Links",
    "LoopConfig",
    "NegativeSampler",
    "PretrainingConfig",
    "PretrainingTask",
    "RankingConfig",
    "RankingTask",
    "SetTask",
    "SetTrainingConfig",
    "Task",
    "TrainingConfig",
    "TreesConfig",
    "boost",
    "fit_trees",
    "listwise_cross_entropy",
    "remove_state",
    "train",
]
