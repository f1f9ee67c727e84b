from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import networkx as nx
import numpy as np
import pytest
import yaml

from rrgraph.data import ReactionTable, load_table
from rrgraph.evaluation import PROTOCOLS, Metrics, RowRanks, calibration, stratify, summarise
from rrgraph.figures import Series, gather
from rrgraph.model import ModelConfig
from rrgraph.runs import BaselineConfig, DataConfig, EvaluationConfig, MeasuredConfig, RunConfig, train_run
from rrgraph.runs.baseline import baseline_run
from rrgraph.training import TrainingConfig

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
        training=TrainingConfig(epochs=2, batch_size=256, negatives=4, validation_targets=10, learning_rate=1e-2),
        evaluation=EvaluationConfig(parts=["test"]),
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
        measured = MeasuredConfig(parts=["test"])
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
        strata = stratify(outcome, rows, ("anion_class", "source_elements", "year"), resamples=50)
        return replace(metrics, strata=strata)

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


@pytest.fixture(scope="session")
def hand_made() -> SimpleNamespace:
    """Networks of invented reactions: functions that draw them anew, the reactions, and the kinds of precursor."""
    return SimpleNamespace(
        cooccurrence=hand_made_cooccurrence,
        substitution=hand_made_substitution,
        shares=hand_made_shares,
        reactions=REACTIONS,
        kinds=KINDS,
    )


KINDS = {
    "Li2CO3": "carbonate",
    "LiOH": "hydroxide",
    "LiNO3": "nitrate",
    "BaCO3": "carbonate",
    "BaO": "oxide",
    "TiO2": "oxide",
    "Co3O4": "oxide",
    "MnO2": "oxide",
    "Fe": "element",
}
ELEMENTS = {
    "Li2CO3": "C Li O",
    "LiOH": "H Li O",
    "LiNO3": "Li N O",
    "BaCO3": "Ba C O",
    "BaO": "Ba O",
    "TiO2": "O Ti",
    "Co3O4": "Co O",
    "MnO2": "Mn O",
    "Fe": "Fe",
}
REACTIONS = [
    *[{"Li2CO3", "Co3O4"}] * 9,
    *[{"LiOH", "Co3O4"}] * 3,
    *[{"LiNO3", "Co3O4"}] * 2,
    *[{"Li2CO3", "MnO2"}] * 6,
    *[{"LiOH", "MnO2"}] * 2,
    *[{"BaCO3", "TiO2"}] * 12,
    *[{"BaO", "TiO2"}] * 2,
    *[{"Li2CO3", "TiO2"}] * 5,
    *[{"BaCO3", "TiO2", "Fe"}] * 1,
]


def hand_made_cooccurrence() -> nx.Graph:
    """What is used together in the reactions above."""
    n = len(REACTIONS)
    graph = nx.Graph(kind="cooccurrence", reactions=n, table="invented", title="Precursors used together")
    uses = {name: sum(name in each for each in REACTIONS) for name in KINDS}
    for place, (name, kind) in enumerate(KINDS.items()):
        years = {"first_year": 1990 + place, "last_year": 2010 + place}
        graph.add_node(name, elements=ELEMENTS[name], kind=kind, reactions=uses[name], community=place % 2, **years)
    for a, b in combinations(KINDS, 2):
        count = sum({a, b} <= each for each in REACTIONS)
        if count:
            pmi = math.log(count * n / (uses[a] * uses[b]))
            expected = uses[a] * uses[b] / n
            values = {"npmi": pmi / math.log(n / count), "jaccard": count / (uses[a] + uses[b] - count)}
            values |= {"expected": expected, "z": (count - expected) / math.sqrt(expected)}
            graph.add_edge(a, b, count=count, pmi=pmi, **values)
    nx.set_node_attributes(graph, nx.degree_centrality(graph), "degree_centrality")
    nx.set_node_attributes(graph, nx.betweenness_centrality(graph), "betweenness")
    return graph


def hand_made_substitution() -> nx.Graph:
    """What takes the place of what in the reactions above."""
    graph = nx.Graph(kind="substitution", reactions=len(REACTIONS), table="invented", title="Substitutes")
    graph.add_nodes_from(hand_made_cooccurrence().nodes(data=True))
    graph.add_edge(
        "Li2CO3", "LiOH", element="Li", preferred="Li2CO3", odds=4.0, similarity=1.0, together=0, reactions=25
    )
    graph.add_edge("LiNO3", "Li2CO3", element="Li", preferred="Li2CO3", odds=10.0, similarity=0.8, reactions=22)
    graph.add_edge("LiOH", "LiNO3", element="Li", preferred="LiOH", odds=2.5, similarity=0.9, reactions=7)
    graph.add_edge("BaO", "BaCO3", element="Ba", odds=6.5, similarity=1.0, together=0, reactions=15)
    return graph


def hand_made_shares() -> list[dict[str, object]]:
    """Shares of kinds in three years, one of them with few reactions."""
    by_year = {
        1990: (3, {"oxide": 1.0}),
        2000: (40, {"oxide": 0.5, "carbonate": 0.4, "nitrate": 0.1}),
        2001: (60, {"oxide": 0.6, "carbonate": 0.4, "nitrate": 0.0}),
    }
    return [
        {"year": year, "kind": kind, "share": share, "reactions": reactions}
        for year, (reactions, kinds) in by_year.items()
        for kind, share in kinds.items()
    ]
