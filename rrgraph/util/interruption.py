"""Interruptions: Ctrl-C, and signals that ask a process to end, which interrupt it alike and leave nothing half done.

Python drops what a signal's handler raises in a weakref callback or `__del__`; here it is remembered. The import
of another package is never cut: a library in C++ that is left half loaded may abort the process.
"""

from __future__ import annotations

import inspect
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["TERMINAL_SIGNALS", "Ended", "Interruption", "exit_code", "interruptible", "lasting_interruption"]

_ENDING: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that ask a process to end; there is no SIGHUP on Windows."""

TERMINAL_SIGNALS: Final = (signal.SIGINT, *(number for number in _ENDING if number != signal.SIGTERM))
"""Signals that a terminal sends to a process and to those that it started: Ctrl-C, and that the terminal is closed."""

_IMPORT_SECONDS: Final = 0.05
"""Time after which a signal that came during an import is sent again."""

Handler = Callable[[int, FrameType | None], object]


class Ended(KeyboardInterrupt):
    """The process was asked to end.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def exit_code(error: KeyboardInterrupt) -> int:
    """Return the exit code by which shells tell a signal: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.

    >>> exit_code(KeyboardInterrupt()), exit_code(Ended(15))
    (130, 143)
    """
    return 128 + (error.number if isinstance(error, Ended) else int(signal.SIGINT))


@contextmanager
def interruptible() -> Iterator[None]:
    """Let signals that ask this process to end interrupt it once, as Ctrl-C does, by `Ended`.

    Within another such block, where the program has a handler of its own, and where a signal is ignored, as `nohup` has
    it, nothing changes. Outside the main thread nothing is done.
    """
    main = threading.current_thread() is threading.main_thread()
    numbers = [number for number in _ENDING if main and signal.getsignal(number) is signal.SIG_DFL]

    @_between_imports
    def interrupt(number: int, _: FrameType | None) -> None:
        for each in numbers:
            # Not SIG_IGN, which processes started from now on would inherit.
            signal.signal(each, lambda *_: None)
        raise Ended(number)

    for number in numbers:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


class Interruption:
    """True when the process was interrupted and has not ended for it; called, it interrupts then."""

    def __init__(self, *, deferred: bool) -> None:
        self.deferred = deferred
        self.came: list[int] = []
        self.before: dict[int, Handler] = {}

    def __bool__(self) -> bool:
        return bool(self.came)

    def __call__(self) -> None:
        while self.came:
            number = self.came.pop()
            self.before[number](number, None)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let the process be interrupted at once within a block of one that is deferred."""
        self()
        self.deferred = False
        try:
            yield
        finally:
            self.deferred = True


@contextmanager
def lasting_interruption(*, deferred: bool) -> Iterator[Interruption]:
    """Remember within the block that this process was interrupted; yield what interrupts it when called, if it was.

    Ctrl-C counts, and signals that ask it to end where a Python function handles them. Another exception of the block
    gives way to it, such as what importing a package makes of it. Outside the main thread nothing is done.

    Args:
        deferred: whether nothing else than that call and the end of the block interrupts, but for a second Ctrl-C. If
            not, the block is interrupted at once, and by the call where that was dropped.

    Example:
        >>> with lasting_interruption(deferred=False) as interrupt_if_asked:
        ...     for epoch in range(3):
        ...         interrupt_if_asked()
    """
    interruption = Interruption(deferred=deferred)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    came, before = interruption.came, interruption.before

    @_between_imports
    def handle(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if not interruption.deferred or (number == signal.SIGINT and came.count(number) > 1):
            before[number](number, frame)

    for number in (signal.SIGINT, *_ENDING):
        found = signal.getsignal(number)
        # Not signals that are ignored or end the process by themselves.
        if callable(found):
            before[number] = found
            signal.signal(number, handle)
    try:
        yield interruption
    except KeyboardInterrupt:
        came.clear()
        raise
    finally:
        for number, handler in before.items():
            # Another one has been set by a handler that wants to interrupt only once.
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)
        interruption()


def _between_imports(handler: Handler) -> Handler:
    """Let a handler wait for the end of imports of other packages that began after this call."""
    before = _imports(inspect.currentframe())

    def wait_or_handle(number: int, frame: FrameType | None) -> None:
        if _imports(frame) <= before:
            handler(number, frame)
            return
        timer = threading.Timer(_IMPORT_SECONDS, _send, (number,))
        timer.daemon = True
        timer.start()

    return wait_or_handle


def _imports(frame: FrameType | None) -> int:
    """Return the number of imports of other packages that a frame is within."""
    found = 0
    while frame is not None:
        if frame.f_code.co_name == "_find_and_load":  # of importlib
            found += not str(frame.f_locals.get("name")).startswith("rrgraph")
        frame = frame.f_back
    return found


def _send(number: int) -> None:
    """Send a signal to the main thread, also where that waits for something."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:  # Windows
        signal.raise_signal(number)
