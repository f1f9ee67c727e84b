from __future__ import annotations

import optuna
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState, create_trial

from rrgraph.tuning import read_objectives
from rrgraph.tuning.trial_storage import best_trials, keep_best_weights, trial_folder

POINTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)
ONE, TWO = read_objectives(["open.top_1"]), read_objectives(["open.top_1", "planning_ms"])


def study_of(values, objectives):
    study = optuna.create_study(directions=[each.direction for each in objectives])
    for value in values:
        study.add_trial(create_trial(values=list(map(float, value))))
    return study


@given(POINTS)
def test_the_front_is_what_nothing_beats(points):
    """Against the definition: no other trial is as good in both, and better in one or earlier."""
    study = study_of(points, TWO)
    front = {
        number
        for number, (top, time) in enumerate(points)
        if not any(
            a >= top and b <= time and ((a, b) != (top, time) or other < number)
            for other, (a, b) in enumerate(points)
            if other != number
        )
    }
    best = best_trials(study, TWO)
    assert {trial.number for trial in best} == front
    assert [trial.values[0] for trial in best] == sorted((trial.values[0] for trial in best), reverse=True)


@given(POINTS)
def test_the_best_of_equals_is_the_first(points):
    study = study_of([point[:1] for point in points], ONE)
    tops = [top for top, _ in points]
    assert [trial.number for trial in best_trials(study, ONE)] == ([tops.index(max(tops))] if tops else [])


def test_only_the_best_weights_stay(tmp_path):
    study = study_of([(1,), (3,), (2,)], ONE)
    study.add_trial(create_trial(state=TrialState.PRUNED))
    study.add_trial(create_trial(state=TrialState.FAIL))
    study.add_trial(create_trial(state=TrialState.RUNNING))
    again = {"failed_trial": 4, "retry_history": [4]}
    study.add_trial(create_trial(state=TrialState.WAITING, system_attrs=again))
    names = ("model.safetensors", "model.json", "training_state.safetensors", "metrics.json")
    for number in range(6):
        folder = trial_folder(tmp_path, number)
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text("")
    keep_best_weights(study, tmp_path, ONE)
    left = {number: {path.name for path in trial_folder(tmp_path, number).iterdir()} for number in range(6)}
    beaten = {"metrics.json"}
    assert left[0] == left[2] == left[3] == beaten
    assert left[1] == {"model.safetensors", "model.json", "metrics.json"}
    # Trial 4 waits as trial 6 to be started again, trial 5 is running.
    assert left[4] == left[5] == set(names)


def test_a_trial_finished_by_another_process_meanwhile_keeps_its_weights(tmp_path, monkeypatch):
    """It is the new best, or its own process deletes its weights."""
    study = study_of([(1,)], ONE)
    study.add_trial(create_trial(state=TrialState.RUNNING))
    for number in range(2):
        trial_folder(tmp_path, number).mkdir(parents=True)
        (trial_folder(tmp_path, number) / "model.safetensors").write_text("")
    snapshots = iter([study.get_trials(), study_of([(1,), (2,)], ONE).get_trials()])

    def get_trials(*, states=None, **_):
        return [trial for trial in next(snapshots) if states is None or trial.state in states]

    monkeypatch.setattr(study, "get_trials", get_trials)
    keep_best_weights(study, tmp_path, ONE)
    assert [path.parent.name for path in tmp_path.glob("trials/*/model.safetensors")] == ["0001"]
