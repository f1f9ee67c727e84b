"""Settings: range, choices, meaning and earlier name of a configuration's field, declared where the field is.

`check` refuses whatever is out of range; `settings` lists the fields for people. Earlier names are applied by
`rrgraph.util.config` when a file or an override is read.
"""

from __future__ import annotations

import inspect
import json
import math
import pkgutil
import re
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from rrgraph.errors import ConfigError, check_choice
from rrgraph.util.arguments import call_with
from rrgraph.util.names import PLAIN_NAME, is_plain_name
from rrgraph.util.registry import Registry
from rrgraph.util.registry_options import check_entry
from rrgraph.util.yaml_text import check_text

__all__ = [
    "Limits",
    "Setting",
    "check",
    "check_texts",
    "current_key",
    "described_type",
    "field_types",
    "from_stored",
    "key_type",
    "not_null",
    "rename_keys",
    "setting",
    "settings",
    "to_stored",
    "warn_renamed",
]

Choices = Iterable[str] | str | Callable[[], Iterable[str]]

T = TypeVar("T")

_LARGEST: Final = 2**32 - 1
"""Of numbers without a limit of their own; seeds may take all of it."""

_SHOWN: Final = 80

_LIMITS: Final = "limits"
"""Key of a field's metadata."""


@dataclass(frozen=True)
class Limits:
    """What a field may hold, and its earlier name.

    Attributes:
        at_least: smallest value.
        above: every value is larger.
        at_most: largest value.
        below: every value is smaller.
        choices: names to choose from; or where they are, as `module:NAME` or a function, looked up when needed.
        options: field beside this one with the keyword arguments of the registered entry that is chosen.
        alias: earlier name; files and overrides may use it for one release, stored models use it always.
        file_name: whether a file or folder gets this name.
    """

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    choices: Choices | None = None
    options: str = ""
    alias: str = ""
    file_name: bool = False

    @property
    def range(self) -> str:
        """The range in words, empty where there is none."""
        if self.file_name:
            return PLAIN_NAME
        low, high = self.at_least, self.at_most
        if low is not None and high is not None:
            return f"from {low} to {high}"
        ends = {"at least": low, "more than": self.above, "at most": high, "less than": self.below}
        return " and ".join(f"{words} {end}" for words, end in ends.items() if end is not None)

    def admits(self, value: Any) -> bool:
        """Whether a number is finite and in the range, or a name plain."""
        if self.file_name:
            return is_plain_name(value)
        return (
            math.isfinite(value)
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )

    def names(self) -> Iterable[str] | None:
        """Return the names to choose from, None where everything goes."""
        if isinstance(self.choices, str):
            named: Iterable[str] = pkgutil.resolve_name(self.choices)
            return named
        return self.choices() if callable(self.choices) else self.choices


def setting(
    default: Any = MISSING,
    *,
    factory: Callable[[], Any] | None = None,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    choices: Choices | None = None,
    options: str = "",
    alias: str = "",
    file_name: bool = False,
) -> Any:
    """Return a dataclass field that knows what it may hold; of a list, every entry has to fit.

    Its meaning is what the section `Attributes` of the class says of it. Arguments are those of `Limits`.

    Args:
        default: of the field.
        factory: makes the default, in its place.
    """
    limits = Limits(at_least, above, at_most, below, choices, options, alias, file_name)
    if factory is not None:
        return field(default_factory=factory, metadata={_LIMITS: limits})
    return field(default=default, metadata={_LIMITS: limits})


@dataclass(frozen=True)
class Setting:
    """One key of a configuration.

    Attributes:
        key: dotted, such as `training.epochs`.
        type: of the value, in words.
        default: value of a configuration that says nothing of it.
        value: in this configuration.
        meaning: one or more sentences.
        limits: what it may hold.
        earlier: dotted key of earlier releases, empty if it is the same.
    """

    key: str
    type: str
    default: Any
    value: Any
    meaning: str
    limits: Limits
    earlier: str

    @property
    def expected(self) -> str:
        """Range or choices in words, empty where everything goes."""
        names = self.limits.names()
        return self.limits.range if names is None else ", ".join(names)

    @staticmethod
    def show(value: Any) -> str:
        """Return a value as a configuration file has it."""
        if isinstance(value, float) and math.isfinite(value):
            return repr(value)
        return json.dumps(value, ensure_ascii=False)


def settings(config: Any) -> list[Setting]:
    """Return every key of a configuration, section by section."""
    return list(_settings(config, type(config)(), "", ""))


def _settings(config: Any, default: Any, prefix: str, earlier: str) -> Iterator[Setting]:
    schema: Any = type(config)
    hints, meanings = field_types(schema), _meanings(schema)
    for each in fields(config):
        value, usual, limits = getattr(config, each.name), getattr(default, each.name), _of(each)
        key, old = f"{prefix}{each.name}", f"{earlier}{limits.alias or each.name}"
        if is_dataclass(value):
            yield from _settings(value, usual, f"{key}.", f"{old}.")
        else:
            yield Setting(
                key=key,
                type=_words(hints[each.name]),
                default=usual,
                value=value,
                meaning=meanings.get(each.name, ""),
                limits=limits,
                earlier=old if old != key else "",
            )


def check(config: Any) -> None:
    """Refuse a configuration with a value out of range or an unknown name.

    Fields first, then what a section says of its fields together: `cross_check(prefix)`, a method that it may have.

    Raises:
        ConfigError: naming the key, the value and what was expected.
    """
    sections = list(_sections(config, ""))
    for prefix, section in sections:
        for each in fields(section):
            value = getattr(section, each.name)
            for entry in value if isinstance(value, list) else [value]:
                if isinstance(value, list) and isinstance(entry, list | dict | None):  # which OmegaConf lets pass
                    what = "null" if entry is None else "a list" if isinstance(entry, list) else "a mapping"
                    raise ConfigError(
                        f"Configuration value {prefix}{each.name} contains {what}, expected plain values."
                    )
                _check(section, prefix, each, entry)
    for prefix, section in sections:
        if hasattr(section, "cross_check"):
            section.cross_check(prefix)


def _sections(config: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield a configuration and the sections in it, with the beginning of their keys."""
    yield prefix, config
    for each in fields(config):
        value = getattr(config, each.name)
        named: Iterable[tuple[str, Any]] = [(each.name, value)]
        if isinstance(value, list):
            named = ((f"{each.name}[{index}]", entry) for index, entry in enumerate(value))
        elif isinstance(value, dict):
            named = ((f"{each.name}.{name}", entry) for name, entry in value.items())
        for name, entry in named:
            if is_dataclass(entry):
                yield from _sections(entry, f"{prefix}{name}.")


def _check(section: Any, prefix: str, each: Field[Any], value: Any) -> None:
    key, limits = f"{prefix}{each.name}", _of(each)
    check_texts(key, value)
    names = limits.names()
    if isinstance(names, Registry) and limits.options:
        check_entry(key, value, names, (f"{prefix}{limits.options}", getattr(section, limits.options)))
    elif names is not None:
        check_choice(key, value, names)
    if limits.range and value is not None and not limits.admits(value):
        raise ConfigError(f"Configuration value {key} is {_shown(value)}, expected {limits.range}.")
    if isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:
        raise ConfigError(f"Configuration value {key} is {_shown(value)}, expected one below {_LARGEST + 1:,}.")


def _shown(value: Any) -> str:
    """Return a number as it is, another value escaped and shortened."""
    return str(value)[:_SHOWN] if isinstance(value, int | float) else f"{value!a:.{_SHOWN}}"


def check_texts(key: str, value: Any) -> None:
    """Refuse a text that OmegaConf would resolve, or that no file could hold, in a value by a `ConfigError`."""
    if isinstance(value, str):
        check_text(f"Configuration value {key}", value)
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            check_texts(f"{key}.{name}", entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            check_texts(key, entry)


def _of(each: Field[Any]) -> Limits:
    limits = each.metadata.get(_LIMITS)
    return limits if isinstance(limits, Limits) else Limits()


# Earlier names


def rename_keys(given: Any, schema: type) -> tuple[Any, dict[str, str]]:
    """Return nested mappings with today's names, and today's key by each earlier one that was found.

    Args:
        given: values by key, as in a file; other keys stay as they are.
        schema: the dataclass that they are for.

    Raises:
        ConfigError: a setting is given under both names.
    """
    found: dict[str, str] = {}
    return _renamed(given, schema, ("", ""), found), found


def _renamed(given: Any, schema: Any, prefixes: tuple[str, str], found: dict[str, str]) -> Any:
    if isinstance(given, list):
        return [_renamed(entry, schema, prefixes, found) for entry in given]
    if not isinstance(given, Mapping):
        return given
    old, new = prefixes
    names, inner = _aliases(schema), _inner(schema)
    values: dict[Any, Any] = {}
    for key, value in given.items():
        name: Any = names.get(key, key)
        if name in values or (name != key and name in given):
            raise ConfigError(
                f"The configuration gives both {new}{name} and {new}{_alias(schema, name)}, its old name."
            )
        if name != key:
            found[f"{old}{key}"] = f"{new}{name}"
        section, named = inner.get(name, (Any, False))
        if section is Any:
            values[name] = value
        elif named and isinstance(value, Mapping):
            values[name] = {
                entry: _renamed(each, section, (f"{old}{key}.{entry}.", f"{new}{name}.{entry}."), found)
                for entry, each in value.items()
            }
        else:
            values[name] = _renamed(value, section, (f"{old}{key}.", f"{new}{name}."), found)
    return values


def current_key(key: str, schema: type) -> str:
    """Return a dotted key with today's names: `training.ema_decay` for `training.average`."""
    path: list[str] = []
    section: Any = schema
    for name in key.split("."):
        path.append(_aliases(section).get(name, name) if section else name)
        section, named = _inner(section).get(path[-1], (None, False)) if section else (None, False)
        section = None if named else section
    return ".".join(path)


def warn_renamed(renamed: Mapping[str, str], where: str) -> None:
    """Say once which names are old, and what they are called now; nothing if there is none."""
    if renamed:
        pairs = ", ".join(f"'{old}' is now '{new}'" for old, new in renamed.items())
        warnings.warn(f"Old names in {where}: {pairs}. They work for one more release.", FutureWarning, stacklevel=3)


def to_stored(config: Any) -> dict[str, Any]:
    """Return a configuration as JSON values under the names that files of models have: the earliest ones."""
    values = ((each, getattr(config, each.name)) for each in fields(config))
    return {
        _of(each).alias or each.name: to_stored(value) if is_dataclass(value) else deepcopy(value)
        for each, value in values
    }


def from_stored(schema: type[T], values: Mapping[str, Any], *, ignore_unknown: bool = False) -> T:
    """Return the configuration that a file of a model holds.

    Args:
        schema: class of the configuration.
        values: what the file holds.
        ignore_unknown: leave out names that the class does not have.

    Raises:
        ValueError: a name is unknown, or a value does not fit its field or is out of its range.
    """
    cls: Any = schema
    if not isinstance(values, Mapping):
        raise ValueError(f"{schema.__name__} is {values!a:.80}, expected a mapping")
    inner, (given, _) = _inner(cls), rename_keys(values, schema)
    read = {
        name: from_stored(inner[name][0], value, ignore_unknown=ignore_unknown) if name in inner else value
        for name, value in given.items()
    }
    config = call_with(schema, read, ignore_unknown=ignore_unknown)
    check(config)
    return config


@cache
def _aliases(schema: Any) -> dict[str, str]:
    """Return today's name of each earlier one."""
    return {_of(each).alias: each.name for each in fields(schema) if _of(each).alias}


def _alias(schema: Any, name: str) -> str:
    return next(old for old, new in _aliases(schema).items() if new == name)


@cache
def _inner(schema: Any) -> dict[str, tuple[Any, bool]]:
    """Return the dataclass behind each field that has one, and whether the field holds several by name."""
    found = {}
    for name, hint in field_types(schema).items():
        inner = [each for each in (hint, *get_args(hint)) if is_dataclass(each)]
        if inner:
            found[name] = (inner[0], get_origin(hint) is dict)
    return found


@cache
def field_types(schema: Any) -> dict[str, Any]:
    """Return the annotation of each field of a dataclass."""
    hints = get_type_hints(schema)
    return {each.name: hints[each.name] for each in fields(schema)}


def key_type(key: str, schema: Any) -> Any:
    """Return the annotation of what a key such as `systems.ours.config` or `seeds[0]` names, None if there is none."""
    hint = schema
    for name in re.findall(r"[^.\[\]]+", key):
        hint = not_null(hint)
        if is_dataclass(hint):
            section: Any = hint
            hint = field_types(section).get(name)
        else:
            hint = get_args(hint)[-1] if get_origin(hint) in (list, dict) else None
    return hint


def not_null(hint: Any) -> Any:
    """Return an annotation without the None that it may allow."""
    inner = [each for each in get_args(hint) if each is not types.NoneType]
    return inner[0] if get_origin(hint) in (Union, types.UnionType) and len(inner) == 1 else hint


# What people read

_WORDS: Final = {bool: "true or false", int: "whole number", float: "number", str: "text"}


def described_type(hint: Any) -> str:
    """Return a type as it follows `expected`: ``a list of whole numbers``, ``text``."""
    words = re.sub("(?<=list of )(whole )?number$", r"\g<0>s", _words(hint))
    return words if words.startswith(("text", "true")) else f"a {words}"


def _words(hint: Any) -> str:
    """Return a type in words: ``list of text``."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join("null" if each is type(None) else _words(each) for each in inner)
    if origin is list:
        return f"list of {_words(inner[0])}"
    if origin is dict or hint is dict:
        return "mapping"
    return _WORDS.get(hint, "mapping" if is_dataclass(hint) else str(hint))


@cache
def _meanings(schema: type) -> dict[str, str]:
    """Return what the sections `Attributes` of a class and its bases say of each field."""
    found: dict[str, str] = {}
    for base in reversed(schema.__mro__):
        section = inspect.cleandoc(base.__doc__ or "").partition("\nAttributes:\n")[2]
        section = re.split(r"\n(?=\S)", section)[0]
        for entry in re.split(r"^    (?=\w)", section, flags=re.MULTILINE)[1:]:
            name, _, text = entry.partition(":")
            text = " ".join(text.split()).rstrip(".")
            found[name] = f"{text[:1].upper()}{text[1:]}."
    return found
