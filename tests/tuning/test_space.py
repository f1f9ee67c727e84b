from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.errors import ConfigError, StudyError
from rrgraph.runs import RunConfig, load_run
from rrgraph.tuning import find_space, load_space
from rrgraph.tuning.space import read_parameter

ROOT = Path(__file__).parents[2]


def suggested(space, config, **params):
    """The settings of a trial with fixed parameters, by key with dots written as two underscores."""
    return space.suggest(optuna.trial.FixedTrial({k.replace("__", "."): v for k, v in params.items()}), config)


def test_a_condition_decides_what_is_searched(make_space):
    space = make_space()
    settings = suggested(space, RunConfig(), training__learning_rate=1e-3, training__sampler="uniform")
    assert settings == {"training.learning_rate": 1e-3, "training.sampler": "uniform"}
    settings = suggested(
        space, RunConfig(), training__learning_rate=1e-3, training__sampler="hard", training__inverse_temperature=2.0
    )
    assert settings["training.inverse_temperature"] == 2.0


def test_a_condition_may_ask_for_what_is_not_searched(make_space):
    space = make_space({"model.heads": {"choices": [1, 2], "condition": {"model.pretrained": ["", "other"]}}})
    config = RunConfig()
    assert suggested(space, config, model__heads=2) == {"model.heads": 2}
    config.model.pretrained = "encoder"
    assert suggested(space, config) == {}


@given(
    low=st.floats(1e-6, 1), ratio=st.floats(1.5, 1e3), log=st.booleans(), seed=st.integers(0, 99), whole=st.booleans()
)
def test_what_is_suggested_lies_in_the_range(low, ratio, log, seed, whole):
    bounds = [int(low * 10) + 1, int(low * 10 * ratio) + 3] if whole else [low, low * ratio]
    parameter = read_parameter("training.negatives_per_positive", {"range": bounds, "log": log})
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    value = parameter.suggest(study.ask())
    assert parameter.holds(value)
    assert isinstance(value, int if whole else float)
    assert not parameter.holds(bounds[1] * 1.01 + 1)


def test_the_default_space_is_table_9_of_the_paper():
    space = load_space(find_space("somewhere/mine.yaml", RunConfig()))
    by_key = {parameter.key: parameter for parameter in space.parameters}
    assert by_key["training.batch_size"].choices == (128, 256, 512)
    assert by_key["model.heads"].choices == (1, 4, 8)
    assert (by_key["model.layers"].low, by_key["model.layers"].high, by_key["model.layers"].kind) == (1, 4, "int")
    for key, low in (("training.learning_rate", 1e-5), ("training.encoder_learning_rate", 1e-6)):
        assert (by_key[key].low, by_key[key].high, by_key[key].log) == (low, 1e-3, True)
    assert {
        "model.decoder",
        "training.sampler",
        "training.negatives_per_positive",
        "model.width",
        "model.statistics",
    } <= set(by_key)


def test_a_space_beside_the_configuration_is_found(tmp_path, popularity):
    (tmp_path / "tuning").mkdir()
    beside = tmp_path / "tuning" / "mine.yaml"
    beside.write_text("parameters: {training.batch_size: {choices: [1, 2]}}\n")
    assert find_space(tmp_path / "mine.yaml", RunConfig()) == beside
    assert find_space(tmp_path / "other.yaml", RunConfig()) != beside
    with pytest.raises(StudyError, match="--space"):
        find_space(tmp_path / "other.yaml", popularity)


SHIPPED = sorted(ROOT.glob("configs/**/tuning/*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_spaces_fit_their_configurations(path):
    from rrgraph.tuning import read_settings
    from rrgraph.tuning.check import check_space

    owner = path.parents[1] / path.name
    config, space = load_run(owner), load_space(path)
    assert find_space(owner, config) == path
    read_settings(space, config, {})
    check_space(space, config)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("3", "expected options such as"),
        ({"rnge": [1, 2]}, "Did you mean 'range'"),
        ({}, "either a range or choices"),
        ({"range": [1, 2], "choices": [1]}, "either a range or choices"),
        ({"range": [2, 1]}, "LOW below HIGH"),
        ({"range": [1]}, "LOW below HIGH"),
        ({"range": [1, ".inf"]}, "LOW below HIGH"),
        ({"range": [0, 1], "log": True}, "above 0"),
        ({"range": [1, 8], "log": "yes"}, "true or false"),
        ({"range": [1, 8], "type": "flaot"}, "Did you mean 'float'"),
        ({"range": [1, 2.5], "type": "int"}, "whole numbers"),
        ({"range": [1, 8], "step": 0.5}, "whole number above 0"),
        ({"range": [1, 8], "step": 2, "log": True}, "both log and step"),
        ({"choices": []}, "expected a list"),
        ({"choices": [[1]]}, "expected a list"),
        ({"choices": [1, 1]}, "each one once"),
        ({"choices": [1, 2], "log": True}, "categorical"),
        ({"choices": [1], "condition": "hard"}, "expected a mapping"),
    ],
)
def test_a_bad_parameter_is_one_sentence(options, words):
    with pytest.raises(StudyError, match=r"training\.negatives") as caught:
        read_parameter("training.negatives_per_positive", options)
    assert words in str(caught.value)


def test_a_file_without_parameters_is_refused(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("objectives: [open.top_1]\n")
    with pytest.raises(StudyError, match="no parameters"):
        load_space(path)
    with pytest.raises(ConfigError, match=r"Did you mean '.*space\.yaml'"):
        load_space(tmp_path / "spce.yaml")


def test_earlier_names_are_understood_in_keys_and_conditions(tmp_path):
    (tmp_path / "space.yaml").write_text(
        "parameters:\n  training.hardness: {range: [1.0, 2.0]}\n  sets.trees.number: {choices: [1, 2]}\n"
        "  model.heads: {choices: [1, 2], condition: {model.members: [1]}}\n"
    )
    with pytest.warns(FutureWarning, match="'training.hardness' is now 'training.inverse_temperature'") as caught:
        space = load_space(tmp_path / "space.yaml").renamed(RunConfig)
    assert len(caught) == 1
    keys = [parameter.key for parameter in space.parameters]
    assert keys == ["training.inverse_temperature", "reranker.trees.n_trees", "model.heads"]
    assert space.parameters[2].condition == {"model.n_decoders": (1,)}


def test_choices_of_text_stay_as_they_are_written(tmp_path):
    (tmp_path / "space.yaml").write_text(
        "parameters:\n"
        "  model.pretrained: {choices: [007, yes, 1e5, 0x10]}\n"
        "  training.average: {choices: [1e-1, 0.5], condition: {model.pretrained: [007, no], training.epochs: 0x10}}\n"
        "  data.pool: {choices: [1e5, null]}\n"
    )
    pretrained, decay, pool = load_space(tmp_path / "space.yaml").parameters
    assert pretrained.choices == ("007", "yes", "1e5", "0x10")
    assert decay.choices == (0.1, 0.5)
    assert decay.condition == {"model.pretrained": ("007", "no"), "training.epochs": (16,)}
    assert pool.choices == ("1e5", None)
