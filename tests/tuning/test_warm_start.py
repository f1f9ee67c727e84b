from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from rrgraph.errors import StudyError
from rrgraph.runs import RunConfig
from rrgraph.tuning import TAKEN_FROM, TRIED_FIRST, plots, public_url, read_settings, tune
from rrgraph.tuning.messages import quietly
from rrgraph.tuning.record import claim_study, describe_study, finished
from rrgraph.tuning.sampling import SETTINGS_OF
from rrgraph.tuning.storage import default_storage, opened_storage
from rrgraph.tuning.warm_start import EarlierStudy, read_earlier, take_over, warm_start

RATE, SAMPLER, HARD, HEADS = (
    "training.learning_rate",
    "training.sampler",
    "training.inverse_temperature",
    "model.heads",
)
FIVE = [{RATE: 0.01 * (number + 1), SAMPLER: "uniform"} for number in range(5)]


def frozen(params, values, space, config) -> FrozenTrial:
    """A complete trial."""
    fixed, now = FixedTrial(params), datetime(2026, 1, 1)
    space.suggest(fixed, config)
    return FrozenTrial(
        **{"number": -1, "trial_id": -1, "state": TrialState.COMPLETE, "value": None, "values": list(values)},
        **{"datetime_start": now, "datetime_complete": now + timedelta(seconds=7), "params": params},
        **{"distributions": fixed.distributions, "system_attrs": {}, "intermediate_values": {1: values[0]}},
        user_attrs={"machine": "there:1", "call": [0, "x"]},
    )


@pytest.fixture
def write(make_space):
    """Return a function that lays down a study with invented results."""

    def lay_down(url, config, trials=FIVE, *, space=None, name="before", **options) -> None:
        space = space or make_space()
        settings = read_settings(space, config, options)
        with quietly(), opened_storage(url) as storage:
            study, _ = claim_study(storage, name, describe_study(config, space, settings), settings.objectives)
            for number, params in enumerate(trials):
                study.add_trial(frozen(params, [0.1 * number] * len(settings.objectives), space, config))

    return lay_down


@pytest.fixture
def start(make_space):
    """Return a function that says what a study takes over from a source."""

    def from_source(source, config, space=None, **options):
        space = space or make_space()
        settings = read_settings(space, config, options)
        return warm_start(read_earlier(str(source)), config, space, settings, describe_study(config, space, settings))

    return from_source


@pytest.fixture
def url(tmp_path) -> str:
    return f"journal:{tmp_path / 'before.log'}"


@pytest.mark.parametrize("form", ["sqlite:///{}", "journal:{}"])
def test_trials_of_a_narrower_space_are_finished_ones(write, start, config, make_space, tmp_path, form):
    url = form.format(tmp_path / "a b#é%41")
    write(url, config)
    wider = make_space(
        {
            RATE: {"range": [1e-5, 1.0], "log": True},
            SAMPLER: {"choices": ["hard", "uniform", "mixed"]},
            HARD: {"range": [1.0, 20.0], "condition": {SAMPLER: "hard"}},
            HEADS: {"choices": [1, 2]},  # the configuration has 1
        }
    )
    found = start(url, config, wider)
    assert [trial.params for trial in found.finished] == [{**params, HEADS: 1} for params in FIVE]
    assert [trial.user_attrs for trial in found.finished] == [{TAKEN_FROM: number} for number in range(5)]
    assert [trial.values for trial in found.finished] == [[0.1 * number] for number in range(5)]
    assert found.finished[3].intermediate_values == {1: pytest.approx(0.3)}
    assert found.finished[3].duration == timedelta(seconds=7)
    assert not found.first
    assert found.sentence == f"from study before ({public_url(url)}): 5 of its 5 complete trials taken over as finished"


def test_a_parameter_that_is_fixed_now_has_to_have_its_value(write, start, url, config, make_space):
    write(url, config)
    fixed = replace(config, training=replace(config.training, learning_rate=0.02))
    found = start(url, fixed, make_space({SAMPLER: {"choices": ["uniform", "hard"]}}))
    assert [trial.user_attrs[TAKEN_FROM] for trial in found.finished] == [1]
    # The settings of the others are those of a trial that is known.
    assert not found.first


def test_values_that_cannot_be_compared_are_tried_again_the_best_first(write, start, url, config, make_space, tmp_path):
    many = [{RATE: 0.005 * (number + 1), SAMPLER: "uniform"} for number in range(8)]
    write(url, config, many)
    table = tmp_path / "mine.csv"
    table.write_text(Path(config.data.table).read_text() + "BaTiO3,BaO;TiO2\n")
    longer = replace(config, training=replace(config.training, epochs=5))
    narrow = make_space({RATE: {"range": [1e-4, 0.035]}})
    for changed, options, words in (
        (longer, {}, "training.epochs was 3 and is now 5"),
        (replace(config, data=replace(config.data, table=str(table))), {}, "data.table was "),
        (config, {"objectives": ["open.top_3"]}, "its objective is open.top_1"),
        (config, {"objectives": ["open.top_1", "planning_ms"]}, "its objective is open.top_1"),
    ):
        found = start(url, changed, narrow, **options)
        assert not found.finished
        # The eighth has a rate that is not searched.
        assert found.first == {number: {RATE: many[number][RATE]} for number in (6, 5, 4, 3, 2)}
        assert words in found.sentence
        assert f"the settings of its best {TRIED_FIRST} trials are tried first" in found.sentence
        assert "\n" not in found.sentence


def test_planning_times_are_those_of_one_computer(write, start, url, config):
    objectives = {"objectives": ["open.top_1", "planning_ms"]}
    write(url, config, **objectives)
    found = start(url, config, **objectives)
    assert not found.finished and len(found.first) == 5
    assert "planning times depend on the computer" in found.sentence


def test_tables_are_the_same_by_their_contents(write, start, url, config, tmp_path):
    write(url, config)
    copy = tmp_path / "copy.csv"
    shutil.copy(config.data.table, copy)
    assert len(start(url, replace(config, data=replace(config.data, table=str(copy)))).finished) == 5
    mine = replace(config, data=replace(config.data, table=str(copy)))
    write(url, mine, name="mine")
    copy.write_text(copy.read_text() + "BaTiO3,BaO;TiO2\n")
    found = start(f"{url}::mine", mine)
    assert not found.finished
    assert "copy.csv has other contents" in found.sentence


def test_earlier_names_of_parameters_are_understood(write, start, url, config, make_space):
    old = make_space({"training.negatives": {"choices": [1, 2, 4]}})
    write(url, config, [{"training.negatives": 4}], space=old)
    with quietly(), opened_storage(url) as storage:
        assert optuna.load_study(study_name="before", storage=storage).trials[0].params == {"training.negatives": 4}
    (trial,) = start(url, config, make_space({"training.negatives_per_positive": {"range": [1, 5]}})).finished
    assert trial.params == {"training.negatives_per_positive": 4}


rates = st.sampled_from([0.001, 0.01, 0.02, 0.05])
choices = st.sampled_from(["uniform", "hard", "mixed"])
given_settings = st.fixed_dictionaries({RATE: rates}, optional={SAMPLER: choices, HEADS: st.sampled_from([1, 2, 4])})


@settings(max_examples=15)
@given(
    st.lists(st.tuples(given_settings, st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=7),
    st.sampled_from([(0.001, 0.01), (0.01, 0.05), (0.02, 0.03)]),
    st.lists(choices, unique=True, max_size=3),
    st.booleans(),
)
def test_what_is_taken_over_is_what_a_naive_comparison_takes(plain_config, make_space, trials, ends, samplers, heads):
    """A trial is one of the new study where, after the new study's own values for the rest, nothing differs."""
    config: RunConfig = plain_config
    old = make_space({RATE: {"range": [0.001, 0.1]}})
    searched = {RATE: {"range": list(ends)}}
    searched |= {SAMPLER: {"choices": samplers}} if samplers else {}
    searched |= {HEADS: {"choices": [1, 2]}} if heads else {}
    space = make_space(searched)
    given_trials = []
    for number, (params, value) in enumerate(trials):
        one = optuna.create_trial(
            values=[value],
            params=params,
            distributions={key: optuna.distributions.CategoricalDistribution([params[key]]) for key in params},
        )
        one.number = number
        given_trials.append(one)
    about = json.loads(json.dumps(describe_study(config, old, read_settings(old, config, {}))))
    earlier = EarlierStudy("here", "old", about, given_trials)
    fixed = {RATE: config.training.learning_rate, SAMPLER: config.training.sampler, HEADS: config.model.heads}

    def inside(key, value):
        return ends[0] <= value <= ends[1] if key == RATE else value in searched[key]["choices"]

    expected, rest = set(), []
    for number, (params, value) in enumerate(trials):
        whole = {**fixed, **params}
        if all(inside(key, whole[key]) if key in searched else whole[key] == fixed[key] for key in whole):
            expected.add(number)
        else:
            rest.append((-value, number, {k: v for k, v in params.items() if k in searched and inside(k, v)}))
    how = read_settings(space, config, {})
    try:
        found = warm_start(earlier, config, space, how, describe_study(config, space, how))
    except StudyError:
        assert not expected
        assert not any(fitting for _, _, fitting in rest)
        return
    assert {trial.user_attrs[TAKEN_FROM] for trial in found.finished} == expected
    known = [{k: {**fixed, **trials[n][0]}[k] for k in searched} for n in expected]
    distinct = []
    for _, number, fitting in sorted(rest, key=lambda each: each[:2]):
        if fitting and fitting not in known and fitting not in [other for _, other in distinct]:
            distinct.append((number, fitting))
    assert list(found.first.items()) == distinct[:TRIED_FIRST]


@pytest.fixture
def begun(config, make_space):
    """Return a function that begins the new study in a storage."""

    def begin(storage, start, made=None):
        space = make_space()
        settings = read_settings(space, config, {})
        study, new = claim_study(storage, "new", describe_study(config, space, settings), settings.objectives)
        take_over(study, start, made=new if made is None else made)
        return study

    return begin


def test_what_was_left_unfinished_is_taken_over_once(write, start, url, config, make_space, begun, monkeypatch):
    write(url, config, [*FIVE, {RATE: 0.09, SAMPLER: "hard", HARD: 3.0}])
    found = start(url, config)
    partly = replace(found, first={5: {RATE: 0.09, SAMPLER: "hard", HARD: 9.0}})
    monkeypatch.setattr("rrgraph.tuning.warm_start._PATIENCE_SECONDS", 0.0)
    storage = optuna.storages.InMemoryStorage()
    with quietly():
        with monkeypatch.context() as patch:
            patch.setattr(optuna.Study, "enqueue_trial", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                begun(storage, partly)
        for _ in range(2):
            study = begun(storage, partly)
    assert [trial.user_attrs for trial in study.trials] == [*({TAKEN_FROM: n} for n in range(6)), {SETTINGS_OF: 5}]
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 6 + [TrialState.WAITING]
    assert finished(study) == 0
    with quietly(), pytest.raises(StudyError, match="was started from"):
        begun(storage, replace(partly, source="sqlite:///other.db"))


@pytest.mark.parametrize("form", ["sqlite", "journal"])
def test_processes_that_begin_at_once_take_over_once(write, start, url, config, begun, tmp_path, form):
    write(url, config)
    found = start(url, config)
    new = f"sqlite:///{tmp_path / 'new.db'}" if form == "sqlite" else f"journal:{tmp_path / 'new.log'}"
    with quietly(), opened_storage(new):
        pass
    together, failures = threading.Barrier(3), []

    def begin():
        try:
            with opened_storage(new) as storage:
                together.wait()
                begun(storage, found)
        except BaseException as error:
            failures.append(error)

    with quietly():
        threads = [threading.Thread(target=begin) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        with opened_storage(new) as storage:
            study = optuna.load_study(study_name="new", storage=storage)
            assert [trial.user_attrs[TAKEN_FROM] for trial in study.trials] == [0, 1, 2, 3, 4]


def test_a_study_with_trials_of_its_own_does_not_start_from_another(write, start, url, config, begun, make_space):
    write(url, config)
    storage, space = optuna.storages.InMemoryStorage(), make_space()
    with quietly():
        settings = read_settings(space, config, {})
        study, _ = claim_study(storage, "new", describe_study(config, space, settings), settings.objectives)
        study.add_trial(frozen(FIVE[0], [0.5], space, config))
        with pytest.raises(StudyError, match="has trials of its own"):
            begun(storage, start(url, config))


def test_a_study_that_started_from_another_counts_draws_and_resumes_as_any(
    write, url, config, make_space, tmp_path, monkeypatch
):
    """The earlier study has the best value, and a trial of which only the rate can be used."""
    before, config = tmp_path / "before.db", replace(config, training=replace(config.training, epochs=1))
    old = make_space({RATE: {"range": [1e-4, 1e-1], "log": True}, "training.epochs": {"choices": [1, 3]}})
    trials = [{RATE: rate, "training.epochs": epochs} for rate, epochs in ((0.002, 1), (0.004, 3), (0.003, 1))]
    write(f"sqlite:///{before}", config, trials, space=old)
    with sqlite3.connect(before) as connection:
        connection.execute("UPDATE trial_values SET value = 2.0 WHERE trial_id = 1")  # better than can be
    said = []
    space = make_space({RATE: {"range": [1e-3, 1e-1], "log": True}}, pruner="none")
    figures, given = plots._figures, {"from_study": f"sqlite:///{before}", "on_start": said.append}
    tune(config, space, trials=1, figures=False, **given)
    assert said[0].warm_start.endswith(
        "2 of its 3 complete trials taken over as finished, the settings of another one are tried first"
    )
    monkeypatch.setattr("rrgraph.tuning.plots._figures", lambda *given: figures(*given)[:1])
    result = tune(config, space, trials=2, **given)
    before.unlink()  # needed no more
    tune(config, space, trials=2, figures=False, **given)
    assert [(start.finished, start.warm_start) for start in said] == [(n, said[0].warm_start) for n in (0, 1, 2)]
    with (result.folder / "trials.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["state"] for row in rows] == ["complete"] * 4
    assert [row[TAKEN_FROM] for row in rows] == ["0", "2", "", ""]
    assert [row[SETTINGS_OF] for row in rows] == ["", "", "1", ""]
    assert [float(row[RATE]) for row in rows[:3]] == [0.002, 0.003, 0.004]
    assert {path.name for path in (result.folder / "trials").iterdir()} == {"0002", "0003"}
    # The best trial has no model here; the best one of this study has.
    assert [trial.number for trial in result.best] == [0]
    assert (result.folder / "best.yaml").is_file()
    best = max(rows[2:], key=lambda row: float(row["open.top_1"]))["trial"]
    assert [path.parent.name for path in result.folder.glob("trials/*/model.safetensors")] == [f"{int(best):04d}"]
    assert {path.stem for path in result.figures} == {"history"} and not result.undrawn
    recorded = json.loads((result.folder / "study.json").read_text())["warm_start"]
    assert (recorded["finished"], recorded["tried_first"]) == ([0, 2], [1])
    with pytest.raises(StudyError, match="name the same one, or leave --from-study out"):
        tune(config, space, trials=2, from_study=url)
    # And the study can be started from in turn, by its folder, wherever that is now.
    moved = Path(shutil.move(result.folder, tmp_path / "moved"))
    assert len(read_earlier(str(moved)).trials) == 4
    assert default_storage(moved).endswith("study.db")
