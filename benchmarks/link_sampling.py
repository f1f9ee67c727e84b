"""Time what an epoch of link training draws and looks up: negative links, and the frequency features of all its links.

Reactions are generated from random formulas over real elements, in the proportions of the text-mined table: a tenth as
many precursors, six targets for ten reactions, a fifth as many element systems. Run from the project's root:

    python benchmarks/link_sampling.py            # 10,000 reactions
    python benchmarks/link_sampling.py --full     # also 100,000 and a million: a quarter of an hour, 5 GB
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from typing import TypeAlias, TypeVar

import numpy as np
import pandas as pd
import torch

import rrgraph as rr

T = TypeVar("T")
Spent: TypeAlias = dict[str, np.ndarray]
"""Seconds, and seconds of processor time, of each step."""

METALS = (
    *("Li", "Na", "K", "Mg", "Ca", "Sr", "Ba", "Sc", "Y", "La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho"),
    *("Er", "Tm", "Yb", "Lu", "Ti", "Zr", "Hf", "V", "Nb", "Ta", "Cr", "Mo", "W", "Mn", "Re", "Fe", "Ru", "Co", "Rh"),
    *("Ir", "Ni", "Pd", "Pt", "Cu", "Ag", "Au", "Zn", "Cd", "Al", "Ga", "In", "Tl", "Si", "Ge", "Sn", "Pb", "Sb", "Bi"),
)
SALTS = ("O", "CO3", "NO3", "OH", "Cl", "F", "SO4", "PO4", "C2O4", "C2H3O2", "S", "Se", "Br", "I", "N", "BO3")
ANIONS = ("O", "O", "O", "O", "O", "S", "Se", "F", "N", "Cl", "PO4", "BO3")
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
    graph = timed(spent, "graph", lambda: rr.graph.build_graph(table))
    folds = timed(spent, "folds", lambda: rr.graph.TrainingFolds.divide(table, graph))
    features = timed(spent, "count", lambda: rr.graph.training_features(graph, folds))
    sampler = timed(spent, "sampler", lambda: rr.links.SAMPLERS[arguments.sampler](graph))
    edges = graph.data[rr.graph.EDGE].edge_index
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
    # An eighth of these are never used, or spell a compound that is there already.
    salts = materials(
        generator, reactions * 23 // 200, metals=(1, 2), systems=reactions // 10, anions=SALTS, amounts=12
    )
    targets = materials(
        generator, reactions * 6 // 10, metals=(2, 4), systems=reactions // 5, anions=ANIONS, amounts=60
    )
    sources: dict[str, list[str]] = {metal: [] for metal in METALS}
    for formula, metals in salts:
        for metal in metals:
            sources[metal].append(formula)
    # Of few salts some metals have none.
    sources = {metal: found or [f"{metal}O"] for metal, found in sources.items()}
    usual = {formula: recipe(generator, metals, sources) for formula, metals in targets}
    rows = [targets[row] for row in generator.integers(0, len(targets), reactions).tolist()]
    # Every fifth recipe is another than the usual one of the target.
    other = (generator.random(reactions) < 0.2).tolist()
    sets = [
        recipe(generator, metals, sources) if differs else usual[formula]
        for (formula, metals), differs in zip(rows, other, strict=True)
    ]
    papers = generator.integers(0, reactions // 2, reactions)
    return rr.ReactionTable(pd.DataFrame({"target": [name for name, _ in rows], "precursors": sets, "doi": papers}))


def materials(
    generator: np.random.Generator,
    number: int,
    *,
    metals: tuple[int, int],
    systems: int,
    anions: tuple[str, ...],
    amounts: int,
) -> list[tuple[str, list[str]]]:
    """Return distinct formulas and their metals, the first of the list more often than the last."""
    keys = generator.gumbel(size=(systems, len(METALS))) - np.log(np.arange(10, 10 + len(METALS)))
    drawn = np.array(METALS)[np.argsort(-keys, axis=1)[:, : metals[1]]].tolist()
    sizes = generator.integers(metals[0], metals[1] + 1, systems).tolist()
    anion = generator.choice(anions, systems).tolist()
    found: dict[str, list[str]] = {}
    while len(found) < number:
        of = generator.integers(0, systems, number).tolist()
        parts = generator.integers(1, amounts + 1, (number, metals[1] + 1)).tolist()
        for system, part in zip(of, parts, strict=True):
            own = drawn[system][: sizes[system]]
            text = "".join(f"{metal}{amount}" for metal, amount in zip(own, part, strict=False))
            found.setdefault(f"{text}({anion[system]}){part[-1]}", own)
    return list(found.items())[:number]


def recipe(generator: np.random.Generator, metals: list[str], sources: dict[str, list[str]]) -> str:
    """Return a precursor of each metal; the tenth of its list is drawn a tenth as often as the first."""
    lists = [sources[metal] for metal in metals]
    drawn = zip(lists, generator.random(len(lists)).tolist(), strict=True)
    return ";".join(dict.fromkeys(own[int(len(own) ** share) - 1] for own, share in drawn))


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
