"""Time the exact set search against enumerating all subsets, on real targets with popularity scores.

Run ``RRGRAPH_DATA=... python benchmarks/set_search.py [--targets 500] [--seed 0]``. Both sides get the same
probabilities and masks and must find the same scores. Targets are the validation rows of novel material systems;
scores are popularities counted in text-mined reactions up to 2014.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from itertools import combinations
from math import log, prod
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import rrgraph as rr

TOP_K = 10
CANDIDATES = 30
REPEATS = 3

PAPER = rr.Constraints(cover="strict", foreign=True)
OPEN = rr.Constraints()
OPEN_FOREIGN = rr.Constraints(foreign=True)


@dataclass(frozen=True)
class ByElements:
    """A problem as sets of element symbols in place of bit masks."""

    probabilities: tuple[float, ...]
    elements: list[frozenset[str]]
    target: frozenset[str]
    size: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", rr.chem.FormulaWarning)
    console = Console(width=130)
    try:
        table, candidates, probabilities = _load(arguments.targets, arguments.seed)
    except rr.errors.DataError as error:
        console.print(f"Skipped: this benchmark needs the third-party tables that RRGRAPH_DATA points to. {error}")
        return
    console.print(
        f"{len(table)} targets, {len(candidates)} candidates, K = {TOP_K}, seed {arguments.seed}, best of {REPEATS} "
        f"runs each, one core; {_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    _against_enumeration(console, table, rr.planning.CandidateFilter(candidates, PAPER), probabilities)
    _whole_pool(console, table, candidates, probabilities)


def _load(count: int, seed: int) -> tuple[rr.ReactionTable, list[rr.Composition], np.ndarray]:
    """The sampled validation rows, the pool, and the link probabilities (targets, candidates)."""
    text_mined = rr.load_reactions("text_mined")
    scorer = rr.baselines.BASELINES["popularity"]().fit(text_mined.select(text_mined.years <= 2014))
    rows = rr.load_reactions("nms_validation")
    rows = rows.select(sorted(random.Random(seed).sample(range(len(rows)), min(count, len(rows)))))
    candidates = rr.planning.read_candidates(rr.data.data_path("precursor_pool"))
    return rows, candidates, 1 / (1 + np.exp(-scorer.logits(rows.targets, candidates)))


def _problems(
    table: rr.ReactionTable, pool: rr.planning.CandidateFilter, probabilities: np.ndarray, *, most: int | None = None
) -> list[rr.planning.SetProblem]:
    """One problem a row, of its feasible candidates or the `most` probable of them."""
    return [
        rr.planning.set_problem(pool, target, len(recorded), row, most=most)
        for target, recorded, row in zip(table.targets, table.precursor_sets, probabilities, strict=True)
    ]


def _against_enumeration(
    console: Console, table: rr.ReactionTable, pool: rr.planning.CandidateFilter, probabilities: np.ndarray
) -> None:
    """Recorded sizes, strict cover, 30 candidates: the search, and enumeration in two ways."""
    problems = _problems(table, pool, probabilities, most=CANDIDATES)
    elements = [
        ByElements(
            problem.probabilities,
            [pool.candidates[index].elements for index in problem.indices],
            target.elements,
            problem.size,
        )
        for problem, target in zip(problems, table.targets, strict=True)
    ]
    search, found = rr.experiments.timed(rr.planning.search_sets, problems, repeats=REPEATS)
    bits, by_bits = rr.experiments.timed(rr.planning.enumerate_sets, problems, repeats=REPEATS)
    sets, by_sets = rr.experiments.timed(_enumerate_element_sets, elements)
    for exact, first, second in zip(found, by_bits, by_sets, strict=True):
        _check_equal(exact, first)
        _check_equal(exact, second)
    title = f"{CANDIDATES} candidates, recorded size, strict cover (the top-{TOP_K} scores of all three agree)"
    view = _table(title, "ratio of totals", "median ratio")
    _row(view, "search", search)
    _row(view, "itertools, bit masks", bits, *_ratios(bits, search))
    _row(view, "itertools, element sets", sets, *_ratios(sets, search))
    console.print(view)
    for size in sorted({problem.size for problem in problems}):
        chosen = [index for index, problem in enumerate(problems) if problem.size == size]
        ratio = bits[chosen].sum() / search[chosen].sum()
        console.print(f"  sets of {size}: {len(chosen)} targets, {ratio:.1f} times the speed of bit masks")


def _whole_pool(
    console: Console, table: rr.ReactionTable, candidates: Sequence[rr.Composition], probabilities: np.ndarray
) -> None:
    """Sizes 1 to 6 compete over the whole pool."""
    view = _table("whole pool, sizes 1-6", "candidates a target")
    for name, constraints in (
        ("no foreign elements", OPEN),
        ("all candidates take part", OPEN_FOREIGN),
        ("all, strict cover", PAPER),
    ):
        problems = _problems(table, rr.planning.CandidateFilter(candidates, constraints), probabilities)
        number = f"{np.median([len(problem.masks) for problem in problems]):.0f}"
        for aggregate in rr.planning.AGGREGATES:
            times, _ = rr.experiments.timed(
                partial(rr.planning.search_sets, aggregate=aggregate, sizes=range(1, 7)), problems, repeats=REPEATS
            )
            _row(view, f"{name}, {aggregate}", times, number)
    console.print(view)


def _enumerate_element_sets(problem: ByElements) -> list[float]:
    """Every subset of the recorded size, cover checked with sets of element symbols."""
    elements, probabilities = problem.elements, problem.probabilities

    def valid() -> Iterator[tuple[float, tuple[int, ...]]]:
        for members in combinations(range(len(elements)), problem.size):
            if problem.target <= frozenset().union(*[elements[member] for member in members]):
                yield prod([probabilities[member] for member in members]), members

    return [log(score) for score, _ in nlargest(TOP_K, valid())]


def _check_equal(found: Sequence[float], expected: Sequence[float]) -> None:
    if len(found) != len(expected) or not np.allclose(found, expected, rtol=0, atol=1e-9):
        raise SystemExit(f"The search found the scores {found}, enumeration found {expected}.")


def _ratios(slow: np.ndarray, fast: np.ndarray) -> tuple[str, str]:
    return f"{slow.sum() / fast.sum():.1f}", f"{np.median(slow / fast):.1f}"


def _table(title: str, *columns: str) -> Table:
    view = Table(title=title, title_justify="left", box=None, pad_edge=False)
    view.add_column("method")
    for name in ("median ms", "90 % ms", "max ms", "total s", *columns):
        view.add_column(name, justify="right")
    return view


def _row(view: Table, name: str, seconds: np.ndarray, *cells: Any) -> None:
    spread = [f"{1e3 * value:.3f}" for value in (np.median(seconds), np.quantile(seconds, 0.9), seconds.max())]
    view.add_row(name, *spread, f"{seconds.sum():.3f}", *cells)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
