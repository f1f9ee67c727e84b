"""Checks of single configuration values: a key and what it may be flow in, one sentence flows out when it is not."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from rrgraph.errors import ConfigError, near_match

__all__ = ["check_choice", "check_range", "value_of"]


def check_choice(key: str, value: str, choices: Iterable[str]) -> None:
    """Refuse a name that is not among the choices.

    Raises:
        ConfigError: naming the key, the value, the choices and the nearest of them.
    """
    known = list(choices)
    if value not in known:
        raise ConfigError(
            f"Configuration value {key} is '{value}', expected one of {', '.join(known)}.{near_match(value, known)}"
        )


def check_range(
    config: object, key: str, low: float = -math.inf, high: float = math.inf, *, below: bool = False
) -> None:
    """Refuse a number outside `low` to `high`, or equal to `high` when it has to be `below`.

    Raises:
        ConfigError: naming the key, the value and the range.
    """
    value = value_of(config, key)
    fits = low <= value < high if below else low <= value <= high
    if not (math.isfinite(value) and fits):
        if math.isinf(high):
            expected = f"at least {low:g}"
        else:
            expected = f"at least {low:g} and less than {high:g}" if below else f"from {low:g} to {high:g}"
        raise ConfigError(f"Configuration value {key} is {value}, expected {expected}.")


def value_of(config: object, key: str) -> Any:
    """Return the value of a dotted key such as `training.epochs`."""
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value
