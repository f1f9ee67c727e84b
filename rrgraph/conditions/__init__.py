"""From a precursor set to a furnace programme: temperatures, times, atmosphere and number of firings.

`rrgraph.conditions.run`, which trains, and `rrgraph.conditions.measures` stand apart: they import the metrics, which
planning does without.
"""

from rrgraph.conditions.config import (
    CONDITIONS,
    ConditionsConfig,
    ConditionsDataConfig,
    ConditionsEvaluationConfig,
    ConditionsModelConfig,
    check_conditions_config,
)
from rrgraph.conditions.features import GROUPS, describe
from rrgraph.conditions.learning import fit_conditions
from rrgraph.conditions.model import CONDITIONS_FORMAT, LEVELS, ConditionsModel, Prediction, load_conditions_model
from rrgraph.conditions.network import ValueNetworks, ValueNetworksConfig
from rrgraph.conditions.rules import allowed_atmospheres, disagreement
from rrgraph.conditions.splits import SPLITS as CONDITION_SPLITS
from rrgraph.conditions.splits import ConditionSplit, split_conditions
from rrgraph.conditions.steps import DRIED_C, KINDS, HeatingStep, kind_of, read_operations, read_steps, steps_text
from rrgraph.conditions.tables import (
    LABELS,
    ConditionRows,
    condition_rows,
    labelled_rows,
    load_conditions,
    measured_rows,
)

__all__ = [
    "CONDITIONS",
    "CONDITIONS_FORMAT",
    "CONDITION_SPLITS",
    "DRIED_C",
    "GROUPS",
    "KINDS",
    "LABELS",
    "LEVELS",
    "ConditionRows",
    "ConditionSplit",
    "ConditionsConfig",
    "ConditionsDataConfig",
    "ConditionsEvaluationConfig",
    "ConditionsModel",
    "ConditionsModelConfig",
    "HeatingStep",
    "Prediction",
    "ValueNetworks",
    "ValueNetworksConfig",
    "allowed_atmospheres",
    "check_conditions_config",
    "condition_rows",
    "describe",
    "disagreement",
    "fit_conditions",
    "kind_of",
    "labelled_rows",
    "load_conditions",
    "load_conditions_model",
    "measured_rows",
    "read_operations",
    "read_steps",
    "split_conditions",
    "steps_text",
]
