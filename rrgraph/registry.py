"""A named collection of interchangeable classes or functions: decoders, samplers, losses, baselines, splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from rrgraph.errors import ConfigError, near_match

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps the names used in configurations to what they stand for.

    Args:
        kind: what is registered, in the words of an error message ("decoder", "negative sampler").
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files its argument under `name`."""

        def decorate(entry: T) -> T:
            if name in self._entries:
                raise ConfigError(f"A {self.kind} named '{name}' is already registered.")
            self._entries[name] = entry
            return entry

        return decorate

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except KeyError:
            raise ConfigError(
                f"Unknown {self.kind} '{name}', expected one of {', '.join(self)}.{near_match(name, self)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)
