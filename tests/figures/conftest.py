from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rrgraph.data import ReactionTable, load_table
from rrgraph.evaluation import PROTOCOLS, Metrics, subgroup_accuracy, summarise
from rrgraph.figures import Series, gather
from rrgraph.links import TrainingConfig
from rrgraph.metrics import RowRanks, calibration
from rrgraph.nn import ModelConfig
from rrgraph.runs import BaselineConfig, DataConfig, EvaluationConfig, MeasuredConfig, RunConfig, train_run
from rrgraph.runs.baseline import baseline_run

SYSTEMS = ("popularity", "invented")
SPLITS = ("dr", "random")
SEEDS = (0, 1)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that trains in about a second on a sixth of the textbook reactions, measured beside popularity."""
    folder = tmp_path_factory.mktemp("figures")
    textbook = load_table("textbook")
    textbook.select(range(0, len(textbook), 6)).write(folder / "reactions.csv")
    config = RunConfig(
        name="tiny",
        output=str(folder / "tiny"),
        data=DataConfig(table=str(folder / "reactions.csv"), split="random"),
        model=ModelConfig(width=16, layers=1, heads=1, feedforward=1, statistics=True),
        training=TrainingConfig(
            epochs=2, batch_size=256, negatives_per_positive=4, validation_targets=10, learning_rate=1e-2
        ),
        evaluation=EvaluationConfig(subsets=["test"]),
    )
    return train_run(config).folder


@pytest.fixture(scope="session")
def tiny(run_folder: Path) -> Series:
    """The model of that run."""
    return gather([run_folder])[0]


@pytest.fixture(scope="session")
def fitted(run_folder: Path) -> Callable[..., Path]:
    """Return a function that carries out the run of a baseline on the reactions of that run."""

    def carried_out(baseline: str, folder: Path, **changes: Any) -> Path:
        options = {"composition_multilabel": {"width": 16, "epochs": 3, "learning_rate": 0.02}}.get(baseline, {})
        data = DataConfig(table=str(run_folder.parent / "reactions.csv"), split="random", **changes)
        measured = MeasuredConfig(subsets=["test"])
        return baseline_run(
            BaselineConfig(
                name=baseline,
                output=str(folder),
                seed=3,
                data=data,
                baseline=baseline,
                options=options,
                evaluation=measured,
            )
        ).folder

    return carried_out


@pytest.fixture(scope="session")
def baselines(fitted: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Series, ...]:
    """Runs of a baseline that learns links and of one that proposes sets."""
    folder = tmp_path_factory.mktemp("baselines")
    return gather([fitted(name, folder / name) for name in ("composition_multilabel", "nearest_target")])


@pytest.fixture(scope="session")
def rows() -> ReactionTable:
    """Every fortieth row of the textbook table, with invented years."""
    textbook = load_table("textbook")
    chosen = textbook.select(range(0, len(textbook), 40))
    return chosen.with_columns(year=[(1998, 2003, 2015)[place % 3] for place in range(len(chosen))])


@pytest.fixture(scope="session")
def invent(rows: ReactionTable) -> Callable[..., Metrics]:
    """Return a function that invents what a system measured on those rows."""

    def invented(*, seed: int = 0, protocol: str = "open", ranks: Sequence[float] | None = None) -> Metrics:
        draw = np.random.default_rng(seed)
        given = draw.integers(1, 14, len(rows)).astype(float) if ranks is None else np.array(ranks)
        given[given > 10] = np.inf
        outcome = RowRanks(rows.target_keys.tolist(), given, given, draw.random(len(given)) < 0.4)
        sure = draw.random(len(given))
        metrics = summarise(PROTOCOLS[protocol], outcome, calibration=calibration(sure, given == 1), resamples=50)
        strata = subgroup_accuracy(outcome, rows, ("anion_class", "source_elements", "year"), resamples=50)
        return replace(metrics, subgroups=strata)

    return invented


@pytest.fixture(scope="session")
def experiment(tmp_path_factory: pytest.TempPathFactory, invent: Callable[..., Metrics], run_folder: Path) -> Path:
    """The folder of an experiment of two invented systems, two splits and two seeds, and one run with a model."""
    folder = tmp_path_factory.mktemp("experiment") / "comparison"
    results = []
    for number, (system, split, seed) in enumerate((x, y, z) for x in SYSTEMS for y in SPLITS for z in SEEDS):
        metrics = {name: invent(seed=2 * number + place, protocol=name) for place, name in enumerate(("paper", "open"))}
        run = folder / "runs" / f"{system}-{split}-{seed}"
        run.mkdir(parents=True)
        config = {"name": run.name, "seed": seed, "data": {"split": split}}
        (run / "config.yaml").write_text(yaml.safe_dump(config))
        measured = {name: {"model": found.to_dict()} for name, found in metrics.items()}
        (run / "metrics.json").write_text(json.dumps({"test": measured}))
        outcome = {name: found.rows.to_dict() for name, found in metrics.items() if found.rows}
        (run / "ranks.json").write_text(json.dumps({"test": outcome}))
        results.append(result_row(system, split, seed, metrics))
    shutil.copytree(run_folder, folder / "runs" / "ours-random-0")
    recorded = json.loads((run_folder / "metrics.json").read_text())["test"]
    ours = {name: Metrics.from_dict(systems["model"]) for name, systems in recorded.items()}
    results.append(result_row("ours", "random", 0, ours))
    with (folder / "results.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(results[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(results)
    (folder / "experiment.yaml").write_text("name: table two\nseeds: [0, 1]\n")
    (folder / "environment.json").write_text(json.dumps({"python": "3.11.0"}))
    (folder / "data.json").write_text(json.dumps({"tables": {"invented": {"rows": 14, "sha256": "0123abc" * 9}}}))
    return folder


def result_row(system: str, split: str, seed: int, metrics: dict[str, Metrics]) -> dict[str, object]:
    row: dict[str, object] = {"system": system, "split": split, "seed": seed, "rows": 33, "seconds": 1.5}
    for name, found in metrics.items():
        row |= {f"{name}_top{k}": top.value for k, top in found.overall.top.items()}
        unseen = found.unseen.top if found.unseen and found.unseen.rows else {}
        row |= {f"{name}_unseen_top{k}": unseen[k].value if k in unseen else "" for k in (1, 3, 5, 10)}
        row[f"{name}_ece"] = found.calibration.ece_width if found.calibration else ""
    return row
