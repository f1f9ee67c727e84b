"""Names and options of registered things, as configurations give them, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rrgraph.errors import ConfigError, check_choice, suggestion
from rrgraph.util.registry import REQUIRED, Registry

__all__ = ["check_entry"]


def check_entry(key: str, name: str, registry: Registry[Any], options: tuple[str, Mapping[str, Any]]) -> None:
    """Check that a name is registered and that its entry takes the options.

    What another package offers is imported by this.

    Args:
        key: of the name, such as `model.decoder`.
        name: its value.
        registry: where it is looked up.
        options: their key, such as `model.decoder_options`, and their values.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    check_choice(key, name, registry)
    registry.check(name)
    key, given = options
    known = registry.options(name)
    for option, value in given.items():
        if option not in known:
            raise ConfigError(
                f"Unknown option '{option}' of the {registry.kind} '{name}', expected one of "
                f"{', '.join(known) or 'none at all'}.{suggestion(str(option), known)}"
            )
        if not _fits(value, known[option]):
            raise ConfigError(
                f"Configuration value {key}.{option} is {value!a:.80}, expected a value such as {known[option]!r}."
            )
    for option, default in known.items():
        if default is REQUIRED and option not in given:
            raise ConfigError(f"The {registry.kind} '{name}' needs {key}.{option}, which has no default.")


def _fits(value: object, default: object) -> bool:
    """Whether a value has the type of the default; None and no default leave the type open."""
    if default is REQUIRED:
        return True
    if default is None or value is None:
        return default is None
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, tuple):
        return isinstance(value, list)
    if isinstance(default, float):
        return isinstance(value, int | float) and abs(value) < math.inf
    return isinstance(value, type(default))
