"""Values read from files as arguments of constructors: checked first, so that an error of the code is never taken for
one of the file.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

__all__ = ["call_with", "value_of"]

T = TypeVar("T")


def value_of(values: Any, key: str, kind: type[T]) -> T:
    """Return what a mapping read from a file holds under a key.

    Raises:
        ValueError: it is no mapping, has no such key, or a value of another type.
    """
    if not isinstance(values, Mapping) or key not in values:
        raise ValueError(f"there is no '{key}'")
    value = values[key]
    if not _fits(value, kind):
        raise ValueError(f"'{key}' is {_shown(value)}, expected a {kind.__name__}")
    return cast(T, value)


def call_with(make: Callable[..., T], values: Any, *, ignore_unknown: bool = False) -> T:
    """Return what a class or function makes of arguments that were read from a file.

    Args:
        make: called with the values by name.
        values: mapping of names to values.
        ignore_unknown: leave out names that it does not take.

    Raises:
        ValueError: the values are no mapping; one is missing, unknown, or not of the annotated type (of numbers,
            texts, and lists and dictionaries of these). What `make` itself raises passes.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{make.__name__} is {_shown(values)}, expected a mapping")
    signature = inspect.signature(make, eval_str=True)
    if ignore_unknown:
        values = {name: value for name, value in values.items() if name in signature.parameters}
    try:
        signature.bind(**values)
    except TypeError as error:
        raise ValueError(f"{make.__name__}: {error}") from None
    for name, value in values.items():
        if not _fits(value, signature.parameters[name].annotation):
            raise ValueError(f"{make.__name__}: '{name}' is {_shown(value)}")
    return make(**values)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value of JSON or YAML may stand where an annotation is; annotations of other kinds fit anything."""
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind in (Union, UnionType):
        return any(_fits(value, each) for each in inner)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is list:
        return isinstance(value, list) and (not inner or all(_fits(entry, inner[0]) for entry in value))
    if kind is dict:
        return isinstance(value, dict) and (not inner or all(_fits(entry, inner[1]) for entry in value.values()))
    return isinstance(value, kind) if kind in (bool, str, NoneType) else True


def _shown(value: object) -> str:
    return ascii(value)[:80]
