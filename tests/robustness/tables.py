"""Damaged tables, predictions and raw recipes, given to the commands that read them."""

from __future__ import annotations

import json
import lzma
import random
from pathlib import Path
from typing import Any

import torch

from rrgraph.chem import parse_formula
from rrgraph.data import PrecursorTable, load_table
from rrgraph.graph import GraphColumns
from rrgraph.links import TrainingConfig
from rrgraph.nn import ModelConfig
from rrgraph.properties import read_properties, user_sources
from rrgraph.runs import DataConfig, EvaluationConfig, RunConfig, train_run

from .harness import COMMAND_SECONDS, NO_TRACEBACKS, Outcome, attack, command, one_sentence, refusals, run_cases
from .mutate import damaged_bytes, damaged_value, json_text, write_table

REACTIONS = (
    ["target", "precursors", "year", "doi", "split", "temperature_c"],
    [
        ["BaTiO3", "BaCO3;TiO2", 1999, "10.1/a", "train", 1100],
        ["LiCoO2", "Li2CO3;Co3O4", 2001, "10.1/b", "train", 900],
        ["LiFePO4", "Li2CO3;FeC2O4·2H2O;NH4H2PO4", 2015, "10.1/c", "valid", 700],
        ["La0.7Sr0.3MnO3", "La2O3;SrCO3;MnO2", 2016, "10.1/d", "test", 1250.5],
        ["Na3N", "Na;N2", None, "", "test", None],
    ],
)
PROPERTIES = (
    ["formula", "gap", "class", "set"],
    [["BaTiO3", 3.2, 1, "train"], ["TiO2", 3.0, 0, "val"], ["NaCl", 8.5, 1, "test"], ["Fe2O3", 2.1, 0, "train"]],
)
STOCK = (
    ["Name", "Formula", "CAS", "Purity", "Amount", "Price", "Hazard"],
    [
        ["barium carbonate", "BaCO3", "513-77-9", "99.9 %", "250 g", 20, "H302"],
        ["titania", "TiO2", "13463-67-7", "4N", "0.5 kg", 35.5, ""],
        ["lithium carbonate", "Li2CO3", "554-13-2", 0.99, 100, None, "H302"],
    ],
)
TARGETS = (["id", "formula", "note"], [[1, "BaTiO3", "a"], [2, "SrTiO3", ""], [3, "LiCoO2", "ü"]])


def tiny_model(folder: Path) -> Path:
    """Train a model in a second, on some of the textbook reactions."""
    torch.set_num_threads(1)
    table = folder / "reactions.csv"
    textbook = load_table("textbook")
    textbook.select(range(0, len(textbook), 6)).write(table)
    model = ModelConfig(width=16, layers=1, heads=1, feedforward=1, statistics=True)
    training = TrainingConfig(epochs=1, batch_size=256, negatives_per_positive=2, validation_targets=5)
    return train_run(
        RunConfig(
            name="tiny",
            output=str(folder / "tiny"),
            data=DataConfig(table=str(table), split="random"),
            model=model,
            training=training,
            evaluation=EvaluationConfig(subsets=["validation"]),
        )
    ).folder


def read_reactions(choose: random.Random, place: Path) -> None:
    path = write_table(place, *REACTIONS, choose)
    match choose.randrange(5):
        case 0:
            one_sentence(*command("data", "stats", path))
        case 1:
            one_sentence(
                *command(
                    "data", "clean", path, "--output", place / f"clean{choose.choice(['.csv', '.jsonl', '.parquet'])}"
                )
            )
        case 2:
            split = choose.choice(["random", "column", "nms", "dr", "all"])
            one_sentence(
                *command(
                    "data",
                    "split",
                    path,
                    split,
                    "--output",
                    place / "split",
                    "--format",
                    choose.choice(["csv", "parquet", "jsonl"]),
                )
            )
        case 3:
            predictions = place / "predictions.jsonl"
            lines = [{"target": row[0], "sets": [row[1].split(";")]} for row in REACTIONS[1]]
            predictions.write_text("".join(json.dumps(line) + "\n" for line in lines))
            more = choose.choice([[], ["--by", "all", "--train", path], ["--rejects", place / "rejects.csv"]])
            one_sentence(*command("score", predictions, "--truth", path, *more, "--json"))
        case _:
            one_sentence(*command("cooccur", path, "--output", place / "graph"), codes=(0, 2))


def read_property_table(choose: random.Random, place: Path) -> None:
    path = write_table(place, *PROPERTIES, choose, [".csv", ".csv", ".parquet"])
    with refusals():
        sources = user_sources(path, part=choose.choice(["", "", "set"]))
        str(read_properties(sources).report)


def read_stock_list(model: Path, choose: random.Random, place: Path) -> None:
    path = write_table(place, *STOCK, choose)
    option = choose.choice([["--stock", path, "--grams", "5"], ["--stock", path], ["--candidates", path]])
    one_sentence(*command("plan", "BaTiO3", "--model", model, "--top-k", "2", "--no-evidence", *option))


def read_precursor_table(choose: random.Random, place: Path) -> None:
    path = write_table(place, *STOCK, choose)
    asked = choose.sample(["Price", "Hazard", "Purity", "Name"], 2)
    with refusals():
        columns = GraphColumns.fit(load_table("textbook"), {"precursor": asked}, precursors=PrecursorTable.read(path))
        assert bool(torch.isfinite(columns.of_candidates([parse_formula("BaCO3"), parse_formula("SrO")])).all())


def read_targets(model: Path, choose: random.Random, place: Path) -> None:
    path = write_table(place, *TARGETS, choose)
    output = choose.choice(
        [["--json"], [], ["--output", place / f"plans{choose.choice(['.jsonl', '.csv', '.parquet', '.xlsx'])}"]]
    )
    more = choose.choice(
        [[], ["--column", "formula"], ["--rejects", place / "rejects.csv"], ["--set-size", "column:id"]]
    )
    shared = ["--model", model, "--top-k", "2", "--no-evidence", "--candidates", "train"]
    given = ("-", path.read_bytes()) if choose.random() < 0.2 else (path, b"")
    one_sentence(*command("plan", "--input", given[0], *shared, *output, *more, stdin=given[1]))


def screen_targets(model: Path, choose: random.Random, place: Path) -> None:
    path = write_table(place, *TARGETS, choose)
    more = choose.choice([[], ["--column", "formula"], ["--keep", "id"], ["--shelf", path], ["--shard-rows", "2"]])
    shared = ["--engine", "serial", "--model", model, "--no-energies", "--no-conditions", "--candidates", "train"]
    one_sentence(*command("screen", path, "--output", place / "screened", *shared, *more))


@attack("tables", what="mutated tables", allowed=NO_TRACEBACKS, full=6_000, quick=200, few=15)
def tables(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Read reactions, properties, precursors, stocks and targets in every format."""
    model = tiny_model(folder)

    def case(choose: random.Random, place: Path) -> None:
        kind = choose.random()
        if kind < 0.4:
            read_reactions(choose, place)
        elif kind < 0.6:
            read_property_table(choose, place)
        elif kind < 0.65:
            read_precursor_table(choose, place)
        elif kind < 0.8:
            read_stock_list(model, choose, place)
        elif kind < 0.82:
            screen_targets(model, choose, place)
        else:
            read_targets(model, choose, place)

    return run_cases("tables", case, tries=tries, seed=seed, folder=folder, seconds=COMMAND_SECONDS)


PREDICTIONS = [
    {"target": "BaTiO3", "sets": [["TiO2", "BaCO3"], ["BaO", "TiO2"]], "scores": [0.9, 0.1]},
    {"target": "LiCoO2", "sets": [["LiOH", "Co3O4"]], "scores": [0.5]},
    {"target": "LiFePO4", "sets": [], "scores": []},
    {"target": "La0.7Sr0.3MnO3", "sets": [["La2O3", "SrCO3", "MnO2"]]},
]


@attack("predictions", what="mutated predictions", allowed=NO_TRACEBACKS, full=18_000, quick=400, few=20)
def predictions(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Score damaged predictions."""

    def case(choose: random.Random, place: Path) -> None:
        lines: list[Any] = [damaged_value(line, choose) if choose.random() < 0.5 else line for line in PREDICTIONS]
        data = b"\n".join(json_text(line, choose) for line in lines) + choose.choice([b"\n", b"", b"\n\n"])
        if choose.random() < 0.5:
            data = damaged_bytes(data, choose)
        path, truth = place / f"predictions.jsonl{choose.choice(['', '', '', '.gz'])}", place / "truth.csv"
        path.write_bytes(data)
        rows = "".join(f"{row[0]},{row[1]}\n" for row in REACTIONS[1][:4])
        truth.write_text(f"target,precursors\n{rows}")
        more = choose.choice([[], ["--rejects", place / "rejects.csv"], ["--output", place / "metrics.json"]])
        one_sentence(*command("score", path, "--truth", truth, "--json", *more))

    return run_cases("predictions", case, tries=tries, seed=seed, folder=folder, seconds=COMMAND_SECONDS)


def _material(text: str, elements: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "material_string": text,
        "material_formula": text,
        "composition": [{"formula": text, "elements": elements, "amount": "1"}],
        "amounts_vars": {},
        "elements_vars": {},
        "additives": [],
        "oxygen_deficiency": None,
    } | changes


RECIPE = {
    "doi": "10.1000/a",
    "paragraph_string": "Powders were mixed and heated at 900 °C for 12 h.",
    "target": _material(
        "La1-xSrxMnO3",
        {"La": "1-x", "Sr": "x", "Mn": "1", "O": "3"},
        amounts_vars={"x": {"values": [0.1, 0.3], "min_value": 0.1, "max_value": 0.3}},
    ),
    "precursors": [
        _material("La2O3", {"La": "2", "O": "3"}),
        _material("SrCO3", {"Sr": "1", "C": "1", "O": "3"}),
        _material("MnO2", {"Mn": "1", "O": "2"}),
    ],
    "reaction": {"element_substitution": {"M": "Fe"}},
    "operations": [
        {
            "type": "HeatingOperation",
            "token": "heated",
            "conditions": {
                "heating_temperature": [{"values": [900.0], "min_value": None, "max_value": None, "units": "°C"}],
                "heating_time": [{"values": [12.0], "min_value": None, "max_value": None, "units": "h"}],
                "heating_atmosphere": ["air"],
            },
        }
    ],
}


@attack("recipes", what="mutated recipes", allowed=NO_TRACEBACKS, full=16_000, quick=300, few=20)
def recipes(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Clean damaged raw recipes."""

    def case(choose: random.Random, place: Path) -> None:
        listed: Any = [damaged_value(RECIPE, choose) if choose.random() < 0.7 else RECIPE for _ in range(3)]
        if choose.random() < 0.3:
            listed = {"release": "x", "reactions": listed}
        if choose.random() < 0.1:
            listed = damaged_value(listed, choose)
        data = json_text(listed, choose)
        if choose.random() < 0.35:
            data = damaged_bytes(data, choose)
        suffix = choose.choice([".json", ".json", ".json", ".json.xz"])
        if suffix == ".json.xz":
            data = lzma.compress(data, preset=0)
            if choose.random() < 0.5:
                data = damaged_bytes(data, choose)
        path = place / f"recipes{suffix}"
        path.write_bytes(data)
        more = choose.choice([[], ["--expand-variables"], ["--paper-rules"], ["--report", place / "report.json"]])
        one_sentence(*command("data", "clean", path, "--output", place / "clean.csv", *more))

    return run_cases("recipes", case, tries=tries, seed=seed, folder=folder, seconds=COMMAND_SECONDS)
