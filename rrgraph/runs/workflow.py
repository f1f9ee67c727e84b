"""The kinds of run on reactions: a configuration of any kind flows in and is checked or carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from rrgraph.runs.config import BaselineConfig, RunConfig
from rrgraph.runs.data import Prepared, RunData, prepare, prepare_data
from rrgraph.runs.train import RunResult, train_run

__all__ = ["carry_out", "check_run", "run_data"]


def carry_out(
    config: RunConfig | BaselineConfig,
    *,
    resume: bool = False,
    on_data: Callable[[RunData], None] | None = None,
    on_epoch: Callable[[Mapping[str, float]], None] | None = None,
    data: RunData | None = None,
) -> RunResult:
    """Carry out the run of a link model or of a baseline, see `train_run` and `baseline_run`.

    A baseline never calls `on_epoch`: it is fitted as a whole. `data` is what `run_data` returned for it.
    """
    if isinstance(config, RunConfig):
        return train_run(config, resume=resume, on_data=on_data, on_epoch=on_epoch, data=cast(Prepared | None, data))
    from rrgraph.runs.baseline import baseline_run

    return baseline_run(config, resume=resume, on_data=on_data, data=data)


def run_data(config: RunConfig | BaselineConfig) -> RunData:
    """Return the data of a run; what decides them are the section `data`, the seed and whether a model has statistics.

    Errors are those of `split_data`.
    """
    if isinstance(config, RunConfig):
        return prepare(config)
    return prepare_data(config.data, seed=config.seed)


def check_run(config: RunConfig | BaselineConfig) -> None:
    """Refuse a configuration that names something unknown or has a value out of range.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    # These bring scikit-learn, which planning with a trained model does without.
    from rrgraph.runs.baseline import check_baseline_config
    from rrgraph.runs.check import check_config

    if isinstance(config, RunConfig):
        check_config(config)
    else:
        check_baseline_config(config)
