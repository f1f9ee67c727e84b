"""Which settings are tried and which trials are cut short: the sampler and the pruner of a study.

The sampler of a trial is seeded with (seed of the study, number of the trial), so that a study that is resumed, or
worked on by several processes, draws for each number what it would have drawn anyway and repeats no trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from optuna import Study, create_trial
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

__all__ = ["SAME_AS", "SETTINGS_OF", "TAKEN_FROM", "SeededSampler", "find_twin", "make_pruner"]

SAME_AS: Final = "same_as"
"""Attribute of a trial whose settings another one has: the number of that one."""

TAKEN_FROM: Final = "taken_from"
"""Attribute of a finished trial of an earlier study: its number there. It was not carried out in this one."""

SETTINGS_OF: Final = "settings_of"
"""Attribute of a trial that has settings of a trial of an earlier study: the number of that one."""


class SeededSampler(BaseSampler):
    """Tree-structured Parzen estimator, seeded anew for every trial.

    After a trial that repeated another one the next is drawn at random, so that a sampler that has converged on a small
    space finds what is left of it.

    Args:
        seed: of the study.
        startup: trials drawn at random at first.
    """

    def __init__(self, seed: int, *, startup: int = 10) -> None:
        self.seed, self.startup = seed, startup
        self._sampler: BaseSampler = RandomSampler(seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        seed = int(np.random.SeedSequence([self.seed, trial.number]).generate_state(1)[0])
        if _repeated(study, trial.number - 1):
            self._sampler = RandomSampler(seed)
        else:
            self._sampler = TPESampler(
                seed=seed, n_startup_trials=self.startup, multivariate=True, group=True, constant_liar=True
            )
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._sampler.after_trial(study, trial, state, values)


def find_twin(trials: Sequence[FrozenTrial], number: int, params: Mapping[str, Any]) -> int | None:
    """Return the first trial before `number` with the same settings, None when there is none.

    Trials that failed do not count: they say nothing about their settings.
    """
    for other in sorted(trials, key=lambda each: each.number):
        if other.number < number and other.state != TrialState.FAIL and other.params == params:
            return other.number
    return None


def make_pruner(name: str, *, epochs: int, warmup: int, study: Study | None = None) -> BasePruner:
    """Return what decides after each epoch whether a trial goes on.

    Args:
        name: `hyperband`, `median` or `none`.
        epochs: of a trial that is not cut short; the same for all, for Hyperband compares them at fixed epochs.
        warmup: epochs that every trial gets.
        study: the study it is for; needed by `hyperband`.
    """
    if name == "hyperband" and warmup < epochs:
        pruner = HyperbandPruner(min_resource=warmup, max_resource=epochs, reduction_factor=3)
        if study is not None:
            # Brackets exist only after the first question. Until then the sampler would see the trials of all brackets,
            # and the first trial of a resumed study would be another one.
            pruner.prune(study, create_trial(state=TrialState.PRUNED))
        return pruner
    if name == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=warmup)
    return NopPruner()


def _repeated(study: Study, number: int) -> bool:
    trials = study.get_trials(deepcopy=False)
    return any(trial.number == number and SAME_AS in trial.user_attrs for trial in trials)
