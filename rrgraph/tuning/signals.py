"""Signals and messages during a trial: when it may be interrupted, and what Optuna may print."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.exceptions import ExperimentalWarning

__all__ = ["interruptible", "quietly", "uninterrupted"]


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the signal that asks a process to end interrupt it once, so that its trial is put back."""
    if threading.current_thread() is not threading.main_thread():
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
def uninterrupted() -> Iterator[None]:
    """Put off what would interrupt the block until its end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) != signal.SIG_IGN]
    came: list[int] = []
    before = [signal.signal(number, lambda given, _: came.append(given)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        for given in dict.fromkeys(came):
            signal.raise_signal(given)


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
