"""Whether a search space fits a configuration: every key and value is checked before anything is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rrgraph.errors import RRGraphError, StudyError, suggestion
from rrgraph.runs import TunedConfig, check_run, tuned_workflow
from rrgraph.tuning.space import Choice, Parameter, SearchSpace, config_value
from rrgraph.util.config import set_values, suggest_key

__all__ = ["check_space"]

_FIXED: Final = ("name", "output", "seed", "baseline", "data.", "training.monitor", "training.validation_targets")
"""What decides which rows are learned and measured: a search among them would compare what cannot be compared."""


def check_space(space: SearchSpace, config: TunedConfig) -> None:
    """Refuse a search space that does not fit the configuration.

    Each value is checked on the configuration as it is, with the values that its condition asks for.

    Raises:
        StudyError: naming the parameter and what was expected.
        ConfigError: the configuration itself is refused.
    """
    check_run(config)
    before: dict[str, Parameter] = {}
    for parameter in space.parameters:
        _check_key(parameter.key, config, "search parameter")
        if parameter.key.startswith(_FIXED) or _measures(parameter.key):
            raise StudyError(
                f"The search parameter {parameter.key} decides which rows are learned or how they are measured, so "
                "that trials could not be compared; set it once with key=value."
            )
        _check_condition(parameter, config, before, space)
        before[parameter.key] = parameter
    searched = [parameter for parameter in space.parameters if _possible(parameter, before, config)]
    if not searched:
        raise StudyError("None of the parameters has a condition that holds, so there is nothing to search.")
    for parameter in searched:
        _check_effect(parameter, before, config)
        _check_values(parameter, before, config)


def _measures(key: str) -> bool:
    return key.startswith("evaluation.") and key != "evaluation.mode"


def _check_key(key: str, config: TunedConfig, what: str) -> None:
    known = tuned_workflow(config).keys(config)
    if key not in known or key == "options":
        near = suggest_key(key, type(config), known)
        raise StudyError(f"The {what} {key} is not a key of the configuration.{near}")


def _check_condition(
    parameter: Parameter, config: TunedConfig, before: Mapping[str, Parameter], space: SearchSpace
) -> None:
    later = {each.key for each in space.parameters} - set(before)
    for key, allowed in parameter.condition.items():
        _check_key(key, config, f"condition of {parameter.key}: its key")
        if key in later:
            raise StudyError(f"The condition of {parameter.key} asks for {key}, which has to stand before it.")
        if key in before and not any(before[key].holds(value) for value in allowed):
            choices = [str(choice) for choice in before[key].choices]
            raise StudyError(
                f"The condition of {parameter.key} never holds: {key} is never "
                f"{' or '.join(map(str, allowed))}.{suggestion(str(allowed[0]), choices)}"
            )


def _possible(parameter: Parameter, searched: Mapping[str, Parameter], config: TunedConfig) -> bool:
    """Whether the condition can hold: keys that are not searched have the values it asks for."""
    return all(key in searched or config_value(config, key) in allowed for key, allowed in parameter.condition.items())


def _check_effect(parameter: Parameter, searched: Mapping[str, Parameter], config: TunedConfig) -> None:
    """Refuse what would be searched in vain."""
    reason = tuned_workflow(config).useless(config, parameter.key, list(searched))
    if reason:
        raise StudyError(f"The search parameter {parameter.key} has no effect: {reason}.")


def _check_values(parameter: Parameter, searched: Mapping[str, Parameter], config: TunedConfig) -> None:
    needed: dict[str, Choice] = {}
    for key, allowed in parameter.condition.items():
        if key in searched:
            needed |= {name: values[0] for name, values in searched[key].condition.items() if name in searched}
            needed[key] = next(value for value in allowed if searched[key].holds(value))
    for value in parameter.ends:
        try:
            check_run(set_values(config, {**needed, parameter.key: value}))
        except RRGraphError as error:
            raise StudyError(f"The search value {parameter.key}={value} does not fit: {error}") from None
