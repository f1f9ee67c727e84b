"""Whole runs: configurations, run folders, training with its measurement, and the models that come of it."""

from rrgraph.runs.config import DataConfig, EvaluationConfig, RunConfig, load_config, save_config
from rrgraph.runs.environment import describe_environment
from rrgraph.runs.models import DEFAULT_MODEL, bundled_models, load_predictor
from rrgraph.runs.prepare import run_split
from rrgraph.runs.train import Comparison, RunResult, candidate_pool, measure, set_mode, train_run

__all__ = [
    "DEFAULT_MODEL",
    "Comparison",
    "DataConfig",
    "EvaluationConfig",
    "RunConfig",
    "RunResult",
    "bundled_models",
    "candidate_pool",
    "describe_environment",
    "load_config",
    "load_predictor",
    "measure",
    "run_split",
    "save_config",
    "set_mode",
    "train_run",
]
