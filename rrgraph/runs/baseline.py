"""The run of a comparison system: a configuration flows in, a run folder with its metrics flows out."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from rrgraph.baselines import BASELINES, LinkBaseline, SetBaseline
from rrgraph.errors import ConfigError, check_choice, near_match
from rrgraph.files import write_text
from rrgraph.runs.card import baseline_card
from rrgraph.runs.check import check_measured
from rrgraph.runs.config import BaselineConfig
from rrgraph.runs.folder import check_folder, record_run
from rrgraph.runs.measure import measure, record_metrics
from rrgraph.runs.prepare import RunData, prepare_data
from rrgraph.runs.train import RunResult
from rrgraph.runs.values import check_ranges

__all__ = ["baseline_run", "build_baseline", "check_baseline_config"]


def baseline_run(
    config: BaselineConfig,
    *,
    resume: bool = False,
    on_data: Callable[[RunData], None] | None = None,
    data: RunData | None = None,
) -> RunResult:
    """Fit the system of a configuration and measure it.

    Args:
        config: every choice; recorded in the run folder.
        resume: carry out an interrupted or finished run once more; a fitted system is not kept, so it starts anew.
        on_data: called with the data before fitting starts, to show its reports.
        data: what `prepare_data` returned for this configuration, to save the time; it is prepared anew when None.

    Raises:
        ConfigError: the configuration or the run folder is refused; nothing has been written then.
    """
    check_folder(config, resume=resume)
    check_baseline_config(config)
    data = data or prepare_data(config.data, seed=config.seed)
    if on_data is not None:
        on_data(data)
    record_run(config, data.reports())
    system = build_baseline(config).fit(data.split.train, data.split)
    comparison = measure(system, data, config.evaluation)
    record_metrics(config.folder, comparison)
    write_text(config.folder / "card.md", baseline_card(config, data, comparison, about=_about(system)))
    return RunResult(folder=config.folder, split=data.split, history=[], comparison=comparison)


def build_baseline(config: BaselineConfig) -> LinkBaseline | SetBaseline:
    """Return the system of a configuration, not fitted yet; it takes the run's seed if it has that option."""
    system = BASELINES[config.baseline]
    seed = {"seed": config.seed} if "seed" in _defaults(system) else {}
    return system(**(seed | config.options))


def check_baseline_config(config: BaselineConfig) -> None:
    """Refuse a configuration that names something unknown or has a value out of range.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    check_choice("baseline", config.baseline, BASELINES)
    check_measured(config.data, config.evaluation)
    check_ranges(config, not_negative=("seed",), below_one=("data.validation_fraction",))
    known = _defaults(BASELINES[config.baseline])
    for name, value in config.options.items():
        if name not in known:
            raise ConfigError(
                f"Unknown option '{name}' of the baseline '{config.baseline}', expected one of "
                f"{', '.join(known) or 'none at all'}.{near_match(str(name), known)}"
            )
        if not _fits(value, known[name]):
            raise ConfigError(
                f"Configuration value options.{name} is {value!r}, expected a value such as {known[name]!r}."
            )
    build_baseline(config)


def _about(system: object) -> str:
    """Return what the documentation of a system says before its options."""
    return (inspect.getdoc(system) or "").partition("\n\nArgs:")[0]


def _defaults(system: type[LinkBaseline] | type[SetBaseline]) -> dict[str, Any]:
    """Return the options of a system with their defaults."""
    return {name: option.default for name, option in inspect.signature(system).parameters.items()}


def _fits(value: object, default: object) -> bool:
    """Whether a value is of the kind of the default; None leaves the kind open."""
    if default is None or value is None:
        return default is None
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, int | float) if isinstance(default, float) else isinstance(value, type(default))
