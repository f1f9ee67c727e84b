"""The record of an experiment: what it was asked to do, on which data and on what computer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rrgraph.data import data_checksum
from rrgraph.errors import ConfigError
from rrgraph.experiments.config import ExperimentConfig
from rrgraph.experiments.grid import Run
from rrgraph.planning import read_candidates
from rrgraph.runs import workflow_of
from rrgraph.training import check_place
from rrgraph.util.config import save_config
from rrgraph.util.environment import describe_environment
from rrgraph.util.files import write_json
from rrgraph.util.json_files import read_json

__all__ = ["check_folder", "record_experiment"]

_CONFIG, _DATA = "experiment.yaml", "data.json"


def check_folder(experiment: ExperimentConfig) -> None:
    """Refuse a folder that holds something other than an experiment.

    Raises:
        ConfigError: the folder is a file, or neither empty nor that of an experiment.
    """
    check_place(experiment.folder, _CONFIG, "experiment")


def record_experiment(experiment: ExperimentConfig, runs: Sequence[Run]) -> None:
    """Write the resolved configuration, the environment, and tables with their rows and checksums.

    Raises:
        ConfigError: a table has changed since the experiment was started; nothing has been written then.
        DataError: a table cannot be read; nothing has been written then.
    """
    tables = _tables(runs)
    _check_tables(experiment.folder, tables)
    save_config(experiment, experiment.folder / _CONFIG)
    write_json(experiment.folder / "environment.json", describe_environment())
    write_json(experiment.folder / _DATA, tables)


def _check_tables(folder: Path, tables: Mapping[str, Mapping[str, Any]]) -> None:
    path = folder / _DATA
    if not path.is_file():
        return
    try:
        recorded = read_json(path)
        before = {name: found["sha256"] for kind in tables for name, found in recorded.get(kind, {}).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ConfigError(
            f"'{path}' is damaged; remove it to go on with the experiment whether its tables have changed or not."
        ) from None
    now = {name: found["sha256"] for kind in tables.values() for name, found in kind.items()}
    changed = [f"'{name}'" for name, value in now.items() if before.get(name, value) != value]
    if changed:
        raise ConfigError(
            f"The experiment in '{folder}' was started with other contents of {' and '.join(changed)}, so its runs "
            "cannot be compared with new ones; choose another place with output=DIR."
        )


def _tables(runs: Sequence[Run]) -> dict[str, Any]:
    # Models and baselines have tables of their own.
    tables = dict.fromkeys(name for run in runs for name in workflow_of(run.config).tables(run.config))
    pools = dict.fromkeys(name for run in runs for name in workflow_of(run.config).pools(run.config))
    workflow = workflow_of(runs[0].config)
    return {
        "tables": {name: {"rows": workflow.count_rows(name), "sha256": data_checksum(name)} for name in tables},
        "pools": {name: {"candidates": len(read_candidates(name)), "sha256": data_checksum(name)} for name in pools},
    }
