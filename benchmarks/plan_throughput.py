"""Planning throughput: targets a second from a CSV of formulas to a JSONL of ranked precursor sets.

The model is loaded once, before the clock starts; the clock covers reading the CSV, encoding, link scores, set
search, re-ranking, swaps of single precursors, balance and writing the JSONL. Run from the project's root:

    RRGRAPH_DATA=... python benchmarks/plan_throughput.py [--plain 20] [--curves]

Targets are drawn from the text-mined table when RRGRAPH_DATA holds it, otherwise from the embedded textbook. With
`--plain` so many targets are also done the plain way, one by one: the links of each, then all sets of the recorded
size out of its 30 most probable candidates. With `--curves` it measures what a target costs by the number of targets,
of candidates (random ternary and quaternary oxides beside the usual ones) and of elements. Times are of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import rrgraph as rr

BATCH_SIZE = 256
PLAIN = 30
"""Candidates of each target of which the plain way tries all sets."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="bundled model or run folder")
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--equations", action="store_true", help="also balance every set")
    parser.add_argument("--evidence", action="store_true", help="also look up literature precedents")
    parser.add_argument("--unbalanced", action="store_true", help="do not ask whether sets balance")
    parser.add_argument("--plain", type=int, default=0, help="number of targets that are also done the plain way")
    parser.add_argument("--curves", action="store_true", help="also measure what a target costs by three sizes")
    parser.add_argument("--most-candidates", type=int, default=100_000, help="end of the curve over candidates")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    table, name = _targets()
    distinct = np.array(sorted({target.formula for target in table.targets}))
    count = min(arguments.targets, len(distinct))
    drawn = np.random.default_rng(arguments.seed).choice(distinct, size=count, replace=False)
    model = rr.load_model(arguments.model)
    literature = rr.data.load_known_reactions(name) if arguments.evidence else False
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "targets.csv", Path(folder) / "plans.jsonl"
        pd.DataFrame({"target": drawn}).to_csv(source, index=False)
        for _ in range(arguments.runs + 1):
            started = time.process_time()
            targets = pd.read_csv(source)["target"].tolist()
            with output.open("w", encoding="utf-8") as lines:
                for start in range(0, count, BATCH_SIZE):
                    for plan in model.plan(
                        targets[start : start + BATCH_SIZE], literature=literature, balanced=not arguments.unbalanced
                    ):
                        line = plan.to_dict(equations=arguments.equations)
                        print(json.dumps(line, ensure_ascii=False), file=lines)
            seconds.append(time.process_time() - started)
        written = len(output.read_text().splitlines())
    assert written == count, f"{written} lines for {count} targets"
    warm = seconds[1:]
    print(f"{count} targets from {name}, K = 10, sizes 1-6, {len(model.vocabulary)} candidates, seed {arguments.seed}")
    print(f"{os.cpu_count()} processors, {arguments.threads} threads, torch {torch.__version__}")
    print(f"first run (nothing cached) {count / seconds[0]:.0f} targets/s")
    print(
        f"{len(warm)} further runs: median {count / statistics.median(warm):.0f}, "
        f"slowest {count / max(warm):.0f}, fastest {count / min(warm):.0f} targets/s of processor time"
    )
    if arguments.plain:
        against_plain(model, table, drawn[: arguments.plain].tolist())
    if arguments.curves:
        shuffled = np.random.default_rng(arguments.seed).permutation(distinct).tolist()
        curves(model, shuffled, most_candidates=arguments.most_candidates, seed=arguments.seed)


def against_plain(model: rr.Model, table: rr.ReactionTable, formulas: Sequence[str]) -> None:
    """Print the times of planning some targets at once and of doing them one by one by enumeration, and the ratio."""
    recorded = {target.formula: len(each) for target, each in zip(table.targets, table.precursor_sets, strict=True)}
    pool = rr.planning.CandidateFilter(model.vocabulary, rr.Constraints())

    def plain(formula: str) -> int:
        target = rr.parse_formula(formula)
        problem = rr.planning.set_problem(
            pool, target, recorded[formula], 1 / (1 + np.exp(-model.logits([target], pool.candidates)[0])), most=PLAIN
        )
        rr.planning.enumerate_sets(problem)
        return problem.sets

    model.plan(table.targets[:200], literature=False)  # so that the usual candidates are encoded
    started = time.process_time()
    model.plan(formulas, literature=False)
    planned = time.process_time()
    sets = sum(map(plain, formulas))
    fast, slow = (
        (end - begin) / len(formulas) * 1e3 for begin, end in ((started, planned), (planned, time.process_time()))
    )
    print(
        f"{len(formulas)} targets: {fast:.1f} ms each with all sizes and candidates, re-ranked and balanced; the plain "
        f"way {slow:.1f} ms each ({sets:,} sets of the recorded size of {PLAIN} candidates), {slow / fast:.1f} times"
    )


def curves(model: rr.Model, formulas: Sequence[str], *, most_candidates: int, seed: int) -> None:
    """Print what a target costs in ms by the number of targets, of candidates and of elements."""
    plan = partial(model.plan, literature=False)
    warm, rest = formulas[-100:], formulas[:-100]  # so that the usual candidates are encoded
    for number in (10, 100, 1000, 10_000, 100_000):
        if number <= len(rest):
            _cost(f"{number:7,} targets", plan, warm, rest[:number])
        else:
            print(f"{number:7,} targets: the table has {len(rest):,}; benchmarks/screening_workers.py screens more")
    random, usual = np.random.default_rng(seed), list(model.vocabulary)
    metals = sorted(set().union(*(each.elements for each in usual)) - set("CHNO"))
    number = 1000
    while number <= most_candidates:
        made = (random.choice(metals, 2 + place % 2, replace=False) for place in range(number - len(usual)))
        invented = [rr.parse_formula("".join(f"{m}{1 + k}" for k, m in enumerate(each)) + "O4") for each in made]
        planner = rr.models.constrained_planner(model, rr.Constraints(balanced=True), candidates=[*usual, *invented])
        _cost(
            f"{number:7,} candidates",
            lambda of, planner=planner: planner.plan(list(map(rr.parse_formula, of))),
            warm,
            rest[:100],
        )
        number *= 10
    by_size: dict[int, list[str]] = {}
    for formula in rest:
        by_size.setdefault(len(rr.parse_formula(formula).elements), []).append(formula)
    for size in range(2, 13):
        mixed = ("".join(random.choice(metals, size - 1, replace=False)) + "O8" for _ in range(20))
        given = by_size.get(size) or list(mixed)  # so many elements are in no table
        _cost(f"{size:7,} elements", plan, warm, given[:50])


def _cost(name: str, run: Callable[[Sequence[str]], object], warm: Sequence[str], formulas: Sequence[str]) -> None:
    """Print the time of a run for each target, after one over others."""
    run(warm)
    started = time.process_time()
    run(formulas)
    print(f"{name}: {1e3 * (time.process_time() - started) / len(formulas):.2f} ms a target")


def _targets() -> tuple[rr.ReactionTable, str]:
    if os.environ.get("RRGRAPH_DATA"):
        try:
            return rr.load_reactions("text_mined"), "text_mined"
        except rr.errors.DataError:
            pass
    return rr.load_reactions("textbook"), "textbook"


if __name__ == "__main__":
    main()
