"""The grid of an experiment: the checked configuration of each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rrgraph.errors import ConfigError, RRGraphError, check_choice
from rrgraph.experiments.config import ExperimentConfig
from rrgraph.metrics import further_metrics
from rrgraph.runs import AnyConfig, MeasuredConfig, Workflow, load_run, workflow_of
from rrgraph.training import check_folder
from rrgraph.util.json_files import read_json, value_errors

__all__ = ["Run", "check_grid", "expand", "is_finished"]

RunName = tuple[str, str, int]
"""System, split and seed."""


@dataclass(frozen=True)
class Run:
    """One cell of the grid.

    Attributes:
        system: name of the system.
        split: the split.
        seed: of the run.
        config: everything that is run.
    """

    system: str
    split: str
    seed: int
    config: AnyConfig = field(hash=False)

    @property
    def key(self) -> RunName:
        """What tells it from the others."""
        return self.system, self.split, self.seed

    @property
    def folder(self) -> Path:
        """Its run folder."""
        return self.config.folder

    @property
    def subset(self) -> str:
        """The subset of the split that it measures."""
        return self.config.evaluation.subsets[0]

    def __str__(self) -> str:
        return f"{self.system}, split {self.split}, seed {self.seed}"


def expand(experiment: ExperimentConfig) -> list[Run]:
    """Return every run, all systems with the first seed first.

    Raises:
        ConfigError: the configuration of a system is missing or does not fit, or its runs do not know a split or
            protocol.
    """
    configs = {
        name: load_run(system.config, [*experiment.overrides, *system.overrides])
        for name, system in experiment.systems.items()
    }
    workflow = _common_workflow(configs)
    for split in experiment.splits:
        check_choice("splits", split, workflow.splits)
    if experiment.candidates != ["pool"] and not workflow.searches:
        raise ConfigError("candidates are precursors, which runs on molecules do not have; leave them out.")
    for protocol in experiment.protocols:
        workflow.check_protocol(protocol)
    if experiment.search.candidates and not workflow.searches:
        raise ConfigError(
            "search.candidates is about precursor sets, which runs on molecules do not search; leave it out."
        )
    return [
        Run(system, split, seed, _configured(config, experiment, system, split, seed))
        for seed in experiment.seeds
        for split in experiment.splits
        for system, config in configs.items()
    ]


def _common_workflow(configs: Mapping[str, AnyConfig]) -> Workflow[Any]:
    first, *others = configs
    for other in others:
        if workflow_of(configs[other]).domain != workflow_of(configs[first]).domain:
            raise ConfigError(
                f"The systems '{first}' and '{other}' cannot be compared: one is about materials, the other about "
                "molecules."
            )
    return workflow_of(configs[first])


def _configured(config: AnyConfig, experiment: ExperimentConfig, system: str, split: str, seed: int) -> AnyConfig:
    name = f"{system}-{split}-{seed}"
    config = replace(config, name=name, seed=seed, output=str(experiment.folder / "runs" / name))
    measuring: AnyConfig = workflow_of(config).measuring(
        config, subset=experiment.subset, protocols=experiment.measured_protocols, split=split
    )
    if isinstance(measuring.evaluation, MeasuredConfig):
        measuring.evaluation.metrics = further_metrics(experiment.metrics)
    return measuring


def check_grid(runs: Sequence[Run]) -> None:
    """Refuse what cannot be run, compared or resumed, before anything is run.

    Raises:
        ConfigError: a configuration names something unknown, two systems would be measured on different rows, or a
            run folder holds something else.
    """
    checked: dict[str, Run] = {}
    for run in runs:
        if run.system not in checked:
            checked[run.system] = run
            try:
                workflow_of(run.config).check(run.config)
            except ConfigError as error:
                raise ConfigError(f"System '{run.system}': {error}") from None
    first = next(iter(checked.values()))
    for run in checked.values():
        workflow = workflow_of(run.config)
        if workflow.rows_key(run.config) != workflow.rows_key(first.config):
            raise ConfigError(
                f"The systems '{first.system}' and '{run.system}' would not be measured on the same rows: "
                f"{workflow.rows} must agree, which overrides of the experiment can see to."
            )
    for run in runs:
        try:
            check_folder(run.config, resume=True)
        except ConfigError as error:
            if _is_damaged(run):
                continue  # it fails by itself, while the others go on
            raise ConfigError(
                f"{error} Remove the folder to run it anew, or choose another place with output=DIR."
            ) from None


def is_finished(run: Run) -> bool:
    """Return whether a run has been carried out and measured as it is configured now.

    Raises:
        RRGraphError: its configuration or metrics are damaged.
    """
    metrics = run.folder / "metrics.json"
    if not metrics.is_file() or not (run.folder / "ranks.json").is_file():
        return False
    with value_errors(f"The metrics of the run in '{run.folder}'"):
        return run.subset in read_json(metrics) and _recorded(run) == run.config


def _is_damaged(run: Run) -> bool:
    """Whether the configuration that a run recorded cannot be read."""
    try:
        _recorded(run)
    except RRGraphError:
        return (run.folder / "config.yaml").is_file()
    return False


def _recorded(run: Run) -> AnyConfig:
    recorded: AnyConfig = load_run(run.folder / "config.yaml", recorded=True)
    return recorded
