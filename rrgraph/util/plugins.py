"""Entry points: what installed packages offer to rrgraph, found by their metadata and imported only when it is used.

A package offers something under a group such as `rrgraph.decoders`; the name of the entry point is the name used in
configurations.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rrgraph.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Plugin", "find_plugins", "plugin_packages"]

_PREFIX = "rrgraph."


@dataclass(frozen=True)
class Plugin:
    """One thing that an installed package offers.

    Attributes:
        name: used in configurations.
        package: that offers it, by the name one installs.
        version: of the package.
        entry: its entry point.
    """

    name: str
    package: str
    version: str
    entry: EntryPoint

    @property
    def path(self) -> str:
        """Module and name of what is offered, as in `rrgraph_gated:GatedDecoder`."""
        return f"{self.entry.module}:{self.entry.attr}"

    def load(self) -> Any:
        """Import what is offered.

        Raises:
            ConfigError: that fails, whatever the reason.
        """
        try:
            return self.entry.load()
        except Exception as error:
            raise ConfigError(
                f"'{self.name}' of the package '{self.package}' ({self.path}) cannot be imported: "
                f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}."
            ) from error


def find_plugins(group: str) -> dict[str, list[Plugin]]:
    """Return what installed packages offer under a group, by name; nothing is imported.

    A name offered by several packages has several entries.
    """
    found: dict[str, list[Plugin]] = {}
    for entry in _entries():
        if entry.group == group:
            found.setdefault(entry.name, []).append(_plugin(entry))
    return found


def plugin_packages() -> dict[str, str]:
    """Return the versions of the installed packages that offer anything to rrgraph, by package."""
    found = (_plugin(entry) for entry in _entries())
    return dict(sorted((plugin.package, plugin.version) for plugin in found))


def _plugin(entry: EntryPoint) -> Plugin:
    package, version = (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "")
    return Plugin(name=entry.name, package=package, version=version, entry=entry)


def _entries() -> tuple[EntryPoint, ...]:
    """Return all entry points meant for rrgraph, read again when a package was installed or removed meanwhile."""
    return _read(tuple((path, _changed(path)) for path in sys.path))


def _changed(path: str) -> int:
    try:
        return os.stat(path or ".").st_mtime_ns  # noqa: PTH116 - entries of sys.path need not be paths
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _read(state: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    from importlib.metadata import distributions

    found: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():
        entries = [entry for entry in distribution.entry_points if entry.group.startswith(_PREFIX)]
        if entries:
            # Of two copies of a package, the first on the path is the one that is imported.
            found.setdefault(distribution.name.lower(), entries)
    return tuple(entry for entries in found.values() for entry in entries)
