"""Work spread over processes; the result of each item is yielded as soon as it is there."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait as wait_for
from typing import Final, TypeVar

from rrgraph.util.interruption import TERMINAL_SIGNALS, Interruption, interruptible, lasting_interruption
from rrgraph.util.registry import import_entries, session_entries

__all__ = ["WorkerDied", "parallel_map"]

T = TypeVar("T")
R = TypeVar("R")

_THREADS: Final = "OMP_NUM_THREADS"

_LOOK_SECONDS: Final = 0.2
"""Time between two looks at whether this process has been interrupted."""

_PATIENCE: Final = 20.0
"""Seconds that a process has to save what it has and end when it is asked to, before it is killed."""


class WorkerDied(RuntimeError):
    """A process ended without an answer, for example because the system needed its memory."""


def parallel_map(
    function: Callable[[T], R], items: Sequence[T], *, jobs: int, threads: int
) -> Generator[tuple[int, R | WorkerDied], None, None]:
    """Yield the index of each item and the result of the function, in the order in which they are done.

    With one job everything happens in this process, with its threads. When a process dies, the items that were being
    worked on get `WorkerDied` and the others go on. The processes are interrupted and end when the generator is closed,
    and end with this one, however it ends. Until then an interruption waits for the generator's next turn, see
    `lasting_interruption`.

    Args:
        function: of one item; importable and without side effects on this process. What it raises is raised here.
        items: what is worked on.
        jobs: number of processes, at least 1.
        threads: for the arithmetic of each process, unless the environment variable OMP_NUM_THREADS is set.
    """
    if jobs == 1:
        with lasting_interruption(deferred=False) as interrupt_if_asked:
            for index, item in enumerate(items):
                yield index, function(item)
                interrupt_if_asked()
        return
    waiting = deque(enumerate(items))
    with _threads(threads), lasting_interruption(deferred=True) as interrupt_if_asked:
        while waiting:
            yield from _until_broken(function, waiting, jobs, interrupt_if_asked)


def _until_broken(
    function: Callable[[T], R], waiting: deque[tuple[int, T]], jobs: int, interrupt_if_asked: Interruption
) -> Iterator[tuple[int, R | WorkerDied]]:
    """Work on items until none is left or a process dies."""
    # A forked process would inherit the threads and locks of this one.
    with (
        ProcessPoolExecutor(
            min(jobs, len(waiting)),
            mp_context=get_context("spawn"),
            initializer=_follow_parent,
            initargs=(session_entries(),),
        ) as pool,
        _no_orphans(),
    ):
        running: dict[Future[R], int] = {}
        broken = False
        while running or (waiting and not broken):
            # No more than can run at once, so that it is known what a process that died was working on.
            while waiting and len(running) < jobs and not broken:
                index, item = waiting.popleft()
                try:
                    with _no_terminal():
                        running[pool.submit(partial(_work, function), item)] = index
                except BrokenProcessPool:
                    waiting.appendleft((index, item))
                    broken = True
            interrupt_if_asked()
            for future in wait(running, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED).done:
                index = running.pop(future)
                try:
                    yield index, future.result()
                except BrokenProcessPool:
                    broken = True
                    yield index, WorkerDied("a worker process died (out of memory?)")


def _work(function: Callable[[T], R], item: T) -> R:
    try:
        with interruptible():
            return function(item)
    except KeyboardInterrupt:
        # Were it to wait for work after that, it could wait for ever: another one may have been ended with the lock of
        # the queue.
        os._exit(1)


def _follow_parent(entries: Mapping[tuple[str, str], str]) -> None:
    """Leave signals of the terminal, which all processes get, to the parent, and end when told to or with it.

    What is registered there is registered here too.
    """
    for number in TERMINAL_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TERMINAL_SIGNALS)
    # What the other one ignores at this moment would be ignored here too.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    import_entries(entries)


@contextmanager
def _no_terminal() -> Iterator[None]:
    """Hold back signals of the terminal from processes that are started, until they leave them to this one."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TERMINAL_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Let processes that are started use so many threads."""
    given = os.environ.get(_THREADS)
    if given is None:
        os.environ[_THREADS] = str(number)
    try:
        yield
    finally:
        if given is None:
            os.environ.pop(_THREADS, None)


@contextmanager
def _no_orphans() -> Iterator[None]:
    """End the processes started within the block when it is left by an exception, such as an interruption."""
    before = {process.pid for process in active_children()}
    try:
        yield
    except BaseException:
        started = [process for process in active_children() if process.pid not in before]
        for process in started:
            process.terminate()
        for process in started:
            process.join(_PATIENCE)
            if process.is_alive():
                process.kill()
        raise
