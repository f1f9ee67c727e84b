"""How models learn: negative samplers, losses, and one loop for every task."""

from rrgraph.training.boosting import fit_trees
from rrgraph.training.config import LoopConfig, PretrainingConfig, SetTrainingConfig, TrainingConfig, TreesConfig
from rrgraph.training.links import LinkTask
from rrgraph.training.loop import History, Task, train
from rrgraph.training.losses import LOSSES, LinkLoss
from rrgraph.training.optimizers import OPTIMIZERS
from rrgraph.training.pretraining import WEIGHTINGS, PretrainingTask
from rrgraph.training.samplers import SAMPLERS, NegativeSampler
from rrgraph.training.sets import SetTask
from rrgraph.training.state import STATE_FILE, remove_state
from rrgraph.training.stopping import EarlyStopping

__all__ = [
    "LOSSES",
    "OPTIMIZERS",
    "SAMPLERS",
    "STATE_FILE",
    "WEIGHTINGS",
    "EarlyStopping",
    "History",
    "LinkLoss",
    "LinkTask",
    "LoopConfig",
    "NegativeSampler",
    "PretrainingConfig",
    "PretrainingTask",
    "SetTask",
    "SetTrainingConfig",
    "Task",
    "TrainingConfig",
    "TreesConfig",
    "fit_trees",
    "remove_state",
    "train",
]
