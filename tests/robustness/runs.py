"""Damaged folders of runs and experiments, given to the commands that go on with them or read them."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from rrgraph.runs import load_run, train_run
from rrgraph.util.interruption import interruptible

from .configurations import written
from .harness import Outcome, attack, command, one_sentence, run_cases
from .mutate import damaged_bytes, damaged_value, json_text
from .tables import SECONDS, tiny_model

EXPERIMENT = """\
systems:
  popular: {{config: popular.yaml}}
  links: {{config: {tiny}, overrides: [training.epochs=1]}}
splits: [random]
seeds: [0]
protocols: [open]
overrides: [data.table={table}]
"""

FIGURES = (
    *("top_k", "by_year", "by_anion_class", "by_source_elements", "reliability", "link_probabilities"),
    *("distinct_sets", "precursors_of_target", "precursor_pairs"),
)


def make_folders(folder: Path) -> dict[str, Path]:
    """Write a finished run, one that was interrupted, one that was interrupted while it was measured, an experiment."""
    finished = tiny_model(folder)
    measured = folder / "measured"
    shutil.copytree(finished, measured)
    for name in ("metrics.json", "ranks.json"):
        (measured / name).unlink()
    interrupted = folder / "interrupted"
    config = load_run(finished / "config.yaml")
    more = replace(config, output=str(interrupted), training=replace(config.training, epochs=2))

    with suppress(KeyboardInterrupt), interruptible():
        train_run(more, on_epoch=lambda _: signal.raise_signal(signal.SIGTERM))
    assert list(interrupted.glob("training_state*")), "nothing to go on with"
    shutil.copy(finished / "config.yaml", folder / "tiny.yaml")
    (folder / "popular.yaml").write_text("baseline: popularity\n")
    experiment = folder / "experiment.yaml"
    experiment.write_text(EXPERIMENT.format(tiny=folder / "tiny.yaml", table=folder / "reactions.csv"))
    code, out, err = command("experiment", experiment, f"output={folder / 'experiment'}")
    assert code == 0, out + err
    return {"finished": finished, "measured": measured, "interrupted": interrupted, "experiment": folder / "experiment"}


def damage(path: Path, choose: random.Random) -> None:
    """Change a file, or put something else in its place."""
    if choose.random() < 0.12:
        path.unlink()
        put: list[Callable[[Path], object]] = [Path.touch, Path.mkdir, lambda p: p.symlink_to("nowhere")]
        choose.choice([*put, lambda _: None])(path)
        return
    data = path.read_bytes()
    if path.suffix in (".json", ".yaml") and choose.random() < 0.7:
        value: Any = yaml.safe_load(data)
        damaged = damaged_value(value, choose)
        data = json_text(damaged, choose) if path.suffix == ".json" else written(damaged, choose)
    else:
        data = damaged_bytes(data, choose)
    path.write_bytes(data)


@attack("runs", what="mutated folders of runs and experiments", allowed="0 tracebacks", full=300, quick=40, few=4)
def runs(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Damage a file of a folder and resume, measure, draw or report what it holds."""
    folder = folder.resolve()
    made = make_folders(folder)

    def case(choose: random.Random, place: Path) -> None:
        kind = choose.choice([*made, "interrupted", "experiment"])
        copy = place / "run"
        shutil.copytree(made[kind], copy)
        files = sorted(p for p in copy.rglob("*") if p.is_file() and p.suffix not in (".md", ".tex", ".txt"))
        for path in choose.sample(files, choose.choice([1, 1, 1, 2])):
            damage(path, choose)
        drawn = ["--only", choose.choice(FIGURES), "--targets", 10, "--no-refit"]
        commands: dict[str, list[Any]] = {
            "resume": ["train", folder / "tiny.yaml", "--resume", f"output={copy}"],
            "evaluate": ["evaluate", copy, "--split", choose.choice(["test", "validation"])],
            "figures": ["figures", copy, "--output", place / "figures", *drawn],
            "report": ["report", copy, "--output", place / "report.html", *drawn],
            "experiment": ["experiment", folder / "experiment.yaml", f"output={copy}"],
        }
        if kind == "interrupted":
            commands["resume"].append("training.epochs=2")
        offered = ["experiment", "experiment", "figures", "report"] if kind == "experiment" else list(commands)[:4]
        one_sentence(*command(*commands[choose.choice(offered)]), codes=(0, 1, 2))

    return run_cases("runs", case, tries=tries, seed=seed, folder=folder, seconds=SECONDS)
