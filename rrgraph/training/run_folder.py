"""The run folder: what is written into it, and the refusal to overwrite one."""

from __future__ import annotations

import csv
import hashlib
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from rrgraph.errors import ConfigError, DataError, DataWarning, RRGraphError
from rrgraph.training.state import STATE_FILE
from rrgraph.util.config import BaseConfig, load_config, save_config
from rrgraph.util.environment import describe_environment
from rrgraph.util.files import check_writable, sweep, write_json, write_text
from rrgraph.util.json_files import read_json
from rrgraph.util.locking import locked_folder
from rrgraph.util.sheets import csv_text

__all__ = [
    "check_folder",
    "check_place",
    "checksum",
    "in_own_folder",
    "is_finished",
    "read_history",
    "record_run",
    "write_history",
]

_RECORD = ("config.yaml", "environment.json", "data.json")
_CONTENTS = "contents"

Config = TypeVar("Config", bound=BaseConfig)
P = ParamSpec("P")
R = TypeVar("R")


def in_own_folder(
    check: Callable[[Config], None],
) -> Callable[[Callable[Concatenate[Config, P], R]], Callable[Concatenate[Config, P], R]]:
    """Keep other processes out of the folder of a run while it lasts.

    The decorated function takes a configuration and `resume`, as `check_folder` does. It raises a ConfigError where
    the configuration or the folder is refused or another process works in the folder; nothing has been written then.

    Args:
        check: raises a ConfigError where the configuration is refused.
    """

    def decorate(run: Callable[Concatenate[Config, P], R]) -> Callable[Concatenate[Config, P], R]:
        @wraps(run)
        def alone(config: Config, /, *args: P.args, **options: P.kwargs) -> R:
            check(config)
            _check_place(config.folder)
            with locked_folder(config.folder):
                check_folder(config, resume=bool(options.get("resume")))
                return run(config, *args, **options)

        return alone

    return decorate


def check_folder(config: BaseConfig, *, resume: bool) -> None:
    """Refuse a run folder that holds something else; one whose first epoch never ended holds nothing yet.

    Raises:
        ConfigError: the folder holds a run and `resume` is not set, it was started with another configuration, or it
            is not a run folder.
    """
    folder = config.folder
    found = _check_place(folder)
    sweep(folder)
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


def _check_place(folder: Path) -> set[str]:
    """Return the names of the files in a folder for a run, without the lock and what is half written.

    Raises:
        ConfigError: it holds something else.
        DataError: it cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"The run folder '{folder}' is a file; choose another with output=DIR.")
    check_writable(folder, folder=True)
    found = _names(folder)
    if found and "config.yaml" not in found:
        raise ConfigError(f"The folder '{folder}' is not empty and holds no run; choose another with output=DIR.")
    return found


def check_place(
    folder: Path, file: str, what: str, *, error: type[RRGraphError] = ConfigError, besides: tuple[str, ...] = ()
) -> None:
    """Refuse a folder that holds something else than runs of one kind, and remove what is half written there.

    Args:
        folder: which may be there.
        file: by which a folder of that kind is recognised.
        what: such a folder holds, for the sentence.
        error: what to raise.
        besides: beginnings of names that may be there before that file.

    Raises:
        RRGraphError: the given one, where it holds something else.
        DataError: it cannot be written to.
    """
    sweep(folder)
    is_other = not folder.is_dir() or any(not name.startswith(besides) for name in _names(folder))
    if folder.exists() and not (folder / file).is_file() and is_other:
        raise error(f"'{folder}' is there and holds no {what}; choose another place with output=DIR.")
    check_writable(folder, folder=True)


def _names(folder: Path) -> set[str]:
    """Return the names of what is in a folder, if it is there, without the lock and what is half written."""
    return {each.name for each in folder.iterdir() if not each.name.startswith(".")} if folder.exists() else set()


def record_run(config: BaseConfig, data: Mapping[str, Any], contents: Mapping[str, str], *, resume: bool) -> None:
    """Write configuration, environment and the reports on the data into the run folder, which is made if need be.

    Args:
        config: of the run.
        data: reports on the data.
        contents: checksum of each part of the data, by a name for a sentence such as `training rows`.
        resume: whether a run goes on, for which all of them must be as they were.

    Raises:
        ConfigError: the data have changed since the run was started; nothing has been written then.
    """
    if resume:
        _check_contents(config.folder, contents)
    save_config(config, config.folder / _RECORD[0])
    write_json(config.folder / _RECORD[1], describe_environment())
    write_json(config.folder / _RECORD[2], {**data, _CONTENTS: dict(contents)})


def _check_contents(folder: Path, contents: Mapping[str, str]) -> None:
    path = folder / _RECORD[2]
    if not path.is_file():
        return
    try:
        recorded = read_json(path)
    except DataError:
        recorded = None
    if not isinstance(recorded, dict):
        raise ConfigError(f"'{path}' is damaged; remove it to resume the run whether its data have changed or not.")
    before = recorded.get(_CONTENTS)
    if not isinstance(before, dict):
        warnings.warn(
            f"'{path}' has no checksums of the rows, so it is not known whether the run started with them.",
            DataWarning,
            stacklevel=3,
        )
        return
    changed = [name for name in {**before, **contents} if before.get(name) != contents.get(name)]
    if changed:
        raise ConfigError(
            f"The run in '{folder}' was started with other data, so it cannot be resumed with these: the "
            f"{', the '.join(changed)} {'have' if len(changed) > 1 or changed[0].endswith('s') else 'has'} changed."
        )


def checksum(parts: Iterable[str] | np.ndarray[Any, Any]) -> str:
    """Return the SHA-256 of texts in order, or of an array, to compare the data of a resumed run.

    >>> checksum(["BaTiO3", "TiO2"]) == checksum(["BaTiO3TiO2"])
    False
    """
    if isinstance(parts, np.ndarray):
        return hashlib.sha256(parts.tobytes()).hexdigest()
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_finished(folder: Path) -> bool:
    """Return whether the run in `folder` has its model and no unfinished state."""
    return (folder / "model.json").is_file() and not (folder / STATE_FILE).exists()


def write_history(folder: Path, history: Sequence[dict[str, Any]], *, name: str = "history.csv") -> None:
    """Write the history of a training, one row an epoch."""
    write_text(folder / name, csv_text(history))


def read_history(folder: Path, *, name: str = "history.csv") -> list[dict[str, float]]:
    """Return the history that `write_history` wrote."""
    with (folder / name).open(encoding="utf-8", newline="") as lines:
        return [
            {key: int(value) if value.isdigit() else float(value) for key, value in row.items()}
            for row in csv.DictReader(lines)
        ]
