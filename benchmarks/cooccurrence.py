"""Time `rrgraph cooccur` on as many distinct reactions as asked for, step by step.

Rows of a table are drawn with replacement; each further copy of a reaction gets a slightly larger amount of one element
of its target, so that it is a reaction of its own. Run from the project's root:

    RRGRAPH_DATA=... python benchmarks/cooccurrence.py --table text_mined --reactions 50000
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np

import rrgraph as rr

T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="textbook")
    parser.add_argument("--reactions", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", rr.chem.FormulaWarning)
    spent: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        resample(rr.load_reactions(arguments.table), arguments.reactions, arguments.seed).write(path)
        table = timed(spent, "read and clean", lambda: rr.data.clean_table(rr.ReactionTable.read(path))[0])
        records = timed(spent, "parse and count", lambda: rr.networks.reaction_records(table, name=arguments.table))
        pairs = timed(spent, "pairs and null model", lambda: rr.networks.pair_statistics(records))
        swaps = timed(spent, "substitutions", lambda: rr.networks.find_substitutions(records))
        timed(spent, "classes by year", lambda: rr.networks.class_shares(records))
        graphs = [rr.networks.cooccurrence_graph(pairs), rr.networks.substitution_graph(records, swaps)]
        timed(spent, "structure", lambda: [rr.networks.add_structure(graph) for graph in graphs])
        for number, graph in enumerate(graphs):
            timed(spent, "write", lambda g=graph, n=number: rr.networks.write_graph(g, Path(folder) / f"{n}.graphml"))
    print(
        f"{len(table):,} rows, {len(records):,} reactions, {len(records.precursors):,} precursors, {len(pairs):,} pairs"
    )
    for step, seconds in spent.items():
        print(f"{step:24}{seconds:8.1f} s")
    print(f"{'all':24}{sum(spent.values()):8.1f} s")


def resample(table: rr.ReactionTable, reactions: int, seed: int) -> rr.ReactionTable:
    """Return as many rows, drawn with replacement, none of them twice the same reaction by design."""
    rows = np.random.default_rng(seed).integers(0, len(table), reactions)
    copies: Counter[tuple[str, frozenset[str]]] = Counter()
    targets = []
    for row in rows.tolist():
        reaction = (table.targets[row].key, table.set_keys[row])
        targets.append(changed(table.targets[row], copies[reaction]))
        copies[reaction] += 1
    frame = table.frame.iloc[rows].assign(target=targets)
    return rr.ReactionTable(frame)


def changed(target: rr.Composition, copy: int) -> str:
    """Return the target with a hundredth more of its first element for every copy."""
    amounts = dict(target.amounts)
    first = next(iter(amounts))
    amounts[first] *= 1 + Fraction(copy, 100)
    return rr.chem.composition_from_amounts(amounts).formula if copy else target.formula


def timed(spent: dict[str, float], step: str, work: Callable[[], T]) -> T:
    """Return the result of some work and add the seconds it took to those of the step."""
    started = time.perf_counter()
    result = work()
    spent[step] = spent.get(step, 0.0) + time.perf_counter() - started
    return result


if __name__ == "__main__":
    main()
