"""Signals and messages during a study: what interrupts it, and what Optuna may print."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.exceptions import ExperimentalWarning

__all__ = ["interruptible", "quietly"]


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the signal that asks a process to end interrupt it once, so that its trials are put back.

    Within another such block, or where the program has a handler of its own, that one holds.
    """
    if threading.current_thread() is not threading.main_thread() or callable(signal.getsignal(signal.SIGTERM)):
        yield
        return

    def interrupt(*_: object) -> None:
        # Not SIG_IGN, which processes started from now on would inherit.
        signal.signal(signal.SIGTERM, lambda *_: None)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def quietly() -> Iterator[None]:
    """Keep Optuna's messages, and its warnings about what it calls experimental, from the terminal for a while."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
