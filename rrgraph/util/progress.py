"""Progress bars for long work: shown on a terminal, silent in pipes, logs and tests."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tqdm import tqdm

from rrgraph.util.streams import terminal
from rrgraph.util.text import escaped

__all__ = ["progress_bar", "track"]

T = TypeVar("T")


def track(items: Iterable[T], label: str, *, total: int | None = None, unit: str = "it") -> Iterator[T]:
    """Yield `items` with a progress bar and an estimate of the time left on standard error."""
    return iter(tqdm(items, total=total, unit=unit, **_appearance(label)))


@contextmanager
def progress_bar(label: str, *, total: int | None, done: int = 0, unit: str = "it") -> Iterator[tqdm]:
    """Yield a bar over `total` steps (None: unknown), `done` of which were done before; it estimates the time left."""
    with tqdm(total=total, initial=done, unit=unit, unit_scale=unit == "B", **_appearance(label)) as bar:
        yield bar


def _appearance(label: str) -> dict[str, Any]:
    is_terminal = sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()
    return {"desc": escaped(label), "file": terminal(sys.stderr), "disable": not is_terminal, "leave": False}
