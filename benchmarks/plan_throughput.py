"""Planning throughput: targets a second from a CSV of formulas to a JSONL of ranked precursor sets.

The model is loaded once, before the clock starts; the clock covers reading the CSV, encoding, link scores, set
search, swaps of single precursors and writing the JSONL. Run from the project's root:

    RRGRAPH_DATA=... python benchmarks/plan_throughput.py

Targets are drawn from the text-mined table when RRGRAPH_DATA holds it, otherwise from the embedded textbook.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import rrgraph as rr

BATCH_SIZE = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="bundled model or run folder")
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--equations", action="store_true", help="also balance every set")
    parser.add_argument("--evidence", action="store_true", help="also look up literature precedents")
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
            started = time.perf_counter()
            targets = pd.read_csv(source)["target"].tolist()
            with output.open("w", encoding="utf-8") as lines:
                for start in range(0, count, BATCH_SIZE):
                    for plan in model.plan(targets[start : start + BATCH_SIZE], literature=literature):
                        line = plan.to_dict(equations=arguments.equations)
                        print(json.dumps(line, ensure_ascii=False), file=lines)
            seconds.append(time.perf_counter() - started)
        written = len(output.read_text().splitlines())
    assert written == count, f"{written} lines for {count} targets"
    warm = seconds[1:]
    print(f"{count} targets from {name}, K = 10, sizes 1-6, {len(model.vocabulary)} candidates, seed {arguments.seed}")
    print(f"{os.cpu_count()} processors, {arguments.threads} threads, torch {torch.__version__}")
    print(f"first run (nothing cached) {count / seconds[0]:.0f} targets/s")
    print(
        f"{len(warm)} further runs: median {count / statistics.median(warm):.0f}, "
        f"slowest {count / max(warm):.0f}, fastest {count / min(warm):.0f} targets/s"
    )


def _targets() -> tuple[rr.ReactionTable, str]:
    if os.environ.get("RRGRAPH_DATA"):
        try:
            return rr.load_reactions("text_mined"), "text_mined"
        except rr.errors.DataError:
            pass
    return rr.load_reactions("textbook"), "textbook"


if __name__ == "__main__":
    main()
