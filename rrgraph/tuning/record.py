"""What a study is about: the record of configuration, data, objectives and search space that resuming is held to.

A study may be resumed only with what it was started with, since trials that learned from other rows, or were measured
otherwise, cannot be compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import optuna
from optuna import Study
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from rrgraph.data import data_checksum
from rrgraph.errors import DataError, StudyError
from rrgraph.models import load_encoder
from rrgraph.runs import TunedConfig, tuned_workflow
from rrgraph.training import check_place
from rrgraph.tuning.objectives import Objective
from rrgraph.tuning.sampling import TAKEN_FROM
from rrgraph.tuning.settings import StudySettings, trial_config
from rrgraph.tuning.space import SearchSpace
from rrgraph.tuning.storage import public_url
from rrgraph.util.files import write_json
from rrgraph.util.json_files import read_json
from rrgraph.util.settings import to_stored

__all__ = [
    "RECORD",
    "WARM_START",
    "check_folder",
    "claim_study",
    "describe_study",
    "differences",
    "fingerprint",
    "finished",
    "flat",
    "record_folder",
    "recorded_start",
]

RECORD: Final = "rrgraph"
"""Attribute of a study: what it is about."""

WARM_START: Final = "warm_start"
"""Attribute of a study, and key of the record in its folder: what it took over from an earlier one."""

_FINGERPRINT: Final = "rrgraph_fingerprint"
_FILE: Final = "study.json"
_MOST: Final = 3
"""Differences that are named."""


def describe_study(config: TunedConfig, space: SearchSpace, settings: StudySettings) -> dict[str, Any]:
    """Return what a study is about, as JSON values; where its folder lies does not matter.

    Raises:
        DataError: a table cannot be read.
        ModelError: there is no such pretrained encoder.
    """
    workflow = tuned_workflow(config)
    sources = {name: data_checksum(name) for name in workflow.sources(config)}
    if pretrained := workflow.pretrained(config):
        sources[f"encoder {pretrained}"] = _encoder_checksum(pretrained)
    return {
        "configuration": to_stored(trial_config(config, {}, settings)),
        "contents": sources,
        "objectives": {each.name: each.direction for each in settings.objectives},
        "search": {each["key"]: each for each in space.to_list()},
        "pruner": settings.pruner,
        "warmup": settings.warmup,
        "startup": settings.startup,
        "seed": settings.seed,
    }


def fingerprint(description: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a description, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


def claim_study(
    storage: BaseStorage, name: str, description: Mapping[str, Any], objectives: tuple[Objective, ...]
) -> tuple[Study, bool]:
    """Return the study of a name, and whether this call made it; of several at once only one does.

    Raises:
        StudyError: the study is about something else; the sentence says what differs.
    """
    directions = [each.direction for each in objectives]
    try:
        study, made = optuna.create_study(study_name=name, storage=storage, directions=directions), True
    except DuplicatedStudyError:
        study, made = optuna.load_study(study_name=name, storage=storage), False
    stored = [direction.name.lower() for direction in study.directions]
    # In this order: a process that does the same at this moment writes its record before its first trial.
    empty = not study.get_trials(deepcopy=False)
    recorded = study.user_attrs.get(RECORD)
    if recorded is None and stored == directions and empty:
        study.set_metric_names([each.name for each in objectives])
        study.set_user_attr(RECORD, dict(description))
        study.set_user_attr(_FINGERPRINT, fingerprint(description))
        return study, made
    if recorded is None:
        raise StudyError(f"The study '{name}' was not started by rrgraph tune; choose another name with --study.")
    if not isinstance(recorded, dict):
        raise StudyError(f"The record of the study '{name}' is damaged; choose another name with --study.")
    # Compared as JSON gives it back: tuples are lists there.
    given = json.loads(json.dumps(description))
    # The fingerprint is written last, by a process that may have been killed before.
    if study.user_attrs.get(_FINGERPRINT, fingerprint(recorded)) != fingerprint(given):
        raise StudyError(
            f"The study '{name}' was started with other settings, so its trials cannot be compared with new ones: "
            f"{differences(recorded, given)}. Resume it as it was started, or choose another name with --study."
        )
    if stored != directions:
        raise StudyError(f"The study '{name}' has the directions {stored}, expected {directions} for its objectives.")
    return study, made


def check_folder(folder: Path, name: str, description: Mapping[str, Any]) -> None:
    """Refuse a folder that holds something other than this study.

    Raises:
        StudyError: the folder is a file, or holds something else.
    """
    path = folder / _FILE
    check_place(folder, _FILE, "study", error=StudyError, besides=("study.db",))  # the storage comes first
    if path.is_file():
        try:
            recorded = read_json(path)
            if not isinstance(recorded, dict) or not recorded.get("about"):
                raise DataError(f"'{path}' is damaged: it does not describe the study.")
        except DataError as error:
            raise StudyError(f"{error} Restore it, or choose another place with output=DIR.") from None
        if recorded.get("study") != name:
            raise StudyError(
                f"The folder '{folder}' holds another study, {recorded.get('study')!a:.80}; choose another place with "
                "output=DIR."
            )
        if recorded.get("fingerprint") != fingerprint(description):
            raise StudyError(
                f"The folder '{folder}' holds another study of this name, which was started with other settings "
                f"({differences(recorded['about'], json.loads(json.dumps(description)))}); choose another "
                "place with output=DIR and another name with --study."
            )


def record_folder(folder: Path, study: Study, url: str, description: Mapping[str, Any]) -> None:
    """Write what the folder's study is.

    Raises:
        StudyError: the folder holds trials that the storage knows nothing of.
    """
    trials = folder / "trials"
    if trials.is_dir() and any(trials.iterdir()) and not study.get_trials(deepcopy=False):
        raise StudyError(
            f"The folder '{folder}' holds trials that are not in the storage '{public_url(url)}'; name the "
            "storage that they are in, or remove the folder."
        )
    record = {"study": study.study_name, "storage": public_url(url), "fingerprint": fingerprint(description)}
    taken = {WARM_START: study.user_attrs[WARM_START]} if WARM_START in study.user_attrs else {}
    write_json(folder / _FILE, {**record, **taken, "about": description})


def recorded_start(folder: Path) -> Any:
    """Return what the study of a folder, checked by `check_folder`, took over from an earlier one, None if nothing."""
    path = folder / _FILE
    return read_json(path).get(WARM_START) if path.is_file() else None


def finished(study: Study) -> int:
    """Return the number of trials that ended as they should here: measured, or cut short by the pruner."""
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    return sum(TAKEN_FROM not in trial.user_attrs for trial in ended)


def differences(recorded: object, given: Mapping[str, Any]) -> str:
    """Return in words what differs between two descriptions of a study, the first few of it."""
    before, now = dict(flat(recorded) if isinstance(recorded, Mapping) else ()), dict(flat(given))
    changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    # Of a parameter that is new or missing all options are.
    found = list(dict.fromkeys(_difference(key, before.get(key), now.get(key)) for key in changed))
    named = found[:_MOST] + ([f"and {len(found) - _MOST} more"] if len(found) > _MOST else [])
    return ", ".join(named) or "its record is damaged"


def _difference(key: str, before: object, now: object) -> str:
    section, _, name = key.partition("/")
    if section == "contents":
        return f"{name} has other contents" if before and now else f"{name} is {'new' if now else 'missing'}"
    if section in ("objectives", "search") and (before is None or now is None):
        what = "objective" if section == "objectives" else "search parameter"
        return f"the {what} {name.split('/')[0]} is {'new' if before is None else 'missing'}"
    plain = name.replace("/", ".") or section
    label = f"the search of {plain}" if section == "search" else plain
    return f"{label} was {before} and is now {now}"


def flat(values: object, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings by their path; dotted keys stay as they are."""
    if isinstance(values, Mapping) and (values or not key):
        for name, value in values.items():
            yield from flat(value, f"{key}/{name}" if key else str(name))
    else:
        yield key, values


def _encoder_checksum(name: str) -> str:
    """Return the SHA-256 of a pretrained encoder's weights."""
    digest = hashlib.sha256()
    for key, tensor in sorted(load_encoder(name, device="cpu").model.encoder.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.float().cpu().numpy().tobytes())
    return digest.hexdigest()
