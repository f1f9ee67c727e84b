"""How high recorded sets stand in plans, with and without the sets that cannot be balanced or must not be mixed.

python benchmarks/listed_sets.py RUN [--test nms_validation] [--candidates precursor_pool]
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import rrgraph as rr

_RANKS = (1, 3, 5, 10)


def main() -> None:
    """Print the shares of targets with a recorded set among the first, and the recorded sets that are never listed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="run folder, or a bundled model")
    parser.add_argument("--test", default="nms_validation", help="reactions that were not trained on")
    parser.add_argument("--candidates", default="precursor_pool", help="file or name of a list")
    arguments = parser.parse_args()
    rows = rr.load_reactions(arguments.test)
    recorded = defaultdict(set)
    for target, precursors in zip(rows.targets, rows.precursor_sets, strict=True):
        recorded[target].add(precursors)
    pool = rr.runs.candidate_pool(rr.planning.read_candidates(arguments.candidates), rows)
    model = rr.load_model(arguments.run)
    for balanced in (False, True):
        planner = rr.models.constrained_planner(model, rr.Constraints(balanced=balanced), candidates=pool)
        found = []
        for target, plan in zip(recorded, planner.plan(list(recorded), top_k=max(_RANKS)), strict=True):
            ranks = [rank for rank, each in enumerate(plan, start=1) if each.precursors in recorded[target]]
            found.append(min(ranks, default=max(_RANKS) + 1))
        shares = " / ".join(f"{100 * sum(rank <= k for rank in found) / len(found):.1f}" for k in _RANKS)
        print(f"{'without what cannot be made' if balanced else 'all sets':30}{shares}")
    never = [
        f"{target}: {each}"
        for target, sets in recorded.items()
        for each in sets
        if not rr.planning.can_be_made(target, each)
    ]
    print(f"{len(never)} recorded sets are never listed:", *never, sep="\n  ")


if __name__ == "__main__":
    main()
