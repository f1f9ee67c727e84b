"""Progress bars for long work: shown on a terminal, silent in pipes, logs and tests."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

__all__ = ["progress_bar", "track"]

T = TypeVar("T")


def track(items: Iterable[T], label: str, *, total: int | None = None, unit: str = "it") -> Iterator[T]:
    """Yield `items` with a progress bar and an estimate of the time left on standard error."""
    return iter(tqdm(items, desc=label, total=total, unit=unit, disable=not sys.stderr.isatty(), leave=False))


@contextmanager
def progress_bar(label: str, *, total: int | None, done: int = 0, unit: str = "it") -> Iterator[tqdm]:
    """Yield a bar over `total` steps (None: unknown), `done` of which were done before; it estimates the time left."""
    with tqdm(desc=label, total=total, initial=done, unit=unit, disable=not sys.stderr.isatty(), leave=False) as bar:
        yield bar
