"""Checks of configuration values: keys and what they may be flow in, one sentence flows out when one is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from rrgraph.errors import ConfigError, check_choice
from rrgraph.nn import PRECISIONS
from rrgraph.training.optimizers import OPTIMIZERS

__all__ = ["check_loop", "check_ranges", "check_shared"]


def check_shared(config: object) -> None:
    """Check what every kind of run has: the encoder, the loop, the seed and the share of validation rows.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    check_ranges(
        config,
        positive=(
            "model.width",
            "model.layers",
            "model.heads",
            "model.feedforward",
        ),
        not_negative=("seed",),
        below_one=("model.dropout", "data.validation_fraction"),
    )
    check_loop(config, "training")


def check_loop(config: object, key: str) -> None:
    """Check the `LoopConfig` under a dotted key.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    check_ranges(
        config,
        positive=(f"{key}.epochs", f"{key}.batch_size"),
        not_negative=tuple(f"{key}.{name}" for name in ("patience", "learning_rate", "weight_decay", "gradient_clip")),
        fractions=(f"{key}.warmup",),
        below_one=(f"{key}.average",),
    )
    check_choice(f"{key}.schedule", _value(config, f"{key}.schedule"), ("constant", "cosine"))
    check_choice(f"{key}.optimizer", _value(config, f"{key}.optimizer"), OPTIMIZERS)
    check_choice(f"{key}.precision", _value(config, f"{key}.precision"), PRECISIONS)


def check_ranges(
    config: object,
    *,
    positive: Iterable[str] = (),
    not_negative: Iterable[str] = (),
    fractions: Iterable[str] = (),
    below_one: Iterable[str] = (),
) -> None:
    """Check numbers by dotted key: at least 1, at least 0, from 0 to 1, from 0 to less than 1.

    Raises:
        ConfigError: naming the key, the value and the range.
    """
    for key in positive:
        _check(config, key, lambda value: value >= 1, "at least 1")
    for key in not_negative:
        _check(config, key, lambda value: value >= 0, "at least 0")
    for key in fractions:
        _check(config, key, lambda value: 0 <= value <= 1, "from 0 to 1")
    for key in below_one:
        _check(config, key, lambda value: 0 <= value < 1, "at least 0 and less than 1")


def _check(config: object, key: str, fits: Callable[[float], bool], expected: str) -> None:
    value = _value(config, key)
    if not (math.isfinite(value) and fits(value)):
        raise ConfigError(f"Configuration value {key} is {value}, expected {expected}.")


def _value(config: object, key: str) -> Any:
    """Return the value of a dotted key such as `training.epochs`."""
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value
