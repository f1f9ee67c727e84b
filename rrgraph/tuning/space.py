"""Search spaces: the checked parameters of a YAML file, from which the settings of each trial are drawn.

Parameters are keys of a run's configuration. A parameter with a condition is searched only where other keys, searched
before or not searched at all, have one of the values that it names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from rrgraph.errors import StudyError, suggestion
from rrgraph.runs import BaselineConfig, RunConfig, TunedConfig, tuned_workflow
from rrgraph.util.annotations import key_type
from rrgraph.util.config import read_mapping, typed_values
from rrgraph.util.settings import current_key, warn_renamed
from rrgraph.util.yaml_text import Scalar, plain_values

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

__all__ = ["Choice", "Parameter", "SearchSpace", "config_value", "find_space", "load_space", "read_parameter"]

Choice = str | int | float | bool | None

Kind = Literal["int", "float", "categorical"]

_OPTIONS: Final = ("type", "range", "choices", "log", "step", "condition")

_ROUNDING: Final = 1e-8
"""Share of a step by which a value may miss it, as Optuna has it."""

_DEFAULT: Final = Path(__file__).with_name("default.yaml")


@dataclass(frozen=True)
class Parameter:
    """A key of a configuration and the values that are tried.

    Attributes:
        key: such as `training.batch_size`.
        kind: whole numbers or numbers of a range, or choices.
        low: end of the range.
        high: end of the range.
        log: whether the range is searched on a logarithmic scale.
        step: between the values of a range; None for any.
        choices: the values, without a range.
        condition: values by key, all of which have to hold for the parameter to be searched.
    """

    key: str
    kind: Kind
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None
    choices: tuple[Choice, ...] = ()
    condition: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)

    @property
    def ends(self) -> tuple[Choice, ...]:
        """The choices, or both ends of the range."""
        return self.choices or (self.low, self.high)

    def holds(self, value: object) -> bool:
        """Whether the search may give the parameter this value."""
        if self.choices:
            return value in self.choices
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        step = self.step or (1 if self.kind == "int" else None)
        steps = (value - self.low) / step if step else 0.0
        return abs(steps - round(steps)) < _ROUNDING

    def applies(self, config: object, values: Mapping[str, Choice]) -> bool:
        """Whether the condition holds, given the settings chosen so far and the configuration for the rest."""
        return all(
            (values[key] if key in values else config_value(config, key)) in allowed
            for key, allowed in self.condition.items()
        )

    def suggest(self, trial: BaseTrial) -> Choice:
        """Return the value that a trial is to try."""
        if self.kind == "categorical":
            return trial.suggest_categorical(self.key, self.choices)
        if self.kind == "int":
            return trial.suggest_int(self.key, int(self.low), int(self.high), step=int(self.step or 1), log=self.log)
        return trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)


@dataclass(frozen=True)
class SearchSpace:
    """What a study searches.

    Attributes:
        parameters: in the order in which they are chosen.
        settings: other options of the file: what `StudySettings` takes.
    """

    parameters: tuple[Parameter, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def renamed(self, schema: type) -> SearchSpace:
        """Return the space with today's names of keys, in conditions too; earlier ones are understood with a warning.

        Args:
            schema: of the configurations that it is for.
        """
        keys = [key for each in self.parameters for key in (each.key, *each.condition)]
        names = {key: current_key(key, schema) for key in keys}
        warn_renamed({old: new for old, new in names.items() if old != new}, "the search space")
        parameters = tuple(
            replace(each, key=names[each.key], condition={names[key]: v for key, v in each.condition.items()})
            for each in self.parameters
        )
        return replace(self, parameters=parameters)

    def suggest(self, trial: BaseTrial, config: object) -> dict[str, Choice]:
        """Return the settings of a trial, by key of the configuration."""
        values: dict[str, Choice] = {}
        for parameter in self.parameters:
            if parameter.applies(config, values):
                values[parameter.key] = parameter.suggest(trial)
        return values

    def fitting(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of some settings that the search may try, conditions aside."""
        return {
            each.key: values[each.key]
            for each in self.parameters
            if each.key in values and each.holds(values[each.key])
        }

    def to_list(self) -> list[dict[str, Any]]:
        """Return the parameters as JSON values."""
        return [
            {
                **asdict(each),
                "choices": list(each.choices),
                "condition": {k: list(v) for k, v in each.condition.items()},
            }
            for each in self.parameters
        ]


def find_space(config_path: str | Path, config: TunedConfig) -> Path:
    """Return the search space of a configuration: `tuning/NAME.yaml` beside it, else the default one of link models.

    Raises:
        ConfigError: the configuration is none that can be tuned.
        StudyError: a baseline, or a model of conditions, has no search space beside its configuration.
    """
    tuned_workflow(config)
    path = Path(config_path)
    beside = path.parent / "tuning" / f"{path.stem}.yaml"
    if beside.is_file():
        return beside
    if not isinstance(config, RunConfig):
        what = "baselines" if isinstance(config, BaselineConfig) else "models of conditions"
        raise StudyError(
            f"There is no search space '{beside}', and {what} have no default one: name one with --space FILE."
        )
    return _DEFAULT


def load_space(path: str | Path) -> SearchSpace:
    """Read a search space; choices and conditions of keys that hold text stay as they are written there.

    Raises:
        ConfigError: the file is missing, not YAML, or no mapping.
        StudyError: naming the parameter, the option and what was expected.
    """
    given = read_mapping(Path(path))
    parameters = given.pop("parameters", None)
    if not isinstance(parameters, dict) or not parameters:
        raise StudyError(
            f"The search space '{path}' has no parameters, expected lines such as "
            "'training.batch_size: {choices: [128, 256]}' under the key parameters."
        )
    return SearchSpace(
        parameters=tuple(read_parameter(key, _plain(key, options)) for key, options in parameters.items()),
        settings=plain_values(given),
    )


def _plain(key: str, options: Any) -> Any:
    """Return the options of a key as plain values."""
    if not isinstance(options, dict):
        return plain_values(options)
    plain: dict[str, Any] = plain_values(options)
    if "choices" in options:
        plain["choices"] = _written(key, options["choices"])
    if isinstance(conditions := options.get("condition"), dict):
        plain["condition"] = {other: _written(other, allowed) for other, allowed in conditions.items()}
    return plain


def _written(key: str, values: Any) -> Any:
    """Return one or several values of a key, as they are written where the key holds text."""
    if isinstance(values, list):
        return [_written(key, each) for each in values]
    hints = (key_type(current_key(key, schema), schema) for schema in (RunConfig, BaselineConfig))
    hint = next((hint for hint in hints if hint in (str, str | None)), Any)
    return typed_values(values, hint, key) if isinstance(values, Scalar) else plain_values(values)


def read_parameter(key: str, options: object) -> Parameter:
    """Return the parameter that the options of a key describe.

    Raises:
        StudyError: naming the parameter, the option and what was expected.
    """
    if not isinstance(options, dict):
        raise _refusal(key, f"is {options!r}, expected options such as {{choices: [1, 2]}} or {{range: [1, 8]}}")
    for name in options:
        if name not in _OPTIONS:
            raise _refusal(key, f"has the option '{name}', expected some of {', '.join(_OPTIONS)}", str(name), _OPTIONS)
    if ("range" in options) == ("choices" in options):
        raise _refusal(key, "needs either a range or choices")
    condition = _condition(key, options.get("condition"))
    kind = options.get("type")
    if "choices" in options:
        if kind not in (None, "categorical") or "log" in options or "step" in options:
            raise _refusal(key, "has choices, so that its type is categorical, without log and step")
        return Parameter(key, "categorical", choices=_choices(key, options["choices"]), condition=condition)
    return _range(key, options, condition)


def config_value(config: object, key: str) -> Any:
    """Return the value of a dotted key of a configuration, None for an option of a baseline that is not given."""
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name)
    return value


def _range(key: str, options: Mapping[str, Any], condition: Mapping[str, tuple[Choice, ...]]) -> Parameter:
    bounds, step, log = options["range"], options.get("step"), options.get("log", False)
    if not isinstance(bounds, list) or len(bounds) != 2 or not all(map(_is_number, bounds)) or bounds[0] >= bounds[1]:
        raise _refusal(key, f"has the range {bounds!r}, expected [LOW, HIGH] with LOW below HIGH")
    whole = all(isinstance(bound, int) for bound in bounds)
    kind = options.get("type", "int" if whole else "float")
    if kind not in ("int", "float"):
        raise _refusal(key, f"has the type {kind!r}, expected int or float", str(kind), ("int", "float"))
    if kind == "int" and not whole:
        raise _refusal(key, f"has the range {bounds!r}, expected whole numbers for the type int")
    if not isinstance(log, bool):
        raise _refusal(key, f"has log={log!r}, expected true or false")
    if log and bounds[0] <= 0:
        raise _refusal(key, f"has the range {bounds!r}, expected numbers above 0 for log: true")
    if step is not None and (not _is_number(step) or step <= 0 or (kind == "int" and not isinstance(step, int))):
        raise _refusal(key, f"has the step {step!r}, expected a {'whole ' if kind == 'int' else ''}number above 0")
    if step is not None and log:
        raise _refusal(key, "has both log and step, expected one of them")
    return Parameter(key, kind, low=bounds[0], high=bounds[1], log=log, step=step, condition=condition)


def _choices(key: str, choices: object) -> tuple[Choice, ...]:
    if not isinstance(choices, list) or not choices or not all(isinstance(each, Choice) for each in choices):
        raise _refusal(key, f"has the choices {choices!r}, expected a list of texts, numbers, true or false")
    if any(each in choices[:place] for place, each in enumerate(choices)):
        raise _refusal(key, f"has the choices {choices!r}, expected each one once")
    return tuple(choices)


def _condition(key: str, condition: object) -> dict[str, tuple[Choice, ...]]:
    if condition is None:
        return {}
    if not isinstance(condition, dict):
        raise _refusal(key, f"has the condition {condition!r}, expected a mapping such as {{training.sampler: hard}}")
    return {
        str(other): _choices(key, allowed if isinstance(allowed, list) else [allowed])
        for other, allowed in condition.items()
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refusal(key: str, fault: str, name: str = "", known: Sequence[str] = ()) -> StudyError:
    return StudyError(f"The search parameter {key} {fault}.{suggestion(name, known) if name else ''}")
