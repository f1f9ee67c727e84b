"""One trial of a study: a run with validation metrics, cut short if it is poor.

A trial that died or was interrupted is started again from the state in its run folder.
"""

from __future__ import annotations

import os
import shutil
import socket
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import optuna
from optuna import Study, Trial, TrialPruned
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import fail_stale_trials
from optuna.trial import FrozenTrial, TrialState

from rrgraph.data import VALIDATION
from rrgraph.errors import RRGraphError
from rrgraph.runs import TunedConfig, run, tuned_workflow
from rrgraph.tuning.heartbeat import GRACE_SECONDS, retry
from rrgraph.tuning.messages import quietly
from rrgraph.tuning.objectives import PLANNING_TIME, Objective, planning_time
from rrgraph.tuning.record import finished
from rrgraph.tuning.sampling import SAME_AS, SeededSampler, find_twin, make_pruner
from rrgraph.tuning.settings import StudySettings, trial_config
from rrgraph.tuning.space import SearchSpace
from rrgraph.tuning.storage import opened_storage
from rrgraph.tuning.trial_storage import first_number, keep_best_weights, trial_folder
from rrgraph.util.interruption import lasting_interruption
from rrgraph.util.locking import abandon
from rrgraph.util.streams import printed_to

__all__ = ["ERROR", "Job", "Outcome", "open_study", "release_dead", "release_own", "run_trial"]

ERROR: Final = "error"
"""Attribute of a trial that failed: the sentence that says why."""

_MACHINE: Final = "machine"

_CALL: Final = "call"
"""Attribute of a trial: its own number, since one that is started again takes over the attributes, and its call."""

_TRIES: Final = 30
"""Trials in a row that repeat others before the search space counts as exhausted."""

_PREPARED: dict[tuple[object, ...], Any] = {}
"""Data of the last trials of this process, which take longer to prepare than many a trial to learn."""

_MOST_PREPARED: Final = 2


@dataclass(frozen=True)
class Job:
    """What a process needs to work on a study.

    Attributes:
        url: of the storage.
        study: name of the study.
        config: of the runs.
        space: what is searched.
        settings: how.
        folder: of the study.
        trials: number of trials after which the study is finished.
        call: what tells the trials of one call, with all its processes, from those of others.
    """

    url: str
    study: str
    config: TunedConfig
    space: SearchSpace
    settings: StudySettings
    folder: Path
    trials: int
    call: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        number: of the trial.
        state: `complete`, `pruned` or `fail`.
        values: of the objectives when it is complete.
        epochs: after which it ended, None when it reported none.
        seconds: how long it took.
        error: one sentence that says why it failed, empty if it did not.
        exhausted: whether no settings were found that had not been tried.
    """

    number: int
    state: str
    values: tuple[float, ...] = ()
    epochs: int | None = None
    seconds: float = 0.0
    error: str = ""
    exhausted: bool = False


def run_trial(job: Job) -> Outcome | None:
    """Carry out one trial; return None when the study is finished or others work on what is left of it.

    Raises:
        KeyboardInterrupt: interrupted, or asked to end; the trial waits to be started again.
    """
    with quietly(), opened_storage(job.url) as storage:
        study = open_study(job, storage)
        release_dead(study)
        running = len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))
        if finished(study) + running >= job.trials:
            return None
        trial: FrozenTrial | None = None
        for _ in range(_TRIES):
            trial = _one(study, job)
            if trial is None:
                return None
            if SAME_AS not in trial.user_attrs:
                keep_best_weights(study, job.folder, job.settings.objectives)
                return _outcome(trial)
        assert trial is not None
        return Outcome(trial.number, "fail", exhausted=True)


def open_study(job: Job, storage: optuna.storages.BaseStorage) -> Study:
    """Return the study of a job with its sampler and pruner."""
    settings = job.settings
    study = optuna.load_study(
        study_name=job.study, storage=storage, sampler=SeededSampler(settings.seed, startup=settings.startup)
    )
    epochs = tuned_workflow(job.config).epochs(job.config)
    study.pruner = make_pruner(settings.pruner, epochs=epochs, warmup=settings.warmup, study=study)
    return study


def release_dead(study: Study) -> None:
    """Put trials whose process has died back into the queue."""
    fail_stale_trials(study)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        # Killed between being numbered and its first sign of life: nothing had been started, nothing is repeated.
        if _MACHINE not in trial.user_attrs and _age(trial) > GRACE_SECONDS:
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)


def release_own(study: Study, call: str) -> None:
    """Put the trials of a call back into the queue that its processes, all of which have ended, left running."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if trial.user_attrs.get(_CALL) == [trial.number, call]:
            _put_back(study, trial.number)


def _put_back(study: Study, number: int) -> None:
    """Put a trial that was interrupted back into the queue."""
    study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
    trial = study.get_trials()[number]
    if trial.state == TrialState.FAIL:
        retry(study, trial, most=None)


def _one(study: Study, job: Job) -> FrozenTrial | None:
    """Return the trial that was carried out, None when others took it over meanwhile."""
    # Between its entry in the storage and the objective nobody could tell whose trial it is.
    with ExitStack() as unnumbered:
        objective = _Objective(job, unnumbered)
        unnumbered.enter_context(lasting_interruption(deferred=True))
        return _carried_out(study, objective)


def _carried_out(study: Study, objective: _Objective) -> FrozenTrial | None:
    try:
        study.optimize(objective, n_trials=1, catch=(Exception,))
    except KeyboardInterrupt:
        if objective.number is not None:
            _put_back(study, objective.number)
        raise
    except (UpdateFinishedTrialError, ValueError):
        # Silent for too long, it was started again elsewhere.
        if objective.number is None or not study.get_trials()[objective.number].state.is_finished():
            raise
        return None
    assert objective.number is not None
    return study.get_trials()[objective.number]


class _Objective:
    """What Optuna calls with a trial.

    Args:
        job: of the trial.
        unnumbered: closed as soon as the trial is known to be this one.
    """

    def __init__(self, job: Job, unnumbered: ExitStack) -> None:
        self.job, self.unnumbered = job, unnumbered
        self.number: int | None = None

    def __call__(self, trial: Trial) -> float | tuple[float, ...]:
        self.number = trial.number
        job, study = self.job, trial.study
        trial.set_user_attr(_CALL, [trial.number, job.call])
        trial.set_user_attr(_MACHINE, f"{socket.gethostname()}:{os.getpid()}")
        self.unnumbered.close()
        values = job.space.suggest(trial, job.config)
        frozen = study.get_trials(deepcopy=False)[trial.number]
        number, folder = first_number(frozen), trial_folder(job.folder, first_number(frozen))
        if number == trial.number:
            twin = find_twin(study.get_trials(deepcopy=False), trial.number, trial.params)
            if twin is not None:
                trial.set_user_attr(SAME_AS, twin)
                raise _Repeated
            shutil.rmtree(folder, ignore_errors=True)
        else:
            # The storage has found the process that worked there dead, on whatever computer it ran.
            abandon(folder, elsewhere=True)
        config = trial_config(job.config, values, job.settings, name=folder.name, output=str(folder))
        log = job.folder / "logs" / f"{folder.name}.txt"
        with printed_to(log):
            try:
                return self._measure(trial, frozen, config)
            except RRGraphError as error:
                trial.set_user_attr(ERROR, str(error))
                raise
            except (TrialPruned, UpdateFinishedTrialError):
                raise
            except Exception as error:
                traceback.print_exc()
                trial.set_user_attr(ERROR, f"{type(error).__name__}: {error} (see '{log}').")
                raise

    def _measure(self, trial: Trial, frozen: FrozenTrial, config: TunedConfig) -> tuple[float, ...]:
        data = _prepared(config)
        result = run(config, resume=True, on_epoch=self._reporter(trial, frozen), data=data)
        measured = partial(tuned_workflow(config).measured, result.comparison, subset=VALIDATION.word)
        return tuple(
            planning_time(config, data) if each.name == PLANNING_TIME else each.value(measured(protocol=each.protocol))
            for each in self.job.settings.objectives
        )

    def _reporter(self, trial: Trial, frozen: FrozenTrial) -> _Reporter | None:
        objective, config = self.job.settings.single, self.job.config
        workflow = tuned_workflow(config)
        if objective is None or workflow.unpruned(config):
            return None
        # After its last epoch a link model may as well be measured, unless its re-ranker is still to come.
        return _Reporter(trial, frozen, objective, last=workflow.last_epoch(config))


class _Reporter:
    """Tells the study after each epoch what the run would be worth if it ended there, and ends it if that is poor.

    That is the best validation metric so far, since the best epoch's weights are what a run keeps.
    """

    def __init__(self, trial: Trial, frozen: FrozenTrial, objective: Objective, *, last: int) -> None:
        self.trial, self.metric, self.last = trial, objective.metric, last
        self.better = max if objective.direction == "maximize" else min
        self.known = dict(frozen.intermediate_values)

    def __call__(self, row: Mapping[str, float]) -> None:
        epoch = int(row["epoch"])
        if epoch in self.known or self.metric not in row:
            return
        self.known[epoch] = self.better([row[self.metric], *self.known.values()])
        self.trial.report(self.known[epoch], epoch)
        if epoch != self.last and self.trial.should_prune():
            raise TrialPruned


class _Repeated(Exception):
    """The settings have been tried before."""


def _prepared(config: TunedConfig) -> Any:
    """Return the data of a run, from an earlier trial of this process if that had the same."""
    workflow = tuned_workflow(config)
    key = workflow.data_key(config)
    data = _PREPARED.pop(key, None) or workflow.data(config)
    while len(_PREPARED) >= _MOST_PREPARED:
        _PREPARED.pop(next(iter(_PREPARED)))
    _PREPARED[key] = data
    return data


def _outcome(trial: FrozenTrial) -> Outcome:
    complete = trial.state == TrialState.COMPLETE
    return Outcome(
        number=trial.number,
        state=trial.state.name.lower(),
        values=tuple(trial.values) if complete else (),
        epochs=trial.last_step,
        seconds=trial.duration.total_seconds() if trial.duration else 0.0,
        error=trial.user_attrs.get(ERROR, "it ended without a value.") if trial.state == TrialState.FAIL else "",
    )


def _age(trial: FrozenTrial) -> float:
    return (datetime.now() - trial.datetime_start).total_seconds() if trial.datetime_start else 0.0
