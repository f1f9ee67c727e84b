from __future__ import annotations

from dataclasses import replace

import pytest

from rrgraph.errors import ConfigError, StudyError
from rrgraph.tuning.check import check_space


def test_a_space_that_fits_is_accepted(config, popularity, make_space):
    check_space(make_space(), config)
    check_space(
        make_space({"options.alpha": {"range": [0.01, 1.0]}, "options.by_oxygen": {"choices": [True, False]}}),
        popularity,
    )


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"training.batchsize": {"choices": [1, 2]}}, "Did you mean 'training.batch_size'"),
        ({"batch_size": {"choices": [1, 2]}}, "Did you mean 'training.batch_size'"),
        ({"model": {"choices": [1, 2]}}, "model is not a key"),
        ({"data.split": {"choices": ["cra", "nms"]}}, "could not be compared"),
        ({"seed": {"range": [0, 9]}}, "could not be compared"),
        ({"evaluation.protocols": {"choices": ["paper"]}}, "could not be compared"),
        ({"training.monitor": {"choices": ["top_1"]}}, "could not be compared"),
        ({"training.sampler": {"choices": ["uniform", "hrad"]}}, "Did you mean 'hard'"),
        ({"training.epochs": {"choices": ["many"]}}, "many"),
        ({"training.batch_size": {"range": [0, 8]}}, "at least 1"),
        ({"model.heads": {"choices": [1, 3]}}, "model.heads=3"),
        ({"model.dropout": {"range": [0.0, 1.0]}}, "less than 1"),
        ({"reranker.model.width": {"choices": [8, 16]}}, "reranker.enabled is false"),
        ({"training.inverse_temperature": {"range": [1, 2], "condition": {"training.smpler": "hard"}}}, "Did you mean"),
        (
            {"training.inverse_temperature": {"range": [1, 2], "condition": {"training.sampler": "hard"}}},
            "nothing to search",
        ),
        (
            {
                "training.sampler": {"choices": ["uniform", "hard"]},
                "training.inverse_temperature": {"range": [1, 2], "condition": {"training.sampler": "hrad"}},
            },
            "never hrad. Did you mean 'hard'",
        ),
        (
            {
                "training.inverse_temperature": {"range": [1, 2], "condition": {"training.sampler": "hard"}},
                "training.sampler": {"choices": ["uniform", "hard"]},
            },
            "has to stand before it",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence(config, make_space, parameters, words):
    with pytest.raises(StudyError) as caught:
        check_space(make_space(parameters), config)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_shape_of_a_pretrained_encoder_is_not_searched(config, make_space):
    pretrained = replace(config, model=replace(config.model, pretrained="encoder"))
    with pytest.raises(StudyError, match="brings its own"):
        check_space(make_space({"model.layers": {"range": [1, 4]}}), pretrained)


def test_a_bad_configuration_is_refused_as_by_train(config, make_space):
    with pytest.raises(ConfigError, match="Did you mean 'uniform'"):
        check_space(make_space(), replace(config, training=replace(config.training, sampler="unifrm")))


def test_options_of_baselines_have_near_matches(popularity, make_space):
    with pytest.raises(StudyError, match=r"Did you mean 'options\.alpha'"):
        check_space(make_space({"options.alpa": {"range": [0.1, 1.0]}}), popularity)
