"""How models learn: one loop for every task, its settings, losses and optimisers, and gradient boosting."""

from rrgraph.training.boosting import boost
from rrgraph.training.config import (
    LAMBDARANK,
    TREE_OBJECTIVES,
    ContrastiveConfig,
    LoopConfig,
    RankingConfig,
    TreesConfig,
)
from rrgraph.training.dual import CANDIDATE_ENCODERS, OBJECTIVES, ContrastiveTask, Links, RankingTask
from rrgraph.training.kept import keep_tensors, kept_tensors, made_once
from rrgraph.training.lambdamart import require_lightgbm
from rrgraph.training.loop import Direction, Task, train
from rrgraph.training.losses import LOSSES, LinkLoss, listwise_cross_entropy
from rrgraph.training.optimizers import OPTIMIZERS
from rrgraph.training.run_folder import (
    check_folder,
    check_place,
    checksum,
    in_own_folder,
    is_finished,
    read_history,
    record_run,
    write_history,
)
from rrgraph.training.state import STATE_FILE, History, remove_state
from rrgraph.training.stopping import EarlyStopping
from rrgraph.training.value_trees import TreeFeatures, ValueTreesConfig, boost_probability, boost_values

__all__ = [
    "CANDIDATE_ENCODERS",
    "LAMBDARANK",
    "LOSSES",
    "OBJECTIVES",
    "OPTIMIZERS",
    "STATE_FILE",
    "TREE_OBJECTIVES",
    "ContrastiveConfig",
    "ContrastiveTask",
    "Direction",
    "EarlyStopping",
    "History",
    "LinkLoss",
    "Links",
    "LoopConfig",
    "RankingConfig",
    "RankingTask",
    "Task",
    "TreeFeatures",
    "TreesConfig",
    "ValueTreesConfig",
    "boost",
    "boost_probability",
    "boost_values",
    "check_folder",
    "check_place",
    "checksum",
    "in_own_folder",
    "is_finished",
    "keep_tensors",
    "kept_tensors",
    "listwise_cross_entropy",
    "made_once",
    "read_history",
    "record_run",
    "remove_state",
    "require_lightgbm",
    "train",
    "write_history",
]
