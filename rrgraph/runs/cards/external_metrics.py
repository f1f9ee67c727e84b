"""Metrics of other runs for the card of a model that leaves no rows to measure it on.

They come from run folders of the same configuration, trained on other splits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rrgraph.data import TRAIN
from rrgraph.errors import ConfigError
from rrgraph.runs.config import EvaluationConfig, RunConfig
from rrgraph.util.config import load_config
from rrgraph.util.json_files import read_json, value_errors

if TYPE_CHECKING:
    from rrgraph.runs.measure import Comparison

__all__ = ["MeasuredRun", "measured_runs"]


@dataclass(frozen=True)
class MeasuredRun:
    """A finished run and its metrics.

    Attributes:
        config: what was trained.
        comparison: what was measured.
        training_rows: number of rows it was trained on.
    """

    config: RunConfig
    comparison: Comparison
    training_rows: int


def measured_runs(config: RunConfig) -> list[MeasuredRun]:
    """Return the runs that the configuration names in `evaluation.card_from`.

    Raises:
        ConfigError: one of them is not a finished run that measured anything, or another model was trained there.
    """
    return [_measured_run(folder, config) for folder in config.evaluation.card_from]


def _measured_run(folder: str, config: RunConfig) -> MeasuredRun:
    from rrgraph.evaluation import Metrics

    path = Path(folder)
    for name in ("config.yaml", "data.json", "metrics.json"):
        if not (path / name).is_file():
            raise ConfigError(f"evaluation.card_from names '{folder}', which is not a finished run: it has no {name}.")
    recorded = load_config(path / "config.yaml", schema=RunConfig, recorded=True)
    if _trained_model(recorded) != _trained_model(config):
        raise ConfigError(
            f"evaluation.card_from names '{folder}', where another model was trained: only data.split, data.year, "
            "data.validation_fraction, data.holdout, further tables, the seed, temperatures and what is measured may "
            "differ (see its config.yaml)."
        )
    with value_errors(f"The metrics of the run in '{folder}'", ConfigError):
        metrics = read_json(path / "metrics.json")
        comparison = {
            subset: {
                protocol: {system: Metrics.from_dict(values) for system, values in systems.items()}
                for protocol, systems in protocols.items()
            }
            for subset, protocols in metrics.items()
        }
        rows = read_json(path / "data.json")["leakage"]["rows"][TRAIN.word]
    if not comparison:
        raise ConfigError(f"evaluation.card_from names '{folder}', where nothing was measured.")
    return MeasuredRun(recorded, comparison, rows)


def _trained_model(config: RunConfig) -> RunConfig:
    """Return the configuration without what tells the runs of one model apart: name, rows, seed and measurement.

    Temperatures too: a model of all rows takes over those that another run fitted.
    """
    learning = replace(config.reranker.training, temperature=0.0, known_size_temperature=0.0)
    return replace(
        config,
        name="",
        seed=0,
        output="",
        data=replace(config.data, split="", year=0, validation_fraction=0.0, holdout=None, further_tables=[]),
        reranker=replace(config.reranker, training=learning, further_tables={}),
        evaluation=EvaluationConfig(mode=config.evaluation.mode),
    )
