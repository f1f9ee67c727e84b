"""How models learn: negative samplers, losses, and one loop for every task."""

from rrgraph.training.config import TrainingConfig
from rrgraph.training.links import LinkTask
from rrgraph.training.loop import History, Task, train
from rrgraph.training.losses import LOSSES, LinkLoss
from rrgraph.training.samplers import SAMPLERS, NegativeSampler
from rrgraph.training.state import STATE_FILE, remove_state
from rrgraph.training.stopping import EarlyStopping

__all__ = [
    "LOSSES",
    "SAMPLERS",
    "STATE_FILE",
    "EarlyStopping",
    "History",
    "LinkLoss",
    "LinkTask",
    "NegativeSampler",
    "Task",
    "TrainingConfig",
    "remove_state",
    "train",
]
