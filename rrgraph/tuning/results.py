"""What a study found: writes the table of its trials, the best configurations and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from omegaconf import OmegaConf
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from rrgraph.runs import TunedConfig, tuned_workflow
from rrgraph.tuning.objectives import shown
from rrgraph.tuning.plots import draw_study
from rrgraph.tuning.sampling import SAME_AS, SETTINGS_OF, TAKEN_FROM
from rrgraph.tuning.trial import ERROR, Job
from rrgraph.tuning.trial_storage import best_trials, first_number
from rrgraph.util.config import set_values
from rrgraph.util.files import write_text
from rrgraph.util.sheets import csv_text

__all__ = ["best_config", "setting_lines", "trial_rows", "write_results"]


def write_results(study: Study, job: Job, *, figures: bool) -> tuple[list[Path], str]:
    """Write `trials.csv`, `best.yaml`, for a Pareto study `pareto/<trial>.yaml`, and the figures.

    Returns:
        The files of the figures, and a sentence about those that could not be drawn.
    """
    _write_table(job.folder / "trials.csv", trial_rows(study, job))
    best = best_trials(study, job.settings.objectives)
    for place, trial in enumerate(best):
        text = _best_text(trial, job)
        if place == 0:
            write_text(job.folder / "best.yaml", text)
        if len(job.settings.objectives) > 1:
            write_text(job.folder / "pareto" / f"{trial.number:04d}.yaml", text)
    front = {f"{trial.number:04d}.yaml" for trial in best}
    for path in (job.folder / "pareto").glob("*.yaml"):
        if path.name not in front:
            path.unlink(missing_ok=True)
    return draw_study(study, job.settings.objectives, job.folder / "figures") if figures else ([], "")


def trial_rows(study: Study, job: Job) -> list[dict[str, object]]:
    """Return one row for each trial: how it ended, the objectives, and its settings by key of the configuration.

    `reported` is the first objective after the last epoch, on the rows that each epoch is validated on; an objective is
    that of the whole validation part, known for complete trials.
    """
    keys = [parameter.key for parameter in job.space.parameters]
    rows = []
    for trial in study.get_trials(deepcopy=False):
        complete = trial.state == TrialState.COMPLETE
        values = trial.values if complete else [""] * len(job.settings.objectives)
        again = first_number(trial)
        rows.append(
            {
                "trial": trial.number,
                "state": trial.state.name.lower(),
                **{each.name: value for each, value in zip(job.settings.objectives, values, strict=True)},
                "epochs": "" if trial.last_step is None else trial.last_step,
                "reported": "" if trial.last_step is None else trial.intermediate_values[trial.last_step],
                "seconds": f"{trial.duration.total_seconds():.1f}" if trial.duration else "",
                "again": "" if again == trial.number else again,
                **{name: trial.user_attrs.get(name, "") for name in (SAME_AS, TAKEN_FROM, SETTINGS_OF, ERROR)},
                **{key: trial.params.get(key, "") for key in keys},
            }
        )
    return rows


def best_config(trial: FrozenTrial, job: Job) -> TunedConfig:
    """Return the configuration of a trial, to be carried out by `rrgraph train`.

    It measures what the configuration of the study measures. Its best epoch is chosen as in the study.
    """
    config = set_values(replace(job.config, name=f"{job.study}-{trial.number}", output=""), trial.params)
    first = job.settings.objectives[0]
    chosen: TunedConfig
    chosen = tuned_workflow(config).chosen_by(config, protocol=first.protocol, metric=first.metric)
    return chosen


def setting_lines(trial: FrozenTrial) -> list[str]:
    """Return the settings of a trial as `key=value`, for the command line."""
    return [f"{key}={_plain(value)}" for key, value in trial.params.items()]


def _best_text(trial: FrozenTrial, job: Job) -> str:
    values = ", ".join(
        f"{each.name} {shown(each, value)}" for each, value in zip(job.settings.objectives, trial.values, strict=True)
    )
    head = [
        f"# Trial {trial.number} of the study {job.study}: {values} on validation rows, by which it was chosen.",
        "# It found these settings:",
        *(f"#   {line}" for line in setting_lines(trial)),
    ]
    return "\n".join(head) + "\n" + OmegaConf.to_yaml(OmegaConf.structured(best_config(trial, job)))


def _plain(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "null"
    return f'"{value}"' if value == "" else str(value)


def _write_table(path: Path, rows: Sequence[dict[str, object]]) -> None:
    write_text(path, csv_text(rows) if rows else "")
