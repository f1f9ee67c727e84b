"""What the search for sets costs (Retro-Rank-In table 11): numbers of sets, and times with and without the search."""

from __future__ import annotations

import csv
import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from rrgraph.evaluation import PROTOCOLS
from rrgraph.experiments.config import SearchConfig
from rrgraph.experiments.grid import Run
from rrgraph.planning import CandidateFilter, LinkScorer, SetProblem, enumerate_sets, search_sets, set_problem
from rrgraph.runs import BaselineConfig, RunConfig, RunData, candidate_pool, materials_workflow, prepare_data
from rrgraph.util.files import write_text
from rrgraph.util.progress import track
from rrgraph.util.sheets import csv_text, restored_row

__all__ = ["SearchCost", "measure_search", "search_table", "timed"]

_FILE: Final = "search.csv"
_SMALLEST: Final = 1e-15
_REPEATS: Final = 3
"""The best of several times counts, since other work disturbs them."""

P = TypeVar("P")


@dataclass(frozen=True)
class SearchCost:
    """What it costs to find the ten best sets of the recorded size with some number of candidates.

    Attributes:
        system: name of the system whose links are searched.
        split: the split.
        candidates: most probable candidates that sets are made of, 0 for all.
        targets: rows that were timed.
        sets: sets of the recorded size over all of them.
        search_seconds: time of the search for all of them.
        most_sets: largest number of sets of a row that was enumerated.
        enumerated: rows that were.
        enumeration_seconds: time of the enumeration for those.
        search_seconds_enumerated: time of the search for those.
    """

    system: str
    split: str
    candidates: int
    targets: int
    sets: int
    search_seconds: float
    most_sets: int
    enumerated: int
    enumeration_seconds: float
    search_seconds_enumerated: float


def measure_search(folder: Path, runs: Sequence[Run], config: SearchConfig) -> list[SearchCost]:
    """Measure the links of each run under the rules of protocol `paper`, but for the number of candidates.

    What an earlier call measured with the same settings is read from the folder; systems that propose whole sets have
    nothing to search.
    """
    known = {(cost.system, cost.split, cost.candidates): cost for cost in _read(folder / _FILE)}
    costs: list[SearchCost] = []
    for run in runs:
        found = [known.get((run.system, run.split, number)) for number in config.candidates]
        if all(_is_as_asked(cost, config) for cost in found):
            costs += [cost for cost in found if cost is not None]
        else:
            costs += _measure(run, config)
        _write(folder / _FILE, costs)
    return costs


def search_table(costs: Sequence[SearchCost]) -> str:
    """Return the costs as a Markdown section; times are in milliseconds a row."""
    if not costs:
        return ""
    header = ["system", "split", "candidates", "rows", "sets in all", "search", "rows enumerated", "enumeration"]
    header += ["search of the same rows", "ratio"]
    lines = [header, ["---"] * len(header)]
    for cost in costs:
        lines.append(
            [
                cost.system,
                cost.split,
                str(cost.candidates or "all"),
                str(cost.targets),
                f"{cost.sets:,}",
                _milliseconds(cost.search_seconds, cost.targets),
                str(cost.enumerated),
                _milliseconds(cost.enumeration_seconds, cost.enumerated),
                _milliseconds(cost.search_seconds_enumerated, cost.enumerated),
                f"{cost.enumeration_seconds / cost.search_seconds_enumerated:.1f}" if cost.enumerated else "-",
            ]
        )
    about = (
        "Ten best sets of the recorded size under the rules of protocol paper, milliseconds a row on one core. Rows "
        f"with more than {max(cost.most_sets for cost in costs):,} sets are searched but not enumerated."
    )
    return "\n".join(["## Cost of the search\n", f"{about}\n", *(f"| {' | '.join(line)} |" for line in lines), ""])


def timed(
    run: Callable[[P], list[float]], problems: Sequence[P], *, repeats: int = 1
) -> tuple[NDArray[np.float64], list[list[float]]]:
    """Return the seconds (problems,) that each problem takes, the best of the repeats, and the scores found."""
    gc.collect()
    gc.freeze()  # the tables in memory are not part of what is measured
    seconds = np.full(len(problems), np.inf)
    found: list[list[float]] = []
    for _ in range(repeats):
        found = []
        for index, problem in enumerate(problems):
            started = time.perf_counter()
            found.append(run(problem))
            seconds[index] = min(seconds[index], time.perf_counter() - started)
    gc.unfreeze()
    return seconds, found


def _measure(run: Run, config: SearchConfig) -> list[SearchCost]:
    assert isinstance(run.config, RunConfig | BaselineConfig)
    if not materials_workflow(run.config).scores_links(run.config):
        return []
    data = prepare_data(run.config.data, seed=run.seed)
    scorer = _scorer(run.config, data)
    table = data.split.rows(run.subset)
    assert table is not None
    chosen = np.random.default_rng(0).permutation(len(table))[: config.targets]
    rows = table.select(np.sort(chosen))
    pool = CandidateFilter(candidate_pool(data.known, table), PROTOCOLS["paper"].constraints())
    probabilities = (1 / (1 + np.exp(-scorer.logits(rows.targets, pool.candidates)))).clip(_SMALLEST, 1 - _SMALLEST)
    costs = []
    for number in track(config.candidates, f"search, {run.system}"):
        problems = [
            set_problem(pool, target, len(recorded), chances, most=number or None)
            for target, recorded, chances in zip(rows.targets, rows.precursor_sets, probabilities, strict=True)
        ]
        costs.append(_cost(run, number, problems, config.most_sets))
    return costs


def _scorer(config: RunConfig | BaselineConfig, data: RunData) -> LinkScorer:
    """Return what scores links: the model of a run, or the baseline fitted again."""
    return cast(LinkScorer, materials_workflow(config).ranker(config, data)[0])


def _cost(run: Run, number: int, problems: Sequence[SetProblem], most_sets: int) -> SearchCost:
    searched, _ = timed(search_sets, problems, repeats=_REPEATS)
    few = [index for index, problem in enumerate(problems) if problem.sets <= most_sets]
    enumerated, _ = timed(enumerate_sets, [problems[index] for index in few], repeats=_REPEATS)
    return SearchCost(
        system=run.system,
        split=run.split,
        candidates=number,
        targets=len(problems),
        sets=sum(problem.sets for problem in problems),
        search_seconds=float(searched.sum()),
        most_sets=most_sets,
        enumerated=len(few),
        enumeration_seconds=float(enumerated.sum()),
        search_seconds_enumerated=float(searched[few].sum()),
    )


def _is_as_asked(cost: SearchCost | None, config: SearchConfig) -> bool:
    return cost is not None and cost.targets <= config.targets and cost.most_sets == config.most_sets


def _milliseconds(seconds: float, rows: int) -> str:
    return f"{1e3 * seconds / rows:.2f}" if rows else "-"


def _read(path: Path) -> list[SearchCost]:
    if not path.is_file():
        return []
    types = {"str": str, "int": int, "float": float}
    with path.open(encoding="utf-8", newline="") as handle:
        return [
            SearchCost(**{column.name: types[str(column.type)](row[column.name]) for column in fields(SearchCost)})
            for row in map(restored_row, csv.DictReader(handle))
        ]


def _write(path: Path, costs: Sequence[SearchCost]) -> None:
    write_text(path, csv_text(map(asdict, costs), [column.name for column in fields(SearchCost)]))
