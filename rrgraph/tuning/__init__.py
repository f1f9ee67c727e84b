"""Tuning: searches the settings of a configuration with Optuna, on validation rows alone."""

from rrgraph.tuning.objectives import PLANNING_TIME, Objective, read_objectives, shown
from rrgraph.tuning.results import setting_lines
from rrgraph.tuning.sampling import TAKEN_FROM
from rrgraph.tuning.settings import PRUNERS, StudySettings, read_settings
from rrgraph.tuning.space import Parameter, SearchSpace, find_space, load_space
from rrgraph.tuning.storage import opened_storage, public_url
from rrgraph.tuning.study import StudyResult, StudyStart, tune
from rrgraph.tuning.trial import Outcome
from rrgraph.tuning.warm_start import TRIED_FIRST

__all__ = [
    "PLANNING_TIME",
    "PRUNERS",
    "TAKEN_FROM",
    "TRIED_FIRST",
    "Objective",
    "Outcome",
    "Parameter",
    "SearchSpace",
    "StudyResult",
    "StudySettings",
    "StudyStart",
    "find_space",
    "load_space",
    "opened_storage",
    "public_url",
    "read_objectives",
    "read_settings",
    "setting_lines",
    "shown",
    "tune",
]
