"""The record of an experiment: what it was asked to do, on which data and on what computer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rrgraph.data import data_checksum
from rrgraph.errors import ConfigError
from rrgraph.experiments.config import ExperimentConfig
from rrgraph.experiments.grid import Run
from rrgraph.planning import read_candidates
from rrgraph.runs import workflow_of
from rrgraph.util.config import save_config
from rrgraph.util.environment import describe_environment
from rrgraph.util.files import check_writable, sweep, write_json

__all__ = ["check_folder", "record_experiment"]

_CONFIG = "experiment.yaml"


def check_folder(experiment: ExperimentConfig) -> None:
    """Refuse a folder that holds something other than an experiment.

    Raises:
        ConfigError: the folder is a file, or neither empty nor that of an experiment.
    """
    folder = experiment.folder
    sweep(folder)
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / _CONFIG).is_file())):
        raise ConfigError(f"'{folder}' is there and holds no experiment; choose another place with output=DIR.")
    check_writable(folder, folder=True)


def record_experiment(experiment: ExperimentConfig, runs: Sequence[Run]) -> None:
    """Write the resolved configuration, the environment, and tables with their rows and checksums.

    Raises:
        DataError: a table cannot be read; nothing has been written then.
    """
    tables = _tables(runs)
    save_config(experiment, experiment.folder / _CONFIG)
    write_json(experiment.folder / "environment.json", describe_environment())
    write_json(experiment.folder / "data.json", tables)


def _tables(runs: Sequence[Run]) -> dict[str, Any]:
    workflow = workflow_of(runs[0].config)
    tables = dict.fromkeys(name for run in runs for name in workflow.tables(run.config))
    pools = dict.fromkeys(name for run in runs for name in workflow.pools(run.config))
    return {
        "tables": {name: {"rows": workflow.count_rows(name), "sha256": data_checksum(name)} for name in tables},
        "pools": {name: {"candidates": len(read_candidates(name)), "sha256": data_checksum(name)} for name in pools},
    }
