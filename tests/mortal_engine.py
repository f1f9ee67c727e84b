"""An engine whose workers die of what they are told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from rrgraph.util.parallel import WorkerDied


class MortalEngine:
    """An engine in this process, whose workers die of the items that `dies` says."""

    def __init__(self, dies: Callable[[Any], bool]) -> None:
        self.dies, self.started, self.items = dies, 0, []

    @contextmanager
    def workers(self, jobs: int, threads: int) -> Iterator[Callable[[], MortalEngine]]:
        def start() -> MortalEngine:
            self.started += 1
            return self

        yield start

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future[Any]:
        self.items.append(item)
        future: Future[Any] = Future()
        if self.dies(item):
            future.set_exception(WorkerDied("a worker process died (out of memory?)"))
        else:
            future.set_result(function(item))
        return future

    def result(self, future: Future[Any]) -> Any:
        return future.result()

    def close(self) -> None:
        pass
