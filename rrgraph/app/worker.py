"""One thread that does all work with the model, a bounded queue before it, and questions of a kind done together."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

__all__ = ["Busy", "TooSlow", "Worker"]

T = TypeVar("T")

_TOGETHER: Final = 8
"""Jobs of a kind that are done together at most."""


class Busy(RuntimeError):
    """So many requests wait that another one is refused."""


class TooSlow(RuntimeError):
    """A request took longer than it may."""


@dataclass
class _Job:
    kind: Hashable
    items: Sequence[Any]
    work: Callable[[Sequence[Any]], Sequence[Any]]
    done: Future[Any] = field(default_factory=Future)


class Worker:
    """Does jobs one after the other; those that wait and are of one kind are done in one call.

    A model keeps what it computed, and warnings are collected for a whole process, so that only one thread may plan.

    >>> worker = Worker()
    >>> worker.submit("double", [1, 2], lambda numbers: [2 * each for each in numbers]).result()
    [2, 4]
    >>> worker.close()

    Args:
        waiting: jobs that may wait.
        seconds: after which a request is given up.
    """

    def __init__(self, *, waiting: int = 24, seconds: float = 30.0) -> None:
        self.waiting, self.seconds = waiting, seconds
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="rrgraph", daemon=True)
        self._thread.start()

    def submit(
        self,
        kind: Hashable,
        items: Sequence[Any],
        work: Callable[[Sequence[Any]], Sequence[Any]],
        *,
        first: bool = False,
    ) -> Future[Any]:
        """Return the future results of some items.

        Args:
            kind: items of jobs of the same kind may be done in one call.
            items: what is done.
            work: returns a result for each item.
            first: whether it goes before what waits, as what takes no time should.

        Raises:
            Busy: too many jobs wait.
        """
        job = _Job(kind, items, work)
        with self._changed:
            if len(self._jobs) >= self.waiting:
                raise Busy(f"{len(self._jobs)} requests are waiting, the most that may. Try again in a moment.")
            self._jobs.appendleft(job) if first else self._jobs.append(job)
            self._changed.notify()
        return job.done

    async def do(self, work: Callable[[], T], *, first: bool = False) -> T:
        """Return what a function returns, called in the thread of the worker; see `submit`."""
        found: T = (await self.do_all(object(), [None], lambda _: [work()], first=first))[0]
        return found

    async def do_all(
        self,
        kind: Hashable,
        items: Sequence[Any],
        work: Callable[[Sequence[Any]], Sequence[Any]],
        *,
        first: bool = False,
    ) -> list[Any]:
        """Return the results of `submit`.

        Raises:
            Busy: too many jobs wait.
            TooSlow: it took longer than it may; a job that waits is then dropped.
        """
        future = self.submit(kind, items, work, first=first)
        try:
            return list(await asyncio.wait_for(asyncio.wrap_future(future), self.seconds))
        except TimeoutError:
            raise TooSlow(
                f"The answer takes longer than {self.seconds:g} s. Ask for fewer targets, or try again in a moment."
            ) from None

    def close(self) -> None:
        """End the thread once its job is done."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while (jobs := self._next()) is not None:
            running = [job for job in jobs if job.done.set_running_or_notify_cancel()]
            if not _done_together(running):
                for job in running:
                    _done_together([job], alone=True)

    def _next(self) -> list[_Job] | None:
        with self._changed:
            while not self._jobs and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            job = self._jobs.popleft()
            alike = [other for other in self._jobs if other.kind == job.kind][: _TOGETHER - 1]
            for other in alike:
                self._jobs.remove(other)
            return [job, *alike]


def _done_together(jobs: Sequence[_Job], *, alone: bool = False) -> bool:
    """Do jobs in one call; return whether each has its result, which an error of one of several leaves open."""
    if not jobs:
        return True
    try:
        results = list(jobs[0].work([item for job in jobs for item in job.items]))
    except BaseException as error:  # whatever it is, it goes to who asked
        if len(jobs) > 1 and not alone:
            return False
        with suppress(Exception):
            jobs[0].done.set_exception(error)
        return True
    for job in jobs:
        with suppress(Exception):  # given up in the meantime
            job.done.set_result(results[: len(job.items)])
        del results[: len(job.items)]
    return True
