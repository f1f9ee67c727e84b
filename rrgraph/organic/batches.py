"""Work on many products: portions of them flow in, the answer to each flows out, from several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from typing import TypeVar

from rrgraph.errors import DataError
from rrgraph.util.parallel import WorkerDied, parallel_map
from rrgraph.util.progress import progress_bar

__all__ = ["in_portions", "through_portions"]

P = TypeVar("P", bound=Sized)
R = TypeVar("R")
T = TypeVar("T")


def in_portions(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Return items in portions of one size; the last may be smaller."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def through_portions(
    function: Callable[[P], R], portions: Sequence[P], *, jobs: int, title: str
) -> Iterator[tuple[int, R]]:
    """Yield the place of each portion and the answer to it, in the order in which they are done.

    Args:
        function: of one portion; importable.
        portions: each with one entry a product.
        jobs: number of processes.
        title: what is done, for the progress bar.

    Raises:
        DataError: a process died.
    """
    jobs = max(1, min(jobs, len(portions)))
    with progress_bar(title, total=sum(map(len, portions)), unit="product") as bar:
        for place, answer in parallel_map(function, portions, jobs=jobs, threads=1):
            if isinstance(answer, WorkerDied):
                raise DataError(f"{title.capitalize()} failed: {answer}.")
            yield place, answer
            bar.update(len(portions[place]))
