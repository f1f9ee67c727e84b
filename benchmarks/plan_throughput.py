"""Planning throughput: targets a second from a CSV of formulas to a JSONL of ranked precursor sets.

The model is loaded once, before the clock starts; the clock covers reading the CSV, encoding, link scores, set
search, swaps of single precursors and writing the JSONL. Run from the project's root:

    RRGRAPH_DATA=... python benchmarks/plan_throughput.py

Targets are drawn from the text-mined table when RRGRAPH_DATA holds it, otherwise from the embedded textbook.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from rrgraph.cli.common.targets import read_targets
from rrgraph.cli.plan.evidence import Evidence
from rrgraph.cli.plan.output import Detail, describe_plan, open_plans
from rrgraph.data import ReactionTable, load_known_reactions, load_table
from rrgraph.errors import DataError
from rrgraph.models import load_model
from rrgraph.planning import link_planner, plan_with_swaps
from rrgraph.util.environment import describe_environment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="bundled model or run folder")
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--equations", action="store_true", help="also balance every set")
    parser.add_argument("--evidence", action="store_true", help="also look up the nearest known reactions")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    table, name = _targets()
    distinct = np.array(sorted({target.formula for target in table.targets}))
    count = min(arguments.targets, len(distinct))
    drawn = np.random.default_rng(arguments.seed).choice(distinct, size=count, replace=False)
    predictor = load_model(arguments.model)
    planner = link_planner(predictor, predictor.vocabulary, mode=predictor.checkpoint.metadata["score_mode"])
    evidence = Evidence(load_known_reactions(name)) if arguments.evidence else None
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "targets.csv", Path(folder) / "plans.jsonl"
        pd.DataFrame({"target": drawn}).to_csv(source, index=False)
        for _ in range(arguments.runs + 1):
            started = time.perf_counter()
            with open_plans(str(output), as_json=False, evidence=evidence is not None) as writer:
                for chunk in read_targets([], str(source), None):
                    answers = plan_with_swaps(planner, [row.target for row in chunk if row.target is not None])
                    records = [
                        describe_plan(row, answer, predictor, Detail(equations=arguments.equations))
                        for row, answer in zip(chunk, answers, strict=True)
                    ]
                    for record in records if evidence is None else evidence.add(chunk, records):
                        writer.write(record)
            seconds.append(time.perf_counter() - started)
        lines = len(output.read_text().splitlines())
    assert lines == count, f"{lines} lines for {count} targets"
    warm = seconds[1:]
    described = describe_environment()
    print(
        f"{count} targets from {name}, K = 10, sizes 1-6, {len(predictor.vocabulary)} candidates, seed {arguments.seed}"
    )
    print(f"{described['processors']} processors, {arguments.threads} threads, torch {described['torch']}")
    print(f"first run (nothing cached) {count / seconds[0]:.0f} targets/s")
    print(
        f"{len(warm)} further runs: median {count / statistics.median(warm):.0f}, "
        f"slowest {count / max(warm):.0f}, fastest {count / min(warm):.0f} targets/s"
    )


def _targets() -> tuple[ReactionTable, str]:
    if os.environ.get("RRGRAPH_DATA"):
        try:
            return load_table("text_mined"), "text_mined"
        except DataError:
            pass
    return load_table("textbook"), "textbook"


if __name__ == "__main__":
    main()
