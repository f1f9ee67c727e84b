"""Warm start: takes over what an earlier study found, whose space, objective or data may differ.

A trial that this study could have carried out with the same result becomes a finished one of it. Of the others, the
settings of the best are tried first.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import optuna
from optuna import Study
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from rrgraph.errors import RRGraphError, StudyError, suggestion
from rrgraph.runs import TunedConfig
from rrgraph.tuning.messages import quietly
from rrgraph.tuning.objectives import PLANNING_TIME
from rrgraph.tuning.record import RECORD, WARM_START, differences, flat
from rrgraph.tuning.sampling import SETTINGS_OF, TAKEN_FROM
from rrgraph.tuning.settings import StudySettings, trial_config
from rrgraph.tuning.space import Choice, SearchSpace
from rrgraph.tuning.storage import default_storage, opened_storage, public_url
from rrgraph.util.json_files import read_json
from rrgraph.util.names import is_plain_name
from rrgraph.util.settings import current_key, to_stored

__all__ = ["TRIED_FIRST", "EarlierStudy", "WarmStart", "expect_source", "read_earlier", "take_over", "warm_start"]

TRIED_FIRST: Final = 5
"""Trials of the earlier study whose settings are tried first, the best of those that are not taken over."""

_PATIENCE_SECONDS: Final = 10.0
"""How long another process may take to write what it takes over."""

_TABLES: Final = ("data.table", "data.holdout", "data.pool", "data.precursors")


@dataclass(frozen=True)
class EarlierStudy:
    """A study that was carried out before.

    Attributes:
        source: where it was found, without passwords.
        name: of the study.
        about: its record, see `describe_study`.
        trials: those that were completed.
    """

    source: str
    name: str
    about: Mapping[str, Any]
    trials: Sequence[FrozenTrial]


@dataclass(frozen=True)
class WarmStart:
    """What a study takes over from an earlier one.

    Attributes:
        source: where that is.
        finished: its trials that need not be carried out again.
        first: settings to try first, by the number of the trial that had them, the best first.
        sentence: says so.
    """

    source: str
    finished: Sequence[FrozenTrial]
    first: Mapping[int, Mapping[str, Choice]]
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Return the record of it, as JSON values."""
        finished = [trial.user_attrs[TAKEN_FROM] for trial in self.finished]
        return {"from": self.source, "finished": finished, "tried_first": [*self.first], "sentence": self.sentence}


def expect_source(recorded: object, source: str) -> None:
    """Refuse another earlier study than the one that a study was started from.

    Raises:
        StudyError: it is another one.
    """
    before = recorded.get("from") if isinstance(recorded, Mapping) else None
    if before != _public(source):
        raise StudyError(
            f"This study was started from '{before}', not from '{_public(source)}'; name the same one, or leave "
            "--from-study out to resume it."
        )


def read_earlier(source: str) -> EarlierStudy:
    """Read a study.

    Args:
        source: folder of the study, or URL of its storage; followed by `::NAME` where the storage has several.

    Raises:
        StudyError: there is no such study, it was not started by `rrgraph tune`, it has no complete trial, or it is
            damaged.
    """
    url, name = _located(source)
    try:
        with quietly(), opened_storage(url, existing=True) as storage:
            names = sorted(optuna.get_all_study_names(storage))
            name = names[0] if not name and len(names) == 1 else name
            if name not in names:
                what = f"no study '{name}'" if name else f"{len(names) or 'no'} studies"
                known = f", expected one of {', '.join(names)} as '::NAME' after it" if names else ""
                raise StudyError(f"The storage '{public_url(url)}' holds {what}{known}.{suggestion(name, names)}")
            study = optuna.load_study(study_name=name, storage=storage)
            about = study.user_attrs.get(RECORD)
            trials = study.get_trials(states=(TrialState.COMPLETE,))
    except RRGraphError:
        raise
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        ArithmeticError,
    ) as error:  # what Optuna makes of damage
        raise StudyError(f"The storage '{public_url(url)}' is damaged: {error!r:.100}.") from None
    if about is None:
        raise StudyError(f"The study '{name}' in '{public_url(url)}' was not started by rrgraph tune.")
    parts = ("configuration", "contents", "objectives", "search")
    if not isinstance(about, Mapping) or not all(isinstance(about.get(part), Mapping) for part in parts):
        raise StudyError(f"The record of the study '{name}' in '{public_url(url)}' is damaged.")
    number = len(about["objectives"])
    if any(
        len(trial.values or ()) != number or not all(isinstance(key, str) for key in trial.params) for trial in trials
    ):
        raise StudyError(f"The trials of the study '{name}' in '{public_url(url)}' are damaged.")
    if not trials:
        raise StudyError(f"The study '{name}' in '{public_url(url)}' has no complete trial to start from.")
    return EarlierStudy(_public(source), name, about, trials)


def warm_start(
    earlier: EarlierStudy,
    config: TunedConfig,
    space: SearchSpace,
    settings: StudySettings,
    description: Mapping[str, Any],
) -> WarmStart:
    """Return what a study can take over from an earlier one.

    A trial is taken over as a finished one where this study could have carried it out: its parameters are in the
    space, and with them the whole configuration, the contents of its tables and the objectives are the same. Planning
    times are never taken over, for they depend on the computer.

    Args:
        earlier: the study that is taken over from.
        config: of this study.
        space: of this study.
        settings: of this study.
        description: of this study, see `describe_study`.

    Raises:
        StudyError: nothing of it is of use: no parameter of this study is in it.
    """
    now = json.loads(json.dumps(description))
    finished: list[FrozenTrial] = []
    first: dict[int, dict[str, Choice]] = {}
    for trial in _best_first(earlier, settings):
        params = {current_key(key, type(config)): value for key, value in trial.params.items()}
        fitting = space.fitting(params)
        if taken := _as_finished(trial, params, earlier, config, space, settings, now):
            finished.append(taken)
        elif fitting and fitting not in first.values():
            first[trial.number] = fitting
    known = [trial.params for trial in finished]
    first = dict([item for item in first.items() if item[1] not in known][:TRIED_FIRST])
    if not finished and not first:
        raise StudyError(
            f"Nothing of the study '{earlier.name}' is of use: none of its settings lies in this search space."
        )
    finished.sort(key=lambda trial: trial.user_attrs[TAKEN_FROM])
    reason = "" if finished else _reason(earlier, config, settings, now)
    return WarmStart(earlier.source, finished, first, _sentence(earlier, len(finished), len(first), reason))


def take_over(study: Study, start: WarmStart, *, made: bool) -> None:
    """Write what is taken over into a study, once, whoever else does the same at the same time.

    Args:
        study: the new study.
        start: what it takes over.
        made: whether this process made the study, and so is the one to write; others wait until it has, or until it
            must have died.

    Raises:
        StudyError: the study was started without an earlier one, or from another one.
    """
    until = time.monotonic() + (0.0 if made else _PATIENCE_SECONDS)
    while WARM_START not in study.user_attrs:
        trials = study.get_trials(deepcopy=False)
        own = any(not {TAKEN_FROM, SETTINGS_OF} & trial.user_attrs.keys() for trial in trials)
        if own and WARM_START not in study.user_attrs:
            raise StudyError(
                f"The study '{study.study_name}' has trials of its own, so that it cannot start from another one; "
                "choose another name with --study."
            )
        if time.monotonic() >= until:
            _write(study, start, {trial.user_attrs.get(TAKEN_FROM) for trial in trials})
            return
        time.sleep(0.1)
    expect_source(study.user_attrs[WARM_START], start.source)


def _write(study: Study, start: WarmStart, there: set[object]) -> None:
    for trial in start.finished:
        if trial.user_attrs[TAKEN_FROM] not in there:
            study.add_trial(trial)
    for number, settings in start.first.items():
        study.enqueue_trial(dict(settings), user_attrs={SETTINGS_OF: number}, skip_if_exists=True)
    study.set_user_attr(WARM_START, start.to_dict())


def _located(source: str) -> tuple[str, str]:
    """Return the URL of a storage, and the name of a study in it, empty where none is given."""
    place, name = _parted(source)
    folder = Path(place)
    if not folder.is_dir():
        if ":" in place or folder.is_file():
            return place, name
        near = suggestion(folder.name, [each.name for each in folder.parent.glob("*") if each.is_dir()])
        raise StudyError(f"There is no study '{place}', expected its folder or the URL of its storage.{near}")
    try:
        record = read_json(folder / "study.json")
        url, recorded = record["storage"], record["study"]
        if not isinstance(url, str) or not isinstance(recorded, str):
            raise TypeError
    except RRGraphError as error:
        raise StudyError(f"The folder '{place}' holds no study: {error}") from None
    except (LookupError, TypeError):
        raise StudyError(f"The folder '{place}' holds no study: its 'study.json' is damaged.") from None
    if (folder / "study.db").is_file():
        url = default_storage(folder)
    if "***" in url:
        raise StudyError(f"The password of the storage of '{place}' is not kept: name its URL in place of the folder.")
    return url, name or recorded


def _parted(source: str) -> tuple[str, str]:
    place, _, name = source.rpartition("::")
    return (place, name) if place and is_plain_name(name) else (source, "")


def _public(source: str) -> str:
    place, name = _parted(source)
    return f"{public_url(place)}::{name}" if name else public_url(place)


def _best_first(earlier: EarlierStudy, settings: StudySettings) -> list[FrozenTrial]:
    """Return the trials by the first objective that both studies have, else by the first one of the earlier study."""
    names = list(earlier.about["objectives"])
    shared = [each.name for each in settings.objectives if each.name in names]
    place = names.index(shared[0]) if shared else 0
    sign = -1 if earlier.about["objectives"][names[place]] == "maximize" else 1
    return sorted(earlier.trials, key=lambda trial: (sign * trial.values[place], trial.number))


def _as_finished(
    trial: FrozenTrial,
    params: Mapping[str, Choice],
    earlier: EarlierStudy,
    config: TunedConfig,
    space: SearchSpace,
    settings: StudySettings,
    now: Mapping[str, Any],
) -> FrozenTrial | None:
    """Return an earlier trial as one of this study, None where this study would not have the same one."""
    if _objectives(earlier.about) != _objectives(now) or PLANNING_TIME in now["objectives"]:
        return None
    before = {**_configuration(earlier.about, type(config)), **params}
    fixed = FixedTrial(space.fitting(before))
    try:
        values = space.suggest(fixed, config)
        carried = to_stored(trial_config(config, values, settings))
    except (ValueError, RRGraphError):  # a parameter has no value, or not one of this study
        return None
    given = _configuration({"configuration": json.loads(json.dumps(carried))}, type(config))
    if _by_contents(before, earlier.about) != _by_contents(given, now):
        return None
    return FrozenTrial(
        number=-1,
        trial_id=-1,
        state=TrialState.COMPLETE,
        value=None,
        values=list(trial.values),
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params=values,
        distributions=fixed.distributions,
        user_attrs={TAKEN_FROM: trial.number},
        system_attrs={},
        intermediate_values=dict(trial.intermediate_values),
    )


def _objectives(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    return list(about["objectives"].items())


def _configuration(about: Mapping[str, Any], schema: type) -> dict[str, Any]:
    """Return the settings of a configuration by dotted key, as it is called today."""
    settings = flat(about["configuration"])
    return {current_key(key.replace("/", "."), schema): value for key, value in settings if value != {}}


def _by_contents(settings: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the checksums of tables and encoders in place of their names."""
    contents = about.get("contents", {})
    names = {key: settings.get(key) for key in _TABLES} | {
        "model.pretrained": f"encoder {settings.get('model.pretrained')}"
    }
    return {**settings, **{key: contents[name] for key, name in names.items() if name in contents}}


def _reason(earlier: EarlierStudy, config: TunedConfig, settings: StudySettings, now: Mapping[str, Any]) -> str:
    """Return in words why no trial was taken over."""
    if _objectives(earlier.about) != _objectives(now):
        return f"its objective is {' and '.join(earlier.about['objectives'])}"
    if PLANNING_TIME in now["objectives"]:
        return "planning times depend on the computer"
    schema = type(config)
    before, after = _configuration(earlier.about, schema), _configuration(now, schema)
    searched = {current_key(key, schema) for key in earlier.about["search"]} | now["search"].keys()
    apart = [_by_contents(before, earlier.about), _by_contents(after, now)]
    keys = {key for key in {*before, *after} - searched if apart[0].get(key) != apart[1].get(key)}
    tables = earlier.about["contents"].keys() & now["contents"].keys()
    described = [
        {
            "configuration": {k: v for k, v in flats.items() if k in keys},
            "contents": {k: about["contents"][k] for k in tables},
        }
        for flats, about in ((before, earlier.about), (after, now))
    ]
    return differences(*described) if keys else "none of them lies in this search space"


def _sentence(earlier: EarlierStudy, finished: int, first: int, reason: str) -> str:
    start = f"from study {earlier.name} ({earlier.source}): "
    if not finished:
        best = "its best trial" if first == 1 else f"its best {first} trials"
        return f"{start}the settings of {best} are tried first; none is taken over as finished: {reason}"
    taken = f"{finished} of its {len(earlier.trials)} complete trials taken over as finished"
    others = "another one" if first == 1 else f"the best {first} others"
    return f"{start}{taken}, the settings of {others} are tried first" if first else start + taken
