"""Find precursors among a million made-up compounds: nearest-neighbour search against the exact product of vectors.

Run ``RRGRAPH_DATA=... python benchmarks/candidate_search.py [--candidates 1000000] [--targets 500] [--seed 0]``. Needs
the extra ``retrieval``. The baseline `dual_encoder` learns from the text-mined reactions up to 2014; candidates are
plausible compounds of element triples drawn at random beside the known precursors, and, when these are used up, two
of them in one formula; targets are the validation rows of novel material systems. Both searches look for the 100
nearest candidates whatever their elements.
"""

from __future__ import annotations

import argparse
import platform
import random
import time
from collections.abc import Callable, Sequence
from itertools import combinations, product

import torch
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

import rrgraph as rr

NEAREST = 100
AT_ONCE = 20_000
DOUBLES = 12


def made_up(known: Sequence[rr.Composition], number: int, seed: int) -> list[rr.Composition]:
    """Return so many compositions, the known ones first."""
    draw = random.Random(seed)
    elements = sorted({symbol for each in known for symbol in each.elements} - {"C", "H", "O", "N"})
    triples = list(combinations(elements, 3))
    draw.shuffle(triples)

    def doubles(compounds: Sequence[rr.Composition]) -> list[rr.Composition]:
        pairs = (draw.sample(compounds, 2) for _ in range(DOUBLES))
        return [rr.parse_formula(f"({first.key})({second.key})") for first, second in pairs]

    found = {each.key: each for each in known}
    with tqdm(desc="making up compounds", total=number, unit="compound") as bar:
        ways: tuple[Callable[[Sequence[rr.Composition]], Sequence[rr.Composition]], ...] = (list, doubles)
        for chosen, triple in product(ways, triples):
            before = len(found)
            if before >= number:
                break
            for each in chosen(rr.chem.plausible_precursors(rr.parse_formula("".join((*triple, "O"))))):
                found.setdefault(each.key, each)
            bar.update(min(len(found), number) - before)
    return list(found.values())[:number]


def vectors(baseline: rr.baselines.DualEncoderBaseline, candidates: Sequence[rr.Composition]) -> torch.Tensor:
    """Return the directions of candidates, (n, width)."""
    parts = []
    with tqdm(desc="embedding", total=len(candidates), unit="compound") as bar:
        for start in range(0, len(candidates), AT_ONCE):
            part = candidates[start : start + AT_ONCE]
            parts.append(baseline.embed_precursors(part))
            bar.update(len(part))
    return torch.cat(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=1_000_000)
    parser.add_argument("--targets", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    data = rr.runs.prepare_data(
        rr.runs.DataConfig(table="text_mined", clean=True, split="nms", holdout="nms_validation"), seed=0
    )
    rows = rr.load_reactions("nms_validation")
    targets = list({target.key: target for target in rows.targets}.values())[: arguments.targets]
    baseline = rr.baselines.DualEncoderBaseline(seed=arguments.seed).fit(data.split.train, data.split)
    candidates = made_up(rr.runs.candidate_pool(data.known, rows), arguments.candidates, arguments.seed)
    bank = vectors(baseline, candidates)
    queries = baseline.embed_targets(targets)
    started = time.perf_counter()
    searched = rr.nn.RetrievalIndex(bank, exact_limit=0)
    build = time.perf_counter() - started
    exact = rr.nn.RetrievalIndex(bank, exact_limit=len(bank))
    seconds, found = {}, {}
    for name, each in (("exact product", exact), ("neighbour graph", searched)):
        each.search(queries[:1], NEAREST)
        started = time.perf_counter()
        found[name] = each.search(queries, NEAREST)[1]
        seconds[name] = time.perf_counter() - started
    truth = found["exact product"]
    table = Table(
        title=f"{len(bank):,} candidates, {len(queries)} targets, {platform.processor() or platform.machine()}"
    )
    for column in ("search", "ms a target", f"recall@{NEAREST}", "build, s"):
        table.add_column(column, justify="right")
    for name in found:
        shared = [
            len(set(own) & set(right)) / len(right)
            for own, right in zip(found[name].tolist(), truth.tolist(), strict=True)
        ]
        table.add_row(
            name,
            f"{1000 * seconds[name] / len(queries):.2f}",
            f"{sum(shared) / len(shared):.3f}",
            f"{build:.0f}" if name == "neighbour graph" else "",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
