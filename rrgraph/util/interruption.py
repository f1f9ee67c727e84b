"""Interruptions that are not lost: Python drops what a signal's handler raises in a weakref callback or `__del__`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["lasting_interruption"]


@contextmanager
def lasting_interruption(*, deferred: bool) -> Iterator[Callable[[], None]]:
    """Remember within the block that this process was interrupted; yield a function that interrupts it if so.

    Ctrl-C counts, and SIGTERM where a Python function handles it. Outside the main thread nothing is done.

    Args:
        deferred: whether nothing else than that function and the end of the block interrupts, unless the signal comes a
            second time. If not, the block is interrupted at once, and by the function where that was dropped.

    Example:
        >>> with lasting_interruption(deferred=False) as interrupt_if_asked:
        ...     for epoch in range(3):
        ...         interrupt_if_asked()
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    came: list[int] = []

    def handle(number: int, frame: object) -> None:
        came.append(number)
        if not deferred or came.count(number) > 1:
            before[number](number, frame)

    def interrupt_if_asked() -> None:
        while came:
            number = came.pop()
            before[number](number, None)

    # Not signals that are ignored or end the process by themselves.
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before: dict[int, Callable[..., object]] = {number: each for number, each in found.items() if callable(each)}
    for number in before:
        signal.signal(number, handle)
    try:
        yield interrupt_if_asked
    except BaseException as error:
        if not deferred or isinstance(error, KeyboardInterrupt):
            came.clear()
        raise
    finally:
        for number, handler in before.items():
            # Another one has been set by a handler that wants to interrupt only once.
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)
        interrupt_if_asked()
