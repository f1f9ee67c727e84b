from __future__ import annotations

import pytest

from rrgraph.errors import StudyError
from rrgraph.metrics import metric_names
from rrgraph.runs import BaselineConfig, RunConfig
from rrgraph.tuning import read_objectives, read_settings
from rrgraph.tuning.settings import trial_config
from rrgraph.util.settings import check


def test_the_directions_of_objectives():
    assert [(o.name, o.direction) for o in read_objectives(["validation.open.top_1", "planning_ms"])] == [
        ("open.top_1", "maximize"),
        ("planning_ms", "minimize"),
    ]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["test.open.top_1"], "asks for test rows, but settings may be chosen on validation rows alone"),
        (["test"], "validation rows alone"),
        (["open.top_11"], "Did you mean 'open.top_1"),
        (["open.temperature_mae"], "Unknown objective"),
        (["open"], "Unknown objective"),
        (["opn.top_1"], "Did you mean 'open.top_1'"),
        (["planning_ms"], "a metric first"),
        (["open.top_1", "validation.open.top_1"], "each one once"),
        ([], "a metric first"),
    ],
)
def test_objectives_that_are_refused(names, words):
    with pytest.raises(StudyError) as caught:
        read_objectives(names)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["novelty_3", "top_2", "map_7", "link_hits_50", "link_log_loss"])
def test_any_metric_can_be_an_objective(config, popularity, make_space, name):
    settings = read_settings(make_space(), config, {"objectives": [f"open.{name}", "paper.map_4"]})
    for owner in (config, popularity):
        trial = trial_config(owner, {}, settings, name="trial")
        assert set(trial.evaluation.metrics) == {name, "map_4"} - set(metric_names())
        check(trial)


@pytest.mark.parametrize("setting", [{"pruner": "hyperbnd"}, {"seed": -1}, {"warmup": 0}, {"objectives": "open.top_1"}])
def test_settings_out_of_range(config, make_space, setting):
    with pytest.raises(StudyError):
        read_settings(make_space(), config, setting)


def test_an_unknown_setting_has_a_near_match(config, make_space):
    with pytest.raises(StudyError, match="Did you mean 'pruner'"):
        read_settings(make_space(pruners="median"), config, {})


def test_the_command_wins_over_the_space(config, make_space):
    assert read_settings(make_space(), config, {}).pruner == "hyperband"
    assert read_settings(make_space(pruner="median", seed=4), config, {"seed": 5}).seed == 5
    assert read_settings(make_space(pruner="median"), config, {}).pruner == "median"


@pytest.mark.parametrize("pruner", ["hyperband", "median"])
def test_trials_that_cannot_be_compared_by_epoch_are_not_pruned(config, popularity, make_space, pruner):
    searched = make_space({"training.epochs": {"range": [2, 9]}})
    several = {"objectives": ["open.top_1", "planning_ms"]}
    for space, owner, given in (
        (make_space(), config, several),
        (searched, config, {}),
        (make_space(), popularity, {}),
    ):
        # A pruner in the file is a wish, on the command line an order.
        assert read_settings(space, owner, given).pruner == "none"
        with pytest.raises(StudyError, match="--pruner none"):
            read_settings(space, owner, {**given, "pruner": pruner})


def test_trials_are_measured_on_validation_rows_alone(config, popularity, make_space):
    settings = read_settings(make_space(), config, {"objectives": ["open.top_3", "paper.top_1"]})
    config.evaluation.subsets = ["test"]
    trial = trial_config(config, {"training.sampler": "hard", "training.learning_rate": 0.5}, settings)
    assert isinstance(trial, RunConfig)
    assert (trial.training.sampler, trial.training.learning_rate) == ("hard", 0.5)
    assert (trial.evaluation.subsets, trial.evaluation.protocols) == (["validation"], ["open", "paper"])
    assert (trial.evaluation.validation_protocol, trial.training.monitor) == ("open", "top_3")
    assert (trial.seed, trial.data) == (config.seed, config.data)
    assert config.training.sampler == "uniform"
    fitted = trial_config(popularity, {"options.alpha": 0.5}, settings)
    assert isinstance(fitted, BaselineConfig)
    assert fitted.options == {"alpha": 0.5}
    assert fitted.evaluation.subsets == ["validation"]
