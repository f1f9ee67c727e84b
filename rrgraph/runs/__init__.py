"""Whole runs: configurations, run folders, training with its measurement, and the models that come of it.

`rrgraph.runs.measure` stands apart: it brings the evaluation room, which planning with a trained model does without.
"""

from rrgraph.runs.config import (
    BaselineConfig,
    DataConfig,
    EvaluationConfig,
    MeasuredConfig,
    RerankerConfig,
    RunConfig,
    load_run,
)
from rrgraph.runs.data import RunData, candidate_pool, prepare_data, read_pool, run_split, split_data
from rrgraph.runs.train import RunResult, train_run
from rrgraph.runs.workflow import carry_out, check_run, run_data

__all__ = [
    "BaselineConfig",
    "DataConfig",
    "EvaluationConfig",
    "MeasuredConfig",
    "RerankerConfig",
    "RunConfig",
    "RunData",
    "RunResult",
    "candidate_pool",
    "carry_out",
    "check_run",
    "load_run",
    "prepare_data",
    "read_pool",
    "run_data",
    "run_split",
    "split_data",
    "train_run",
]
