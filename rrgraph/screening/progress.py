"""How far a screening is, how fast it goes, and when it will end."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tqdm import tqdm

from rrgraph.util.progress import progress_bar

__all__ = ["Progress", "watched"]

_SECONDS: Final = 10.0
"""Between two lines of the log."""

_log = logging.getLogger(__name__)


class Progress:
    """Counts rows, for a bar on a terminal and lines of the log.

    The rate is that since the first answers, which wait for models to be loaded.

    Args:
        total: rows of the input, None if not known.
        bar: shows what there is to say.
    """

    def __init__(self, total: int | None, bar: tqdm) -> None:
        self.total, self.bar = total, bar
        self.rows = self.since = 0
        self.started: float | None = None
        self.logged = time.monotonic()

    def add(self, rows: int, *, before: bool = False) -> None:
        """Count rows that are done, or were done before; log how far it is from time to time."""
        now = time.monotonic()
        self.rows += rows
        if self.started is not None:
            self.since += 0 if before else rows
        elif not before:
            self.started = now
        if now - self.logged >= _SECONDS:
            self.logged = now
            _log.info(str(self))
        self.bar.set_postfix_str(str(self), refresh=False)
        self.bar.update(rows)

    @property
    def rate(self) -> float | None:
        """Rows a second, None before it is known."""
        if self.started is None or not self.since:
            return None
        return self.since / max(time.monotonic() - self.started, 1e-9)

    def __str__(self) -> str:
        """Return for example ``12,000 of 143,606 rows, 118 rows/s, 18 min left``."""
        text = f"{self.rows:,} rows" if self.total is None else f"{self.rows:,} of {self.total:,} rows"
        if self.rate is not None:
            text += f", {self.rate:.3g} rows/s"
            if self.total is not None:
                text += f", {_duration(max(0, self.total - self.rows) / self.rate)} left"
        return text


@contextmanager
def watched(total: int | None) -> Iterator[Progress]:
    """Yield a `Progress` over the rows of a screening."""
    with progress_bar("screening", total=total, unit="row") as bar:
        # Its own rate would count what was done before.
        bar.bar_format = "{desc}: {percentage:3.0f} %|{bar}|{postfix}"
        yield Progress(total, bar)


def _duration(seconds: float) -> str:
    """Return a time in the unit that suits it.

    >>> _duration(40), _duration(210), _duration(900), _duration(9000)
    ('40 s', '3.5 min', '15 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
