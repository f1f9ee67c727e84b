"""Trial folders on disk: the weights of all trials of a study but the best ones are deleted."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from optuna import Study
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState

from rrgraph.training import remove_state
from rrgraph.tuning.objectives import Objective
from rrgraph.tuning.sampling import TAKEN_FROM

__all__ = ["best_trials", "first_number", "keep_best_weights", "trial_folder"]


def best_trials(study: Study, objectives: Sequence[Objective], *, own: bool = False) -> list[FrozenTrial]:
    """Return the best trial, or those that no other beats in every objective, the best by the first objective first.

    Of equals the one with the lowest number counts, so that every process means the same. With `own`, trials that were
    taken over from an earlier study are left out.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if own:
        complete = [trial for trial in complete if TAKEN_FROM not in trial.user_attrs]
    signs = [1 if each.direction == "maximize" else -1 for each in objectives]
    scored = [(tuple(s * v for s, v in zip(signs, trial.values, strict=True)), trial) for trial in complete]
    scored.sort(key=lambda pair: (tuple(-value for value in pair[0]), pair[1].number))
    # In this order a trial can only be beaten, or equalled, by one before it.
    best: list[tuple[tuple[float, ...], FrozenTrial]] = []
    for score, trial in scored:
        if not any(all(a >= b for a, b in zip(other, score, strict=True)) for other, _ in best):
            best.append((score, trial))
    return [trial for _, trial in best]


def first_number(trial: FrozenTrial) -> int:
    """Return the number of the trial that was started again as this one, its own when it is the first."""
    number = RetryHeartbeatStaleTrialCallback.retried_trial_number(trial)
    return trial.number if number is None else number


def trial_folder(folder: Path, number: int) -> Path:
    """Return the run folder of a trial, by the number under which it was first started."""
    return folder / "trials" / f"{number:04d}"


def keep_best_weights(study: Study, folder: Path, objectives: Sequence[Objective]) -> None:
    """Delete the weights and training states of all trials but the best and those that are not finished.

    What is beaten once stays beaten, so that several processes may do so at a time.
    """
    # Read before the best: a trial that another process finishes in between is left to the next call.
    trials = study.get_trials(deepcopy=False)
    best = {first_number(trial) for trial in best_trials(study, objectives, own=True)}
    going = {first_number(trial) for trial in trials if not trial.state.is_finished()}
    for number in {first_number(trial) for trial in trials} - going:
        run = trial_folder(folder, number)
        if run.is_dir():
            remove_state(run)
            shutil.rmtree(run / "links", ignore_errors=True)
            if number not in best:
                for name in ("model.safetensors", "model.json"):
                    (run / name).unlink(missing_ok=True)
