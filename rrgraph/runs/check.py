"""What a configuration may say: every name and range is checked before a folder is made or a row is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from rrgraph.baselines import BASELINES
from rrgraph.data import SPLITS
from rrgraph.errors import ConfigError, near_match
from rrgraph.evaluation import PROTOCOLS, TOP_K
from rrgraph.model import DECODERS, PRECISIONS
from rrgraph.planning import MODES
from rrgraph.runs.config import RunConfig
from rrgraph.runs.encoders import link_model
from rrgraph.training import LOSSES, OPTIMIZERS, SAMPLERS

__all__ = ["check_config"]

_POSITIVE = (
    "model.width",
    "model.layers",
    "model.heads",
    "model.feedforward",
    "model.decoder_layers",
    "training.epochs",
    "training.batch_size",
    "training.negatives",
)
_NOT_NEGATIVE = (
    "seed",
    "training.patience",
    "training.learning_rate",
    "training.encoder_learning_rate",
    "training.weight_decay",
    "training.gradient_clip",
    "training.hardness",
    "training.validation_targets",
)
_FRACTIONS = ("training.warmup", "training.hide_statistics")
_BELOW_ONE = ("training.average", "model.dropout", "model.decoder_dropout", "data.validation_fraction")


def check_config(config: RunConfig) -> None:
    """Refuse a configuration that names something unknown or has a value out of range.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    _check_names(config)
    for key in _POSITIVE:
        _check_range(config, key, lambda value: value >= 1, "at least 1")
    for key in _NOT_NEGATIVE:
        _check_range(config, key, lambda value: value >= 0, "at least 0")
    for key in _FRACTIONS:
        _check_range(config, key, lambda value: 0 <= value <= 1, "from 0 to 1")
    for key in _BELOW_ONE:
        _check_range(config, key, lambda value: 0 <= value < 1, "at least 0 and less than 1")
    # Sizes that do not fit each other, an unknown element embedding, a pretrained encoder that is not there.
    link_model(config.model)


def _check_names(config: RunConfig) -> None:
    training, evaluation = config.training, config.evaluation
    _check_choice("data.split", config.data.split, SPLITS)
    _check_choice("model.decoder", config.model.decoder, DECODERS)
    _check_choice("training.sampler", training.sampler, SAMPLERS)
    _check_choice("training.loss", training.loss, LOSSES)
    _check_choice("training.schedule", training.schedule, ("constant", "cosine"))
    _check_choice("training.optimizer", training.optimizer, OPTIMIZERS)
    _check_choice("training.precision", training.precision, PRECISIONS)
    _check_choice("training.monitor", training.monitor, [f"top_{k}" for k in TOP_K])
    _check_choice("evaluation.mode", evaluation.mode, MODES)
    _check_choice("evaluation.validation_protocol", evaluation.validation_protocol, PROTOCOLS)
    for part in evaluation.parts:
        _check_choice("evaluation.parts", part, ("validation", "test"))
    for protocol in evaluation.protocols:
        _check_choice("evaluation.protocols", protocol, PROTOCOLS)
    for baseline in evaluation.baselines:
        _check_choice("evaluation.baselines", baseline, BASELINES)


def _check_choice(key: str, value: str, choices: Iterable[str]) -> None:
    known = list(choices)
    if value not in known:
        raise ConfigError(
            f"Configuration value {key} is '{value}', expected one of {', '.join(known)}.{near_match(value, known)}"
        )


def _check_range(config: RunConfig, key: str, fits: Callable[[float], bool], expected: str) -> None:
    value: object = config
    for name in key.split("."):
        value = getattr(value, name)
    assert isinstance(value, int | float)
    if not (math.isfinite(value) and fits(value)):
        raise ConfigError(f"Configuration value {key} is {value}, expected {expected}.")
