"""The run folder: what is written into it, and the refusal to overwrite one."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rrgraph.errors import ConfigError
from rrgraph.files import write_json, write_text
from rrgraph.runs.config import RunConfig, load_config, save_config
from rrgraph.runs.environment import describe_environment
from rrgraph.training import STATE_FILE

__all__ = ["prepare_folder", "write_history"]


def prepare_folder(config: RunConfig, *, resume: bool) -> Path:
    """Create the run folder and record configuration and environment in it.

    Raises:
        ConfigError: the folder holds a run and `resume` is not set, or it was started with another configuration.
    """
    folder = config.folder
    recorded = folder / "config.yaml"
    if recorded.exists():
        if not resume:
            raise ConfigError(
                f"The run folder '{folder}' exists; continue it with --resume or choose another with output=DIR."
            )
        if load_config(recorded) != config:
            raise ConfigError(
                f"The run in '{folder}' was started with another configuration (see its config.yaml), "
                "so it cannot be resumed with this one."
            )
    elif folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"The folder '{folder}' is not empty and holds no run; choose another with output=DIR.")
    save_config(config, recorded)
    write_json(folder / "environment.json", describe_environment())
    return folder


def is_finished(folder: Path) -> bool:
    """Return whether the run in `folder` has its model and no unfinished state."""
    return (folder / "model.json").is_file() and not (folder / STATE_FILE).exists()


def write_history(folder: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write `history.csv`, one row an epoch."""
    columns = list(dict.fromkeys(name for row in history for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_text(folder / "history.csv", text.getvalue())
