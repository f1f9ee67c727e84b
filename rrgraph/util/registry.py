"""A named collection of interchangeable classes or functions: decoders, samplers, losses, baselines, splits.

Entries are registered by a decorator, or offered by other installed packages, whose code is imported when one of their
names is used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Generic, TypeVar
from weakref import WeakSet

from rrgraph.errors import ConfigError, suggestion
from rrgraph.util.plugins import Plugin, find_plugins

__all__ = ["REQUIRED", "Origin", "Registry", "import_entries", "session_entries"]

T = TypeVar("T")

REQUIRED: Final = inspect.Parameter.empty
"""Stands for the default of an option that has none."""

_OWN: Final = "rrgraph"

_MAIN: Final = "__main__"

_REGISTRIES: Final[WeakSet[Registry[Any]]] = WeakSet()

_ELSEWHERE: Final[dict[tuple[str, str], str]] = {}
"""Modules of what the process that started this one had registered, by kind and name."""


@dataclass(frozen=True)
class Origin:
    """Where an entry comes from.

    Attributes:
        object: its module and name, as in `rrgraph_gated:GatedDecoder`.
        package: the installed package that offers it, empty for what a module registers.
        version: of the package.
    """

    object: str
    package: str = ""
    version: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it is part of rrgraph."""
        return not self.package and self.object.partition(":")[0].partition(".")[0] == _OWN

    def __str__(self) -> str:
        if self.is_own:
            return "rrgraph itself"
        return f"the package '{self.package}'" if self.package else f"the module '{self.object.partition(':')[0]}'"


class Registry(Generic[T]):
    """Maps the names used in configurations to what they stand for.

    Args:
        kind: what is registered, in the words of an error message ("link decoder", "negative sampler").
        group: entry-point group under which other packages offer entries; empty for none.
        bases: classes, one of which every offered class derives from; none where entries are functions.
        given: arguments by keyword that rrgraph itself hands to an entry; the others are its options.
    """

    def __init__(self, kind: str, *, group: str = "", bases: Sequence[type] = (), given: Sequence[str] = ()) -> None:
        self.kind = kind
        self.group = group
        self.given = tuple(given)
        self._bases = tuple(bases)
        self._entries: dict[str, T] = {}
        self._loaded: dict[Plugin, T] = {}
        _REGISTRIES.add(self)

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files its argument under `name`.

        What is defined once more, as by a notebook cell, replaces its earlier self.

        Raises:
            ConfigError: the name is taken.
        """

        def decorate(entry: T) -> T:
            if name in self._entries and _path(self._entries[name]) != _path(entry):
                raise ConfigError(f"A {self.kind} named '{name}' is already registered.")
            self._entries[name] = entry
            return entry

        return decorate

    def check(self, name: str) -> None:
        """Refuse a name under which there is nothing usable, or more than one thing.

        Raises:
            ConfigError: nothing has that name, two packages claim it, or what a package offers cannot be used.
        """
        self[name]
        for plugin in self._offered(name):
            if name in self._entries and plugin.path != _path(self._entries[name]):
                raise ConfigError(
                    f"The package '{plugin.package}' offers a {self.kind} '{name}', a name that {self.origin(name)} "
                    "has already; its entry point needs another one."
                )

    def origin(self, name: str) -> Origin:
        """Return where the entry of a name comes from."""
        path = _path(self[name])
        if name in self._entries and not any(plugin.path == path for plugin in self._offered(name)):
            return Origin(path)
        plugin = self._offered(name)[0]
        return Origin(path, plugin.package, plugin.version)

    def options(self, name: str) -> Mapping[str, Any]:
        """Return the options of an entry with their defaults, `REQUIRED` where there is none.

        They are its arguments by keyword alone, and those by position or keyword that have a default.
        """
        parameters = inspect.signature(self[name]).parameters.values()  # type: ignore[arg-type]
        return {each.name: each.default for each in parameters if _is_named(each) and each.name not in self.given}

    def __getitem__(self, name: str) -> T:
        # Names of one's own need no search through what is installed.
        if name in self._entries:
            return self._entries[name]
        offered = self._offered(name)
        if not offered and (module := _ELSEWHERE.get((self.kind, name))):
            where = "a notebook or a session" if module == _MAIN else f"the module '{module}'"
            raise ConfigError(
                f"The {self.kind} '{name}' is registered in {where}, which other processes cannot import: use one "
                "process, or register it in a module that can be imported."
            )
        if not offered:
            raise ConfigError(
                f"Unknown {self.kind} '{name}', expected one of {', '.join(self)}.{suggestion(name, self)}"
            )
        if len(offered) > 1:
            packages = " and ".join(f"'{plugin.package}'" for plugin in offered)
            raise ConfigError(f"The packages {packages} both offer a {self.kind} '{name}'; uninstall one of them.")
        return self._load(offered[0])

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._entries, *(find_plugins(self.group) if self.group else ())}))

    def __contains__(self, name: object) -> bool:
        return name in self._entries or bool(self._offered(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _offered(self, name: object) -> list[Plugin]:
        return find_plugins(self.group).get(str(name), []) if self.group else []

    def _load(self, plugin: Plugin) -> T:
        if plugin not in self._loaded:
            try:
                entry = plugin.load()
            except ConfigError as error:
                raise ConfigError(f"The {self.kind} {error}") from error.__cause__
            if reason := self._unfit(entry):
                raise ConfigError(
                    f"The {self.kind} '{plugin.name}' of the package '{plugin.package}' ({plugin.path}) {reason}."
                )
            self._loaded[plugin] = entry
        return self._loaded[plugin]

    def _unfit(self, entry: object) -> str:
        """Return why something cannot be an entry, empty if it can."""
        if not self._bases:
            return "" if callable(entry) and not isinstance(entry, type) else "is not a function"
        if not (isinstance(entry, type) and issubclass(entry, self._bases)):
            return f"is not a subclass of {' or '.join(f'{base.__module__}.{base.__name__}' for base in self._bases)}"
        missing = sorted(getattr(entry, "__abstractmethods__", ()))
        return f"does not define {', '.join(missing)}" if missing else ""


def session_entries() -> dict[tuple[str, str], str]:
    """Return the module of each entry that is registered in this process and no part of rrgraph, by kind and name."""
    entries = {(each.kind, name): _path(entry) for each in _REGISTRIES for name, entry in each._entries.items()}
    return {key: path.partition(":")[0] for key, path in entries.items() if not Origin(path).is_own}


def import_entries(entries: Mapping[tuple[str, str], str]) -> None:
    """Register what another process, which started this one, had registered, by importing its modules.

    What cannot be imported is explained when it is asked for.

    Args:
        entries: what `session_entries` returned there.
    """
    for module in sorted({*entries.values()} - {_MAIN}):
        with suppress(Exception):
            import_module(module)
    _ELSEWHERE.update(entries)


def _is_named(parameter: inspect.Parameter) -> bool:
    """Whether an argument is meant to be given by name."""
    if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
        return parameter.default is not REQUIRED
    return parameter.kind is inspect.Parameter.KEYWORD_ONLY


def _path(entry: object) -> str:
    """Return module and name of a class or function, as an entry point spells them."""
    owner = entry if hasattr(entry, "__qualname__") else type(entry)
    return f"{owner.__module__}:{getattr(owner, '__qualname__', '')}"
