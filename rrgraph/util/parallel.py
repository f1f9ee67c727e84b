"""Work spread over processes; the result of each item is yielded as soon as it is there."""

from __future__ import annotations

import linecache
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from rrgraph.util.interruption import TERMINAL_SIGNALS, Interruption, interruptible, lasting_interruption
from rrgraph.util.registry import import_entries, session_entries

__all__ = ["Engine", "LocalEngine", "Worker", "WorkerDied", "parallel_map"]

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
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    jobs: int,
    threads: int,
    again: Callable[[T], Iterable[T]] | None = None,
    retire: Callable[[R], bool] = lambda result: False,
    engine: Engine | None = None,
) -> Generator[tuple[int, R | WorkerDied], None, None]:
    """Yield the index of each item and the result of the function, in the order in which they are done.

    With one job and no engine everything happens in this process, with its threads. When a process dies, the item that
    it was working on gets `WorkerDied`, and another process takes its place. The processes are interrupted and end when
    the generator is closed, and end with this one, however it ends. Until then an interruption waits for the
    generator's next turn, see `lasting_interruption`.

    Args:
        function: of one item; importable and without side effects on this process. What it raises is raised here.
        items: what is worked on; each is taken when a process is free for it.
        jobs: number of processes, at least 1.
        threads: for the arithmetic of each process, unless the environment variable OMP_NUM_THREADS is set.
        again: returns what is to be done in place of an item whose process died, under its index, before other items;
            where that is nothing, the item gets `WorkerDied`.
        retire: returns whether the process that gave a result is replaced, for example because it has grown.
        engine: starts the processes; by default `LocalEngine`.
    """
    if jobs == 1 and engine is None:
        with lasting_interruption(deferred=False) as interrupt_if_asked:
            for index, item in enumerate(items):
                yield index, function(item)
                interrupt_if_asked()
        return
    with (
        lasting_interruption(deferred=True) as interrupt_if_asked,
        (engine or LocalEngine()).workers(jobs, threads) as start,
    ):
        yield from _spread(function, enumerate(items), jobs, start, again, retire, interrupt_if_asked)


def _spread(
    function: Callable[[T], R],
    items: Iterator[tuple[int, T]],
    jobs: int,
    start: Callable[[], Worker],
    again: Callable[[T], Iterable[T]] | None,
    retire: Callable[[R], bool],
    interrupt_if_asked: Interruption,
) -> Iterator[tuple[int, R | WorkerDied]]:
    """Work on items, each with a process of its own, until none is left."""
    first: deque[tuple[int, T]] = deque()
    idle: list[Worker] = []
    running: dict[Future[Any], tuple[int, T, Worker]] = {}
    while True:
        # One item a process, so that it is known what a process that died was working on.
        while len(running) < jobs and (task := first.popleft() if first else next(items, None)) is not None:
            worker = idle.pop() if idle else start()
            try:
                running[worker.submit(function, task[1])] = (*task, worker)
            except WorkerDied:  # while it was idle
                first.appendleft(task)
                worker.close()
        if len(running) < jobs:  # nothing is left for them, and others may wait for their place, as on a small cluster
            while idle:
                idle.pop().close()
        if not running:
            return
        interrupt_if_asked()
        for future in wait(running, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED).done:
            index, item, worker = running.pop(future)
            try:
                result = worker.result(future)
            except WorkerDied as died:
                worker.close()
                instead = [(index, each) for each in again(item)] if again else []
                first.extend(instead)
                if not instead:
                    yield index, died
            else:
                if retire(result):
                    worker.close()
                else:
                    idle.append(worker)
                yield index, result


class Worker(Protocol):
    """A process that works on one item at a time."""

    def submit(self, function: Callable[[T], R], item: T) -> Future[Any]:
        """Let it work; raise `WorkerDied` if it is dead."""
        ...

    def result(self, future: Future[Any]) -> Any:
        """Return what came of it, or raise what the function raised, or `WorkerDied`."""
        ...

    def close(self) -> None:
        """Let go of a process that is idle or dead."""
        ...


class Engine(Protocol):
    """Where processes come from."""

    def workers(self, jobs: int, threads: int) -> AbstractContextManager[Callable[[], Worker]]:
        """Return a context with a function that starts a process, of which so many work at a time with so many threads.

        The processes end with the context.
        """
        ...


class LocalEngine:
    """Processes of this computer."""

    @contextmanager
    def workers(self, jobs: int, threads: int) -> Iterator[Callable[[], Worker]]:
        """See `Engine`."""
        with ExitStack() as pools, _threads(threads), _no_orphans():

            def start() -> Worker:
                worker = _LocalWorker()
                pools.callback(worker.close)
                return worker

            yield start


class _LocalWorker:
    """A pool of one process: were there more, all would end when one dies."""

    def __init__(self) -> None:
        # A forked process would inherit the threads and locks of this one.
        self.pool = ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=_follow_parent, initargs=(session_entries(),)
        )

    def submit(self, function: Callable[[T], R], item: T) -> Future[Any]:
        with _told(), _no_terminal():
            return self.pool.submit(partial(_work, function), item)

    def result(self, future: Future[Any]) -> Any:
        with _told():
            return future.result()

    def close(self) -> None:
        self.pool.shutdown()


@contextmanager
def _told() -> Iterator[None]:
    """Tell of a broken pool as of a dead process."""
    try:
        yield
    except BrokenProcessPool:
        raise WorkerDied(f"a worker process died ({_likely_reason()})") from None


def _likely_reason() -> str:
    """Return why a process probably died: each imports the script, and must not begin there what the script does."""
    script = getattr(sys.modules["__main__"], "__file__", None) or ""
    lines = linecache.getlines(script)
    if lines and not any("__main__" in line for line in lines):
        return f"'{Path(script).name}' has to do this below 'if __name__ == \"__main__\":', as each process imports it"
    return "out of memory?"


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
