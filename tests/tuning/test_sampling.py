from __future__ import annotations

import optuna
import pytest
from optuna import TrialPruned, create_study
from optuna.trial import TrialState

from rrgraph.tuning.messages import quietly
from rrgraph.tuning.sampling import SAME_AS, SeededSampler, find_twin, make_pruner


def value(trial):
    x, kind = trial.suggest_float("x", -5, 5), trial.suggest_categorical("kind", ["a", "b"])
    return -((x - 1) ** 2) - (kind == "a")


def params(study):
    return [trial.params for trial in study.trials]


def optimised(storage, trials, *, seed=3, pruner="none"):
    """A study of so many trials, made by one process after another, each with one trial."""
    for _ in range(trials):
        study = create_study(
            study_name="s",
            storage=storage,
            direction="maximize",
            load_if_exists=True,
            sampler=SeededSampler(seed, startup=4),
        )
        study.pruner = make_pruner(pruner, epochs=9, warmup=1, study=study)
        study.optimize(value, n_trials=1)
    return study


@pytest.mark.parametrize("pruner", ["none", "hyperband"])
def test_a_resumed_study_draws_what_it_would_have_drawn(pruner):
    with quietly():
        whole = create_study(
            study_name="s", storage=(a := optuna.storages.InMemoryStorage()), direction="maximize",
            sampler=SeededSampler(3, startup=4),
        )  # fmt: skip
        whole.pruner = make_pruner(pruner, epochs=9, warmup=1, study=whole)
        whole.optimize(value, n_trials=12)
        pieces = optimised(optuna.storages.InMemoryStorage(), 12, pruner=pruner)
        other = optimised(optuna.storages.InMemoryStorage(), 12, seed=4)
    assert a is not None
    assert params(pieces) == params(whole)
    assert params(other) != params(whole)
    assert len({trial.params["x"] for trial in pieces.trials}) == 12


def test_a_plain_sampler_with_the_same_seed_would_repeat_its_trials():
    """The trap that the seeds by trial avoid."""
    storage = optuna.storages.InMemoryStorage()
    with quietly():
        for _ in range(2):
            study = create_study(
                study_name="s", storage=storage, load_if_exists=True, sampler=optuna.samplers.TPESampler(seed=3)
            )
            study.optimize(value, n_trials=3)
    assert params(study)[:3] == params(study)[3:]


def test_after_a_repetition_the_next_trial_is_drawn_at_random():
    with quietly():
        study = create_study(direction="maximize", sampler=SeededSampler(0, startup=1))
        study.optimize(value, n_trials=8)
        trial = study.ask()
        trial.set_user_attr(SAME_AS, 0)
        study.tell(trial, state=TrialState.FAIL)
        sampler = study.sampler
        study.ask()
        assert isinstance(sampler._sampler, optuna.samplers.RandomSampler)
        study.ask()
        assert isinstance(sampler._sampler, optuna.samplers.TPESampler)


def test_a_twin_is_an_earlier_trial_that_did_not_fail():
    study = create_study()
    for number, state in ((1.0, TrialState.FAIL), (1.0, TrialState.PRUNED), (2.0, TrialState.RUNNING)):
        study.add_trial(
            optuna.trial.create_trial(
                params={"x": number}, distributions={"x": optuna.distributions.FloatDistribution(0, 9)}, state=state
            )
        )
    assert find_twin(study.trials, 3, {"x": 1.0}) == 1
    assert find_twin(study.trials, 3, {"x": 2.0}) == 2
    assert find_twin(study.trials, 2, {"x": 2.0}) is None
    assert find_twin(study.trials, 3, {"x": 1.0, "y": 0}) is None


def ended(pruner, *, epochs=9, trials=30, warmup=1):
    """The last epoch of trials that stay as good as they start, in an order that meets good and bad ones."""

    def curve(trial):
        quality = trial.suggest_float("quality", 0, 1)
        for epoch in range(1, epochs + 1):
            trial.report(quality + epoch / 1e3, epoch)
            if trial.should_prune():
                raise TrialPruned
        return quality

    with quietly():
        study = create_study(study_name="prune", direction="maximize", sampler=SeededSampler(1, startup=100))
        study.pruner = make_pruner(pruner, epochs=epochs, warmup=warmup, study=study)
        study.optimize(curve, n_trials=trials)
    return study


@pytest.mark.parametrize("pruner", ["hyperband", "median"])
def test_poor_trials_are_cut_short_and_the_best_one_is_not(pruner):
    study = ended(pruner)
    pruned = study.get_trials(states=(TrialState.PRUNED,))
    assert len(pruned) >= 10
    assert sum(trial.last_step for trial in study.trials) < 0.7 * 9 * 30
    best = max(study.trials, key=lambda trial: trial.params["quality"])
    assert best.state == TrialState.COMPLETE
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    means = [sum(t.params["quality"] for t in part) / len(part) for part in (pruned, complete)]
    assert means[0] < means[1]


def test_hyperband_cuts_at_its_rungs_alone():
    """With 9 epochs and a third kept there are three brackets, whose rungs are after 1, 3 and 9 epochs."""
    study = ended("hyperband")
    assert {trial.last_step for trial in study.get_trials(states=(TrialState.PRUNED,))} <= {1, 3, 9}
    assert {trial.last_step for trial in study.get_trials(states=(TrialState.PRUNED,))} >= {1, 3}
    assert study.pruner._n_brackets == 3


@pytest.mark.parametrize("pruner", ["hyperband", "median"])
def test_every_trial_gets_the_first_epochs(pruner):
    study = ended(pruner, warmup=3)
    assert min(trial.last_step for trial in study.trials) >= 3
    assert study.get_trials(states=(TrialState.PRUNED,))


def test_nothing_is_cut_short_without_a_pruner():
    assert not ended("none", trials=8).get_trials(states=(TrialState.PRUNED,))
    assert isinstance(make_pruner("hyperband", epochs=1, warmup=1), optuna.pruners.NopPruner)
