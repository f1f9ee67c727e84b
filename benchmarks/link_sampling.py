"""Time what an epoch of link training draws and looks up: negative links, and the frequency features of all its links.

Reactions are generated from random formulas over real elements, in the proportions of the text-mined table: a tenth as
many precursors, six targets for ten reactions, a fifth as many element systems. Run from the project's root:

    python benchmarks/link_sampling.py            # 10,000 reactions
    python benchmarks/link_sampling.py --full     # also 100,000 and a million: half an hour, 8 GB
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias, TypeVar

import numpy as np
import pandas as pd
import torch

import rrgraph as rr
from rrgraph.graph import EDGE, TrainingFolds, build_graph, training_features
from rrgraph.links import SAMPLERS

T = TypeVar("T")
Spent: TypeAlias = dict[str, np.ndarray]
"""Seconds, and seconds of processor time, of each step."""

METALS = [
    "Li",
    "Na",
    "K",
    "Mg",
    "Ca",
    "Sr",
    "Ba",
    "Sc",
    "Y",
    "La",
    "Ce",
    "Pr",
    "Nd",
    "Sm",
    "Eu",
    "Gd",
    "Tb",
    "Dy",
    "Ho",
    "Er",
    "Tm",
    "Yb",
    "Lu",
    "Ti",
    "Zr",
    "Hf",
    "V",
    "Nb",
    "Ta",
    "Cr",
    "Mo",
    "W",
    "Mn",
    "Re",
    "Fe",
    "Ru",
    "Co",
    "Rh",
    "Ir",
    "Ni",
    "Pd",
    "Pt",
    "Cu",
    "Ag",
    "Au",
    "Zn",
    "Cd",
    "Al",
    "Ga",
    "In",
    "Tl",
    "Si",
    "Ge",
    "Sn",
    "Pb",
    "Sb",
    "Bi",
    "Te",
]
SALTS = ["O", "CO3", "NO3", "OH", "Cl", "F", "SO4", "PO4", "C2O4", "C2H3O2", "S", "Se", "Br", "I", "N", ""]
ANIONS = ["O", "O", "O", "O", "O", "S", "Se", "F", "N", "Cl", "PO4", "BO3"]
GROUP = 100
"""Batches whose negatives are drawn together."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reactions", type=int, nargs="+", default=[10_000])
    parser.add_argument("--full", action="store_true", help="10,000, 100,000 and a million reactions")
    parser.add_argument("--sampler", default="mixed")
    parser.add_argument("--negatives", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.sampler}, {arguments.negatives} negatives a link, {arguments.threads} threads", flush=True)
    for reactions in [10_000, 100_000, 1_000_000] if arguments.full else arguments.reactions:
        measure(reactions, arguments)


def measure(reactions: int, arguments: argparse.Namespace) -> None:
    """Generate, prepare and go through one epoch."""
    spent: Spent = {}
    table = timed(spent, "generate", lambda: generate(reactions, arguments.seed))
    graph = timed(spent, "graph", lambda: build_graph(table))
    folds = timed(spent, "folds", lambda: TrainingFolds.divide(table, graph))
    features = timed(spent, "count", lambda: training_features(graph, folds))
    sampler = timed(spent, "sampler", lambda: SAMPLERS[arguments.sampler](graph))
    edges = graph.data[EDGE].edge_index
    print(
        f"\n{reactions:,} reactions, {len(graph.targets):,} targets, {len(graph.precursors):,} precursors, "
        f"{edges.shape[1]:,} links, {len(set(table.element_systems)):,} element systems ({type(features).__name__})"
    )
    generator = torch.Generator().manual_seed(arguments.seed)
    order = torch.randperm(edges.shape[1], generator=generator)
    for part in torch.split(order, GROUP * arguments.batch_size):
        targets, precursors = edges[:, part]
        drawn = timed(spent, "negatives", lambda: sampler.sample(targets, arguments.negatives, generator))  # noqa: B023
        candidates = torch.cat([precursors[:, None], drawn], dim=1)
        timed(spent, "features", lambda: features.lookup(targets, candidates))  # noqa: B023
    spent["one epoch"] = spent["negatives"] + spent["features"]
    for step, (wall, processor) in spent.items():
        print(f"{step:12}{wall:8.1f} s, {processor:8.1f} s of processor time")
    print(f"{'memory':12}{peak():8.1f} GB at most", flush=True)


def generate(reactions: int, seed: int) -> rr.ReactionTable:
    """Return random recipes: each metal of a target comes from one of its precursors, some much more often."""
    generator = np.random.default_rng(seed)
    salts = distinct(salt(generator) for _ in iter(int, 1))
    made_of: dict[str, list[str]] = {metal: [] for metal in METALS}
    for _ in range(reactions // 10):
        formula, metals = next(salts)
        for metal in metals:
            made_of[metal].append(formula)
    systems = [system(generator) for _ in range(reactions // 5)]
    materials = distinct(target(generator, systems) for _ in iter(int, 1))
    targets = [next(materials) for _ in range(reactions * 6 // 10)]
    rows = [targets[row] for row in generator.integers(0, len(targets), reactions).tolist()]
    # The tenth precursor of an element is used a tenth as often as the first.
    drawn = iter(generator.random(4 * reactions).tolist())
    sets = [
        ";".join(dict.fromkeys(own[int(len(own) ** next(drawn)) - 1] for own in (made_of[metal] for metal in metals)))
        for _, metals in rows
    ]
    papers = generator.integers(0, reactions // 2, reactions)
    return rr.ReactionTable(pd.DataFrame({"target": [name for name, _ in rows], "precursors": sets, "doi": papers}))


def distinct(named: Iterator[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each name once."""
    seen: set[str] = set()
    for name, metals in named:
        if name not in seen:
            seen.add(name)
            yield name, metals


def salt(generator: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """Return a formula and its one or two metals."""
    metals = pick(generator, int(generator.integers(1, 3)))
    anion = SALTS[generator.integers(len(SALTS))]
    amounts = generator.integers(1, 10, 3).tolist()
    return amounts_of(metals, amounts) + (f"({anion}){amounts[-1]}" if anion else ""), metals


def system(generator: np.random.Generator) -> tuple[tuple[str, ...], str]:
    """Return two to four metals, and an anion."""
    return pick(generator, int(generator.integers(2, 5))), ANIONS[generator.integers(len(ANIONS))]


def target(generator: np.random.Generator, systems: list[tuple[tuple[str, ...], str]]) -> tuple[str, tuple[str, ...]]:
    """Return a formula of one of the systems and its metals."""
    metals, anion = systems[generator.integers(len(systems))]
    amounts = (generator.integers(1, 60, len(metals) + 1) / 20).tolist()
    return f"{amounts_of(metals, amounts)}({anion}){amounts[-1]:g}", metals


def pick(generator: np.random.Generator, number: int) -> tuple[str, ...]:
    """Return metals, of which the first of the list is drawn 1.5 times as often as the middle one."""
    share = 1 / np.arange(10, 10 + len(METALS))
    return tuple(generator.choice(METALS, number, replace=False, p=share / share.sum()).tolist())


def amounts_of(metals: tuple[str, ...], amounts: list[float]) -> str:
    return "".join(f"{metal}{amount:g}" for metal, amount in zip(metals, amounts, strict=False))


def timed(spent: Spent, step: str, work: Callable[[], T]) -> T:
    """Return the result of some work and add the seconds it took to those of the step."""
    clocks = np.array([time.perf_counter(), time.process_time()])
    result = work()
    spent[step] = spent.get(step, 0) + np.array([time.perf_counter(), time.process_time()]) - clocks
    return result


def peak() -> float:
    """Return the most memory (GB) that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


if __name__ == "__main__":
    main()
