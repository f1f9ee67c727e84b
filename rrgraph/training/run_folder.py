"""The run folder: what is written into it, and the refusal to overwrite one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rrgraph.errors import ConfigError
from rrgraph.training.state import STATE_FILE
from rrgraph.util.config import BaseConfig, load_config, save_config
from rrgraph.util.environment import describe_environment
from rrgraph.util.files import check_writable, sweep, write_json, write_text
from rrgraph.util.sheets import csv_text

__all__ = ["check_folder", "is_finished", "record_run", "write_history"]

_RECORD = ("config.yaml", "environment.json", "data.json")


def check_folder(config: BaseConfig, *, resume: bool) -> None:
    """Refuse a run folder that holds something else; one whose first epoch never ended holds nothing yet.

    Raises:
        ConfigError: the folder holds a run and `resume` is not set, it was started with another configuration, or it
            is not a run folder.
    """
    folder = config.folder
    if not folder.exists():
        check_writable(folder, folder=True)
        return
    if not folder.is_dir():
        raise ConfigError(f"The run folder '{folder}' is a file; choose another with output=DIR.")
    check_writable(folder, folder=True)
    sweep(folder)
    found = {entry.name for entry in folder.iterdir()}
    if found and "config.yaml" not in found:
        raise ConfigError(f"The folder '{folder}' is not empty and holds no run; choose another with output=DIR.")
    if not resume and not found <= set(_RECORD):
        raise ConfigError(
            f"The run folder '{folder}' exists; continue it with --resume or choose another with output=DIR."
        )
    if (
        resume
        and found
        and not load_config(folder / "config.yaml", schema=type(config), recorded=True).trains_like(config)
    ):
        raise ConfigError(
            f"The run in '{folder}' was started with another configuration (see its config.yaml), "
            "so it cannot be resumed with this one."
        )


def record_run(config: BaseConfig, data: Mapping[str, Any]) -> None:
    """Write configuration, environment and the reports on the data into the run folder, which is made if need be."""
    save_config(config, config.folder / _RECORD[0])
    write_json(config.folder / _RECORD[1], describe_environment())
    write_json(config.folder / _RECORD[2], data)


def is_finished(folder: Path) -> bool:
    """Return whether the run in `folder` has its model and no unfinished state."""
    return (folder / "model.json").is_file() and not (folder / STATE_FILE).exists()


def write_history(folder: Path, history: Sequence[dict[str, Any]], *, name: str = "history.csv") -> None:
    """Write the history of a training, one row an epoch."""
    write_text(folder / name, csv_text(history))
