"""Splits work on many products into batches and runs them in several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from typing import TypeVar

from rrgraph.errors import DataError
from rrgraph.util.parallel import WorkerDied, parallel_map
from rrgraph.util.progress import progress_bar

__all__ = ["map_batches", "split_batches"]

P = TypeVar("P", bound=Sized)
R = TypeVar("R")
T = TypeVar("T")


def split_batches(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return items in batches of equal size; the last may be smaller."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def map_batches(function: Callable[[P], R], batches: Sequence[P], *, jobs: int, title: str) -> Iterator[tuple[int, R]]:
    """Yield the index and the result of each batch, in the order in which they finish.

    Args:
        function: of one batch; importable.
        batches: each with one entry per product.
        jobs: number of processes.
        title: of the progress bar.

    Raises:
        DataError: a process died.
    """
    jobs = max(1, min(jobs, len(batches)))
    with progress_bar(title, total=sum(map(len, batches)), unit="product") as bar:
        for index, result in parallel_map(function, batches, jobs=jobs, threads=1):
            if isinstance(result, WorkerDied):
                raise DataError(f"{title.capitalize()} failed: {result}.")
            yield index, result
            bar.update(len(batches[index]))
