"""Whole runs: configurations, run folders, training with its measurement, and the models that come of it.

`rrgraph.runs.measure` stands apart: it brings the evaluation room, which planning with a trained model does without.
"""

from rrgraph.model import DEFAULT_ENCODER, DEFAULT_MODEL, bundled_models, load_encoder, load_predictor
from rrgraph.runs.config import (
    BaselineConfig,
    DataConfig,
    EvaluationConfig,
    MeasuredConfig,
    NamedConfig,
    RunConfig,
    SetsConfig,
    domain_of,
    load_config,
    load_run,
    save_config,
    set_values,
)
from rrgraph.runs.environment import describe_environment, processors
from rrgraph.runs.kinds import carry_out, check_run, run_data
from rrgraph.runs.prepare import RunData, candidate_pool, run_split
from rrgraph.runs.pretrain import PretrainResult, pretrain_run
from rrgraph.runs.pretrain_config import PretrainConfig, PropertyDataConfig, UserTable
from rrgraph.runs.train import RunResult, train_run

__all__ = [
    "DEFAULT_ENCODER",
    "DEFAULT_MODEL",
    "BaselineConfig",
    "DataConfig",
    "EvaluationConfig",
    "MeasuredConfig",
    "NamedConfig",
    "PretrainConfig",
    "PretrainResult",
    "PropertyDataConfig",
    "RunConfig",
    "RunData",
    "RunResult",
    "SetsConfig",
    "UserTable",
    "bundled_models",
    "candidate_pool",
    "carry_out",
    "check_run",
    "describe_environment",
    "domain_of",
    "load_config",
    "load_encoder",
    "load_predictor",
    "load_run",
    "pretrain_run",
    "processors",
    "run_data",
    "run_split",
    "save_config",
    "set_values",
    "train_run",
]
