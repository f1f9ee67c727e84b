"""How models learn: negative samplers, losses, and one loop for every task."""

from rrgraph.training.boosting import boost
from rrgraph.training.config import ContrastiveConfig, LoopConfig, RankingConfig, TreesConfig
from rrgraph.training.dual import OBJECTIVES, RIGHT_ENCODERS, ContrastiveTask, Links, RankingTask
from rrgraph.training.loop import Task, train
from rrgraph.training.losses import LOSSES, LinkLoss, listwise_cross_entropy
from rrgraph.training.optimizers import OPTIMIZERS
from rrgraph.training.state import STATE_FILE, History, remove_state
from rrgraph.training.stopping import EarlyStopping

__all__ = [
    "LOSSES",
    "OBJECTIVES",
    "OPTIMIZERS",
    "RIGHT_ENCODERS",
    "STATE_FILE",
    "ContrastiveConfig",
    "ContrastiveTask",
    "EarlyStopping",
    "History",
    "LinkLoss",
    "Links",
    "LoopConfig",
    "RankingConfig",
    "RankingTask",
    "Task",
    "TreesConfig",
    "boost",
    "listwise_cross_entropy",
    "remove_state",
    "train",
]
