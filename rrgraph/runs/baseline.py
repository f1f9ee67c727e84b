"""The run of a baseline: fits it, measures it and writes its run folder."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from rrgraph.baselines import BASELINES, LinkBaseline, SetBaseline, make_baseline
from rrgraph.runs.cards.card import baseline_card
from rrgraph.runs.config import BaselineConfig
from rrgraph.runs.data import RunData, check_measured_tables, prepare_data
from rrgraph.runs.measure import measure, record_metrics
from rrgraph.runs.train import RunResult
from rrgraph.runs.trial import blaming
from rrgraph.training import in_own_folder, record_run
from rrgraph.util.files import write_text
from rrgraph.util.settings import check

__all__ = ["baseline_run", "build_baseline", "check_baseline_config"]


def check_baseline_config(config: BaselineConfig) -> None:
    """Refuse a configuration that names something unknown or has a value out of range.

    Raises:
        ConfigError: naming the key, the value and what was expected.
        DataError: a table that is to be measured cannot be read.
    """
    check(config)
    check_measured_tables(config.evaluation)
    with blaming(BASELINES, config.baseline):
        build_baseline(config)


@in_own_folder(check_baseline_config)
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
    data = data or prepare_data(config.data, seed=config.seed)
    if on_data is not None:
        on_data(data)
    record_run(config, data.reports(), data.contents(), resume=resume)
    system = build_baseline(config).fit(data.split.train, data.split)
    comparison = measure(system, data, config.evaluation, folder=config.folder)
    write_text(config.folder / "card.md", baseline_card(config, data, comparison, about=_about(system)))
    record_metrics(config.folder, comparison)
    return RunResult(
        folder=config.folder, split=data.split, history=[], comparison=comparison, baseline=config.baseline
    )


def build_baseline(config: BaselineConfig) -> LinkBaseline | SetBaseline:
    """Return the system of a configuration, not fitted yet; it takes the run's seed if it has that option."""
    return make_baseline(config.baseline, config.options, seed=config.seed)


def _about(system: object) -> str:
    """Return what the documentation of a system says before its options."""
    return (inspect.getdoc(system) or "").partition("\n\nArgs:")[0]
