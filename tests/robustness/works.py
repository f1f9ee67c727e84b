"""Commands that take about a second, with their inputs, to be killed or carried out where they cannot work."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from .comparison import different_files, different_studies

__all__ = ["Work", "works", "write_inputs"]

LINKS = """\
name: tiny
output: run
data: {table: INPUTS/reactions.csv, split: random}
model: {width: 16, layers: 1, heads: 1, feedforward: 1, statistics: true}
training: {epochs: 4, batch_size: 128, sampler: element_matched, negatives_per_positive: 4, validation_targets: 10,
           learning_rate: 1.0e-2, encoder_learning_rate: 1.0e-2, ema_decay: 0.9}
evaluation: {subsets: [test]}
"""

RERANKED = """\
model: {n_decoders: 2}
training: {epochs: 2, encoder_learning_rate: 0.0}
reranker:
  enabled: true
  trees: {n_trees: 3, depth: 2, max_leaves: 4, min_samples_leaf: 2}
  model: {width: 8}
  training: {epochs: 4, batch_size: 16, candidates: 8, ema_decay: 0.5}
evaluation: {subsets: [test], mode: listwise}
"""

ORGANIC = """\
name: tiny
output: run
domain: organic
data: {table: INPUTS/organic.csv}
model: {width: 16, product: {hidden: 32, bits: 512}, template: {hidden: 32, bits: 512}}
contrastive: {epochs: 4, batch_size: 16, learning_rate: 1.0e-2}
ranking: {epochs: 2, batch_size: 16, candidates: 4, hard: 2}
search: {templates: 4, applicable: true}
evaluation: {subsets: [validation], rows: 5}
"""

PRETRAINING = """\
name: small
output: run
data:
  built_in: []
  validation_fraction: 0.2
  tables:
    - path: INPUTS/properties.csv
      columns: {negativity: {unit: eV}, anion: {kind: classification, classes: 3}}
model: {width: 16, layers: 1, heads: 2, feedforward: 2, weigh_fractions: true}
training: {epochs: 5, batch_size: 16, learning_rate: 3.0e-2, ema_decay: 0.9}
"""

SPACE = """\
parameters:
  training.learning_rate: {range: [0.001, 0.1], log: true}
  model.heads: {choices: [1, 2, 8]}
pruner: none
"""

EXPERIMENT = """\
systems:
  links: {config: links.yaml, overrides: [training.epochs=1]}
  popular: {config: popular.yaml}
splits: [random]
seeds: [0]
protocols: [open]
overrides: [data.table=INPUTS/reactions.csv]
output: run
"""


@dataclass(frozen=True)
class Work:
    """A command that is killed.

    Attributes:
        argv: of the first run; INPUTS stands for the folder of inputs.
        again: of those after it, the same by default.
        before: see `Call`.
        share: how often it is tried.
        same: returns how the folder of a resumed run differs from that of an uninterrupted one.
    """

    argv: tuple[str, ...]
    again: tuple[str, ...] = ()
    before: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    share: int = 1
    same: Callable[[Path, Path], list[str]] = different_files


def works() -> dict[str, Work]:
    """Return the commands by name."""
    resume = ("--resume",)
    trees = ("tests.robustness.works:coarse_trees", {})
    # A trial of a process that is gone is started again at once.
    impatient = {"rrgraph.tuning.heartbeat:GRACE_SECONDS": 1, "rrgraph.tuning.storage:GRACE_SECONDS": 1}
    impatient |= {"rrgraph.tuning.trial:GRACE_SECONDS": 1, "rrgraph.tuning.study:_WAIT_SECONDS": 0.2}
    studies = ("tests.robustness.commands:set_values", {"values": impatient})
    found = {}
    for name in ("links", "reranked", "organic"):
        argv = ("train", f"INPUTS/{name}.yaml")
        found[f"train {name}"] = Work(argv, argv + resume, (trees,), share=3)
    argv = ("pretrain", "INPUTS/pretraining.yaml")
    found["pretrain"] = Work(argv, argv + resume, share=3)
    argv = ("tune", "INPUTS/links.yaml", "--space", "INPUTS/space.yaml", "--trials", "3", "--no-figures")
    argv += ("training.epochs=2", "output=run")
    found["tune"] = Work(argv, before=(studies,), share=3, same=different_studies)
    found["tune --jobs 2"] = Work((*argv, "--jobs", "2"), before=(studies,), same=different_studies)
    for suffix in ("jsonl", "csv", "parquet", "xlsx"):
        argv = ("plan", "--input", "INPUTS/targets.csv", "--model", "INPUTS/model", "--top-k", "3")
        argv += ("--output", f"plans.{suffix}", "--rejects", "rejects.csv")
        found[f"plan .{suffix}"] = Work(argv, argv + resume, share=2)
    found["experiment"] = Work(("experiment", "INPUTS/experiment.yaml"), share=2)
    for suffix in ("csv.gz", "jsonl", "parquet"):
        argv = ("data", "clean", "INPUTS/reactions.csv", "--output", f"clean.{suffix}", "--report", "report.json")
        found[f"data clean .{suffix}"] = Work(argv)
    found["data split"] = Work(("data", "split", "INPUTS/reactions.csv", "random", "--output", "parts"))
    return found


def coarse_trees() -> None:
    """Let boosted trees choose among few thresholds; many take scikit-learn seconds."""
    from sklearn import ensemble

    ensemble.HistGradientBoostingClassifier = partial(ensemble.HistGradientBoostingClassifier, max_bins=32)


def write_inputs(folder: Path) -> None:
    """Write tables and configurations of commands that take about a second."""
    from omegaconf import OmegaConf

    from rrgraph.data import load_table

    folder.mkdir(parents=True)
    textbook = load_table("textbook")
    textbook.select(range(0, len(textbook), 6)).write(folder / "reactions.csv")
    targets = [str(target) for target in textbook.frame["target"].head(60)]
    lines = ["target,note", *(f"{target},row {number}" for number, target in enumerate(targets))]
    (folder / "targets.csv").write_text("\n".join(lines) + "\n")
    _write_organic(folder / "organic.csv")
    _write_properties(folder / "properties.csv")
    written = {"links": LINKS, "organic": ORGANIC, "pretraining": PRETRAINING, "space": SPACE, "experiment": EXPERIMENT}
    written["popular"] = "baseline: popularity\n"
    merged = OmegaConf.merge(OmegaConf.create(LINKS), OmegaConf.create(RERANKED))
    written["reranked"] = OmegaConf.to_yaml(merged)
    for name, text in written.items():
        (folder / f"{name}.yaml").write_text(text.replace("INPUTS", str(folder)))


def _write_organic(path: Path) -> None:
    from tests.conftest import organic_reactions

    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["product", "reactants", "template", "split"])
        for number, row in enumerate(organic_reactions()):
            writer.writerow([*row, {3: "valid", 4: "test"}.get(number % 5, "train")])


def _write_properties(path: Path) -> None:
    from rrgraph.chem import ELEMENTS

    lines, numbers = ["formula,negativity,anion"], list(ELEMENTS)
    for number, (one, other) in enumerate(combinations(["Li", "Na", "K", "Mg", "Ca", "Al", "Si", "Ti", "Zr", "Fe"], 2)):
        for kind, anion in enumerate(("N", "O", "S")):
            amounts = 1 + number % 3, 1 + number // 3 % 2, 1 + (number + kind) % 4
            value = sum(n * numbers.index(e) for n, e in zip(amounts, (one, other, anion), strict=True)) / sum(amounts)
            lines.append(f"{one}{amounts[0]}{other}{amounts[1]}{anion}{amounts[2]},{value:.4f},{kind}")
    path.write_text("\n".join(lines) + "\n")
