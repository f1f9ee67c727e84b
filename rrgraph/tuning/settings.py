"""How a study searches: the options of the search space and of the command, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from rrgraph.data import VALIDATION
from rrgraph.errors import StudyError, suggestion
from rrgraph.metrics import further_metrics
from rrgraph.runs import TunedConfig, tuned_workflow
from rrgraph.tuning.objectives import PLANNING_TIME, Objective, measured_protocols, read_objectives
from rrgraph.tuning.space import Choice, SearchSpace
from rrgraph.util.config import set_values

__all__ = ["PRUNERS", "StudySettings", "read_settings", "trial_config"]

PRUNERS: Final = ("hyperband", "median", "none")
"""Names of the rules by which trials are cut short."""

_UNSET: Final = "auto"


@dataclass(frozen=True)
class StudySettings:
    """How a study searches.

    Attributes:
        objectives: what is optimised; several make a Pareto study.
        pruner: what ends poor trials early: `hyperband`, `median`, or `none`.
        warmup: epochs that every trial gets.
        startup: trials drawn at random before the sampler (TPE) learns from those that are finished.
        seed: of the study; the settings of a trial are drawn from it and the trial's number.
    """

    objectives: tuple[Objective, ...]
    pruner: str
    warmup: int = 1
    startup: int = 10
    seed: int = 0

    @property
    def single(self) -> Objective | None:
        """The objective when there is one, None in a Pareto study."""
        return self.objectives[0] if len(self.objectives) == 1 else None


def read_settings(space: SearchSpace, config: TunedConfig, overrides: Mapping[str, Any]) -> StudySettings:
    """Return the settings that a search space gives, unless they are overridden.

    Without a choice, the pruner is `hyperband` where one can be used and `none` elsewhere.

    Raises:
        StudyError: an option is unknown or out of range, or the pruner cannot be used.
    """
    known = [each.name for each in fields(StudySettings)]
    for name in space.settings:
        if name not in known:
            raise StudyError(
                f"The search space has the key '{name}', expected some of parameters, {', '.join(known)}."
                f"{suggestion(name, [*known, 'parameters'])}"
            )
    workflow = tuned_workflow(config)
    given = {"objectives": [workflow.objective], "pruner": _UNSET} | dict(space.settings) | dict(overrides)
    names = given["objectives"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise StudyError(f"The objectives are {names!r}, expected a list such as [open.top_1].")
    for name, least in (("warmup", 1), ("startup", 1), ("seed", 0)):
        value = given.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise StudyError(f"The {name} of a study is {value!r}, expected a whole number of at least {least}.")
    settings = StudySettings(**{**given, "objectives": read_objectives(names, workflow)})
    if settings.pruner not in (*PRUNERS, _UNSET):
        raise StudyError(
            f"Unknown pruner '{settings.pruner}', expected one of {', '.join(PRUNERS)}."
            f"{suggestion(str(settings.pruner), PRUNERS)}"
        )
    reason = _unprunable(settings, space, config)
    if settings.pruner == _UNSET or (reason and "pruner" not in overrides):
        return replace(settings, pruner="none" if reason else "hyperband")
    if reason and settings.pruner != "none":
        raise StudyError(f"The pruner {settings.pruner} cannot be used: {reason}; use --pruner none.")
    return settings


def trial_config(
    config: TunedConfig,
    values: Mapping[str, Choice],
    settings: StudySettings,
    *,
    name: str = "",
    output: str = "",
) -> TunedConfig:
    """Return the configuration of a trial: its settings, and validation rows measured as the objectives say.

    The best epoch is chosen by the first objective too. Everything else is that of the configuration, the seed as well:
    it draws the validation rows, which all trials share.
    """
    workflow, first = tuned_workflow(config), settings.objectives[0]
    config = replace(config, name=name, output=output)
    config = workflow.measured_on(
        config,
        subset=VALIDATION.word,
        protocols=measured_protocols(settings.objectives),
        metrics=further_metrics(each.metric for each in settings.objectives),
    )
    config = workflow.chosen_by(config, protocol=first.protocol, metric=first.metric)
    return set_values(config, values)


def _unprunable(settings: StudySettings, space: SearchSpace, config: TunedConfig) -> str:
    """Return why trials cannot be compared epoch by epoch, or nothing."""
    if settings.single is None:
        return (
            f"a study with several objectives has no single value to compare ({PLANNING_TIME} is known at the end only)"
        )
    if reason := tuned_workflow(config).unpruned(config):
        return reason
    if any(parameter.key == "training.epochs" for parameter in space.parameters):
        return "training.epochs is searched, so that the same epoch means different things in different trials"
    return ""
