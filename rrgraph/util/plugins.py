"""Entry points: what installed packages offer to rrgraph, found by their metadata and imported only when it is used.

A package offers something under a group such as `rrgraph.decoders`; the name of the entry point is the name used in
configurations.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path
from typing import Any

from rrgraph.errors import ConfigError, reason_of

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
                f"{type(error).__name__}: {reason_of(error)}."
            ) from error


def find_plugins(group: str) -> dict[str, list[Plugin]]:
    """Return what installed packages offer under a group, by name; nothing is imported.

    A name offered by several packages has several entries.
    """
    found: dict[str, list[Plugin]] = {}
    for entry in _entry_points(group, _installed()):
        found.setdefault(entry.name, []).append(_plugin(entry))
    return found


def plugin_packages() -> dict[str, str]:
    """Return the versions of the installed packages that offer anything to rrgraph, by package."""
    groups = [group for group in entry_points().groups if group.startswith(_PREFIX)]
    found = (_plugin(entry) for group in groups for entry in entry_points(group=group))
    return dict(sorted((plugin.package, plugin.version) for plugin in found))


@lru_cache(maxsize=64)
def _entry_points(group: str, _: tuple[tuple[str, int], ...]) -> EntryPoints:
    """Return the entry points of a group in a state of what is installed; to read them takes a while."""
    return entry_points(group=group)


def _installed() -> tuple[tuple[str, int], ...]:
    """Return what changes when a package is installed or removed: the folders and when they were changed."""
    return tuple((folder, _changed(folder)) for folder in sys.path)


def _changed(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


def _plugin(entry: EntryPoint) -> Plugin:
    package, version = (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "")
    return Plugin(name=entry.name, package=package, version=version, entry=entry)
