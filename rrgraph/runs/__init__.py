"""Whole runs: configurations, their data, training with measurement, and one interface to every workflow.

`rrgraph.runs.measure` stands apart: it imports the evaluation, which planning with a trained model does without.
"""

from rrgraph.runs.config import (
    BaselineConfig,
    DataConfig,
    EvaluationConfig,
    MeasuredConfig,
    RerankerConfig,
    RunConfig,
)
from rrgraph.runs.data import RunData, candidate_pool, prepare_data, protocol_candidates, run_split, split_data
from rrgraph.runs.materials import MaterialsWorkflow, materials_workflow, run_data
from rrgraph.runs.train import RunResult, train_run
from rrgraph.runs.workflow import (
    AnyConfig,
    Columns,
    TunedConfig,
    TunedWorkflow,
    Workflow,
    check_run,
    load_run,
    run,
    tuned_workflow,
    workflow_of,
    workflow_of_model,
)

__all__ = [
    "AnyConfig",
    "BaselineConfig",
    "Columns",
    "DataConfig",
    "EvaluationConfig",
    "MaterialsWorkflow",
    "MeasuredConfig",
    "RerankerConfig",
    "RunConfig",
    "RunData",
    "RunResult",
    "TunedConfig",
    "TunedWorkflow",
    "Workflow",
    "candidate_pool",
    "check_run",
    "load_run",
    "materials_workflow",
    "prepare_data",
    "protocol_candidates",
    "run",
    "run_data",
    "run_split",
    "split_data",
    "train_run",
    "tuned_workflow",
    "workflow_of",
    "workflow_of_model",
]
