"""A whole study: carries out its trials, and writes the best configuration, tables and figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from optuna.trial import FrozenTrial, TrialState

from rrgraph.errors import StudyError
from rrgraph.runs import TunedConfig
from rrgraph.tuning.check import check_space
from rrgraph.tuning.messages import quietly
from rrgraph.tuning.record import (
    WARM_START,
    check_folder,
    claim_study,
    describe_study,
    finished,
    record_folder,
    recorded_start,
)
from rrgraph.tuning.results import write_results
from rrgraph.tuning.settings import StudySettings, read_settings
from rrgraph.tuning.space import SearchSpace
from rrgraph.tuning.storage import default_storage, opened_storage, repeated
from rrgraph.tuning.trial import Job, Outcome, open_study, release_dead, release_own, run_trial
from rrgraph.tuning.trial_storage import best_trials
from rrgraph.tuning.warm_start import expect_source, read_earlier, take_over, warm_start
from rrgraph.util.environment import processors
from rrgraph.util.interruption import interruptible, lasting_interruption
from rrgraph.util.names import PLAIN_NAME, is_plain_name
from rrgraph.util.parallel import Engine, WorkerDied, parallel_map
from rrgraph.util.progress import progress_bar

__all__ = ["StudyResult", "StudyStart", "tune"]

_WAIT_SECONDS: Final = 5.0
"""Time between two looks at a storage when others work on the last trials."""

_MOST_FAILURES: Final = 5
"""Trials that may fail in a row."""


@dataclass(frozen=True)
class StudyStart:
    """What is known before the first trial.

    Attributes:
        study: name of the study.
        settings: how it searches.
        parameters: number of parameters.
        trials: number of trials that it is to have.
        finished: number of those that were finished before.
        warm_start: one sentence that says what was taken over from an earlier study, empty if nothing was.
    """

    study: str
    settings: StudySettings
    parameters: int
    trials: int
    finished: int
    warm_start: str = ""


@dataclass(frozen=True)
class StudyResult:
    """What a study leaves behind.

    Attributes:
        folder: of the study.
        url: of the storage.
        settings: how it searched.
        best: the best trial, or those of the Pareto front; empty when none was measured.
        figures: files of the figures.
        undrawn: one sentence that says which figures could not be drawn, empty if all were.
        failures: the sentence of each trial that failed since the start, by its number.
        stopped: one sentence that says why it ended before its time, empty if it did not.
    """

    folder: Path
    url: str
    settings: StudySettings
    best: Sequence[FrozenTrial]
    figures: Sequence[Path]
    undrawn: str
    failures: Mapping[int, str]
    stopped: str


def tune(
    config: TunedConfig,
    space: SearchSpace,
    *,
    trials: int,
    study: str = "",
    storage: str = "",
    jobs: int = 1,
    engine: Engine | None = None,
    options: Mapping[str, Any] | None = None,
    figures: bool = True,
    from_study: str = "",
    on_start: Callable[[StudyStart], None] | None = None,
    on_end: Callable[[Outcome], None] | None = None,
) -> StudyResult:
    """Search the settings of a configuration until a study has so many finished trials.

    Called again with the same arguments it goes on where it ended, however it ended. Several computers may call it with
    one storage.

    Args:
        config: of the runs; its `output` is the folder of the study, `studies/<study>` by default.
        space: what is searched.
        trials: number of trials, measured or cut short by the pruner; those that fail do not count.
        study: name of the study, that of the configuration by default.
        storage: URL of the storage, an SQLite file in the study's folder by default.
        jobs: number of processes, each with its share of the processor cores.
        engine: where the processes run; by default on this computer, and with one job in this process.
            All of them have to reach the storage and the folder.
        options: in place of those of the search space, see `StudySettings`.
        figures: whether to draw them at the end.
        from_study: earlier study to start from: its folder or the URL of its storage, `::NAME` after it where that
            holds several. Trials that this study could have carried out become finished ones, which are not counted
            among `trials`; the best settings of others are tried first.
        on_start: called before the first trial.
        on_end: called with each trial that ends.

    Raises:
        ConfigError: the configuration is refused; nothing has been started then.
        StudyError: the space, the storage, the folder, the study or the earlier one is refused, or the storage fails.
        DataError: a table cannot be read.
    """
    space = space.renamed(type(config))
    settings = read_settings(space, config, options or {})
    check_space(space, config)
    name = study or config.name
    if not is_plain_name(name):
        raise StudyError(f"The study {name!a:.80} cannot have this name, expected {PLAIN_NAME}.")
    folder = Path(config.output) if config.output else Path("studies") / name
    description = describe_study(config, space, settings)
    check_folder(folder, name, description)
    start = None
    if from_study and (recorded := recorded_start(folder)) is not None:
        expect_source(recorded, from_study)
    elif from_study:
        start = warm_start(read_earlier(from_study), config, space, settings, description)
    url = storage or default_storage(folder)
    if not storage:
        folder.mkdir(parents=True, exist_ok=True)
    job = Job(url, name, config, space, settings, folder, trials)
    with quietly(), opened_storage(url) as opened:
        claimed, made = repeated(lambda: claim_study(opened, name, description, settings.objectives))
        if start is not None:
            repeated(lambda: take_over(claimed, start, made=made))
        record_folder(folder, claimed, url, description)
        if on_start is not None:
            done = finished(open_study(job, opened))
            said = claimed.user_attrs.get(WARM_START, {}).get("sentence", "")
            on_start(StudyStart(name, settings, len(space.parameters), trials, done, said))
    failures, stopped = _work(job, jobs, engine, on_end)
    with quietly(), opened_storage(url) as opened:
        loaded = open_study(job, opened)
        drawn, undrawn = write_results(loaded, job, figures=figures)
        best = best_trials(loaded, settings.objectives)
    return StudyResult(folder, url, settings, best, drawn, undrawn, failures, stopped)


def _work(
    job: Job, jobs: int, engine: Engine | None, on_end: Callable[[Outcome], None] | None
) -> tuple[dict[int, str], str]:
    """Carry out trials until the study is finished; return what failed and why it was stopped early."""
    failures: dict[int, str] = {}
    in_a_row = 0
    with (
        interruptible(),
        _left_to_none(job),
        closing(_outcomes(job, jobs, engine)) as outcomes,
        progress_bar(job.study, total=job.trials, unit="trial") as bar,
    ):
        for outcome in outcomes:
            if isinstance(outcome, int):
                bar.n = outcome
                bar.refresh()
                continue
            if isinstance(outcome, WorkerDied):
                failures[-1 - in_a_row] = f"{outcome}; its trial is started again."
            elif outcome.exhausted:
                return failures, "The search space is exhausted: no settings were found that have not been tried."
            else:
                if outcome.error:
                    failures[outcome.number] = outcome.error
                if on_end is not None:
                    on_end(outcome)
            failed = isinstance(outcome, WorkerDied) or bool(outcome.error)
            in_a_row = in_a_row + 1 if failed else 0
            if in_a_row == _MOST_FAILURES:
                return failures, f"{_MOST_FAILURES} trials in a row failed."
    return failures, ""


@contextmanager
def _left_to_none(job: Job) -> Iterator[None]:
    """Put back what the processes of this call leave running when the block is left by an exception."""
    try:
        yield
    except BaseException:
        # A storage that has failed would hide what happened.
        with suppress(StudyError), quietly(), opened_storage(job.url) as storage:
            release_own(open_study(job, storage), job.call)
        raise


def _outcomes(job: Job, jobs: int, engine: Engine | None) -> Generator[Outcome | WorkerDied | int, None, None]:
    """Yield each trial as it ends, and before and after it the number of trials that are finished."""
    while True:
        with lasting_interruption(deferred=True), quietly(), opened_storage(job.url) as storage:
            study = open_study(job, storage)
            release_dead(study)
            done = finished(study)
            running = len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))
        yield done
        if done >= job.trials:
            return
        missing = job.trials - done - running
        if missing <= 0:
            # Others work on the last ones. Should they die, their trials are free after a while.
            time.sleep(_WAIT_SECONDS)
            continue
        threads = max(1, processors() // jobs)
        with closing(parallel_map(run_trial, [job] * missing, jobs=jobs, threads=threads, engine=engine)) as answers:
            for _, outcome in answers:
                if outcome is not None:
                    yield outcome
                    yield _recorded(job)


def _recorded(job: Job) -> int:
    """Bring the tables of the study up to date, so that they are there however it ends; return what is finished."""
    with lasting_interruption(deferred=True), quietly(), opened_storage(job.url) as storage:
        study = open_study(job, storage)
        write_results(study, job, figures=False)
        return finished(study)
