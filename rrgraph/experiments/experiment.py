"""A whole experiment: carries out its runs, and writes their results and the tables that compare them."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rrgraph.errors import RRGraphError, check_choice
from rrgraph.experiments.comparison import Panel, compare
from rrgraph.experiments.config import ExperimentConfig
from rrgraph.experiments.grid import Run, RunName, check_grid, expand, is_finished
from rrgraph.experiments.record import check_folder, record_experiment
from rrgraph.experiments.results import Measured, read_run, record_seconds, write_results
from rrgraph.experiments.search_cost import measure_search, search_table
from rrgraph.experiments.tables import csv_table, latex_table, markdown_table
from rrgraph.runs import workflow_of
from rrgraph.runs.measure import discard_measured
from rrgraph.util.environment import processors
from rrgraph.util.files import write_text
from rrgraph.util.locking import abandon
from rrgraph.util.markdown import markdown_text
from rrgraph.util.parallel import Engine, WorkerDied, parallel_map
from rrgraph.util.progress import progress_bar
from rrgraph.util.streams import printed_to

__all__ = ["ExperimentResult", "Outcome", "run_experiment"]


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        seconds: how long it took.
        error: one sentence that says why it failed, empty if it did not.
    """

    seconds: float
    error: str = ""


@dataclass(frozen=True)
class ExperimentResult:
    """What an experiment leaves behind.

    Attributes:
        folder: of the experiment.
        panels: the comparison of the runs that are finished.
        failures: the sentence of each run that failed, or whose files are damaged, so that it is left out.
    """

    folder: Path
    panels: Sequence[Panel]
    failures: Mapping[Run, str]


def run_experiment(
    experiment: ExperimentConfig,
    *,
    jobs: int = 1,
    engine: Engine | None = None,
    only: Collection[str] = (),
    on_start: Callable[[Sequence[Run], int], None] | None = None,
    on_end: Callable[[Run, Outcome], None] | None = None,
) -> ExperimentResult:
    """Carry out the runs of an experiment that are not finished yet, and compare all that are.

    A run that was interrupted goes on where its last epoch ended, one whose records are damaged is measured again, and
    one that fails is reported while the others go on. One whose process dies is tried once more.

    Args:
        experiment: what is compared.
        jobs: number of processes, each with its share of the processor cores.
        engine: where the processes run; by default on this computer, and with one job in this process.
        only: systems whose runs are carried out, all when empty; all that are finished are compared. So computers that
            share the folder can share the work.
        on_start: called with all runs and the number of those that were finished before.
        on_end: called with each run that ends.

    Raises:
        ConfigError: the configuration, a folder or a name is refused; no run has been started then.
        DataError: a table cannot be read.
    """
    for name in only:
        check_choice("only", name, experiment.systems)
    check_folder(experiment)
    runs = expand(experiment)
    check_grid(runs)
    record_experiment(experiment, runs)
    folder = experiment.folder
    measured, _ = _read_runs(runs, experiment)
    for run in runs:
        if run.key in measured:  # its process may have been killed after it wrote the last file
            discard_measured(run.folder)
            abandon(run.folder)
    waiting = [run for run in runs if run.key not in measured and (not only or run.system in only)]
    if on_start is not None:
        on_start(runs, len(measured))
    failures: dict[Run, str] = {}
    died: set[RunName] = set()

    def again(run: Run) -> list[Run]:
        first = run.key not in died
        died.add(run.key)
        return [run] if first else []

    _record(folder, runs, measured)
    with progress_bar(experiment.name, total=len(runs), done=len(measured), unit="run") as bar:
        threads = max(1, processors() // jobs)
        for index, answer in parallel_map(
            partial(_run, runs=runs, jobs=threads), waiting, jobs=jobs, threads=threads, again=again, engine=engine
        ):
            run = waiting[index]
            outcome = Outcome(0.0, f"{answer}.") if isinstance(answer, WorkerDied) else answer
            if outcome.error:
                failures[run] = outcome.error
            else:
                measured |= _read_runs([run], experiment)[0]
                _record(folder, runs, measured)
            bar.update()
            if on_end is not None:
                on_end(run, outcome)
    # Another call may have finished runs in the same folder meanwhile.
    measured, damaged = _read_runs(runs, experiment)
    failures = {run: sentence for run, sentence in failures.items() if run.key not in measured}
    _record(folder, runs, measured)
    panels = _compare(experiment, [run for run in runs if run.key in measured], measured)
    return ExperimentResult(folder=folder, panels=panels, failures={**damaged, **failures})


def _run(run: Run, *, runs: Sequence[Run], jobs: int) -> Outcome:
    """Carry out one of the runs in that many processes; what it prints goes to a file beside the run folders."""
    started = time.perf_counter()
    log = run.folder.parent.parent / "logs" / f"{run.folder.name}.txt"
    with printed_to(log):
        try:
            donor = _donor(run, runs)
            measured = workflow_of(run.config).run(run.config, resume=True, jobs=jobs, donor=donor).comparison
        except RRGraphError as error:
            return Outcome(time.perf_counter() - started, str(error))
        except Exception as error:
            traceback.print_exc()
            return Outcome(time.perf_counter() - started, f"{type(error).__name__}: {error} (see '{log}').")
    if run.subset not in measured:
        return Outcome(time.perf_counter() - started, f"The subset '{run.subset}' has no rows to measure on.")
    seconds = time.perf_counter() - started
    record_seconds(run, seconds)
    return Outcome(seconds)


def _donor(run: Run, runs: Sequence[Run]) -> Path | None:
    """Return the folder of a finished run that has learned what this run needs by the same settings, if any has."""
    workflow = workflow_of(run.config)
    wanted = workflow.donor_key(run.config)
    for other in runs if wanted is not None else ():
        if other.key != run.key and type(other.config) is type(run.config):
            with suppress(RRGraphError):  # its files are damaged
                if workflow.donor_key(other.config) == wanted and is_finished(other):
                    return other.folder
    return None


def _record(folder: Path, runs: Sequence[Run], measured: Mapping[RunName, Measured]) -> None:
    write_results(folder, [measured[run.key].row for run in runs if run.key in measured])


def _read_runs(runs: Sequence[Run], experiment: ExperimentConfig) -> tuple[dict[RunName, Measured], dict[Run, str]]:
    """Return what the finished runs measured, and the sentence of each run whose files are damaged."""
    measured: dict[RunName, Measured] = {}
    damaged: dict[Run, str] = {}
    for run in runs:
        try:
            if is_finished(run):
                measured[run.key] = read_run(run, experiment.measured_protocols)
        except RRGraphError as error:
            damaged[run] = str(error)
    return measured, damaged


def _compare(
    experiment: ExperimentConfig, finished: Sequence[Run], measured: Mapping[RunName, Measured]
) -> list[Panel]:
    """Write the tables of the finished runs."""
    by_split = sorted(finished, key=lambda run: experiment.splits.index(run.split))
    outcomes = {key: found for run in by_split for key, found in measured[run.key].outcomes.items()}
    values = {run.key: measured[run.key].values for run in finished}
    panels = compare(
        outcomes,
        systems=list(experiment.systems),
        splits=list(dict.fromkeys(panel for _, panel, _ in outcomes)),
        protocols=experiment.protocols,
        candidates=experiment.candidates,
        metrics=experiment.metrics,
        values=values,
        compare_with=experiment.compare_with,
    )
    heading = f"{experiment.name}: {experiment.title}" if experiment.title else experiment.name
    folder, against = experiment.folder, experiment.compare_with
    costs = ""
    if experiment.search.candidates:
        first = [run for run in finished if run.seed == experiment.seeds[0]]
        costs = "\n" + search_table(measure_search(folder, first, experiment.search))
    text = markdown_table(panels, heading=markdown_text(heading), compare_with=against)
    write_text(folder / "table.md", text + costs)
    write_text(folder / "table.csv", csv_table(panels))
    write_text(folder / "table.tex", latex_table(panels, heading=heading, compare_with=against))
    return panels
