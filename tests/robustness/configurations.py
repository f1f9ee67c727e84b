"""Damaged configuration files and overrides of runs, pretraining, experiments and studies."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from rrgraph.experiments import load_experiment
from rrgraph.properties.pretraining import PretrainConfig
from rrgraph.runs import check_run, load_run
from rrgraph.tuning import load_space
from rrgraph.tuning.settings import read_settings
from rrgraph.util.config import load_config
from rrgraph.util.settings import check, settings

from .harness import ROOT, Outcome, attack, command, one_sentence, refusals, run_cases
from .mutate import HOSTILE, damaged_bytes, damaged_value, json_text

ALLOWED = "0 tracebacks"
SECONDS = 10.0
SECRET = "swordfish-4711"
VALUES = [
    *(
        "",
        " ",
        "null",
        "~",
        "true",
        "yes",
        "no",
        "1e5",
        "1e400",
        "-1",
        "0",
        "007",
        "0x10",
        "1_000",
        ".nan",
        ".inf",
        "-.inf",
    ),
    *(
        "2020-01-01",
        "1:30",
        "[",
        "{",
        "[1,2",
        "{a: 1}",
        "[[[[]]]]",
        "[" * 3000,
        "{a:" * 500,
        "a" * 20_000,
        "9" * 5000,
        "'",
        '"',
    ),
    *(
        "!!set {a}",
        "!!python/object/apply:os.system [id]",
        "&a [*a]",
        "*a",
        "${oc.env:RRGRAPH_SECRET}",
        "${seed}",
        "${name}",
    ),
    *(
        "${output}",
        "${",
        "$(id)",
        "../..",
        "/",
        "/dev/null",
        "\0",
        "\ud800",
        "\x1b[2J",
        "\n",
        "a\nb: c",
        "%s",
        "{0}",
        "\u2028",
    ),
    *(
        "[a,a,a]",
        "[null]",
        "{}",
        "[]",
        "nms",
        "random",
        "textbook",
        "quickstart",
        "configs/default.yaml",
        "3.5",
        "1e-300",
        "1e300",
    ),
]
KEYS = [
    "",
    ".",
    "..",
    "a",
    "a.b.c.d",
    "training",
    "training.",
    ".training",
    "training.epochs.x",
    "x" * 500,
    "\0",
    "é",
    "$",
    "seed[0]",
]


def _plain_run(path: Path, overrides: list[str]) -> Any:
    config = load_run(path, overrides)
    check_run(config)
    return config


def _pretraining(path: Path, overrides: list[str]) -> Any:
    config = load_config(path, overrides, schema=PretrainConfig)
    check(config)
    return config


def _experiment(path: Path, overrides: list[str]) -> Any:
    load_experiment(path, overrides, quick=True)
    return load_experiment(path, overrides)


def _space(path: Path, overrides: list[str]) -> Any:
    config = load_run(ROOT / "configs" / "quickstart.yaml", overrides)
    return read_settings(load_space(path), config, {})


READERS: dict[str, Callable[[Path, list[str]], Any]] = {
    "experiments": _experiment,
    "tuning": _space,
    "pretrain": _pretraining,
}


def _reader(path: Path) -> Callable[[Path, list[str]], Any]:
    return READERS.get(path.parent.name, READERS.get(path.stem, _plain_run))


def _without_secret(text: str) -> None:
    assert SECRET not in text, f"a secret of the environment is shown\n{text:.2000}"


def _load(reader: Callable[[Path, list[str]], Any], path: Path, overrides: list[str]) -> None:
    """Read a configuration; what is read or said must not hold anything of the environment."""
    try:
        with refusals():
            config = reader(path, overrides)
            _without_secret(repr(config))
            if not isinstance(config, tuple) and reader is not _space:
                _without_secret(OmegaConf.to_yaml(OmegaConf.structured(config)))
    except AssertionError:
        raise
    except Exception as error:
        _without_secret(str(error))
        raise


def _hide_secret() -> list[Path]:
    os.environ["RRGRAPH_SECRET"] = SECRET
    return sorted((ROOT / "configs").rglob("*.yaml"))


def written(value: Any, choose: random.Random) -> bytes:
    """Return YAML, also as the JSON that is part of it, which can be nested more deeply."""
    if choose.random() < 0.6:
        with suppress(RecursionError):
            return yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass")
    return json_text(value, choose)


@attack("configurations", what="mutated configurations", allowed=ALLOWED, full=7_000, quick=150, few=15)
def configurations(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Read damaged copies of every configuration of the repository."""
    paths = _hide_secret()
    hostile = [*HOSTILE, *VALUES]

    def case(choose: random.Random, place: Path) -> None:
        source = choose.choice(paths)
        data = source.read_bytes()
        if choose.random() < 0.7:
            value = damaged_value(yaml.safe_load(data), choose, hostile)
            data = written(value, choose)
        else:
            data = damaged_bytes(data, choose)
        path = place / source.name
        path.write_bytes(data)
        _load(_reader(source), path, [])
        if choose.random() < 0.1:
            one_sentence(*command("train", path, "--explain"))

    return run_cases("configurations", case, tries=tries, seed=seed, folder=folder, seconds=SECONDS)


@attack("overrides", what="mutated overrides", allowed=ALLOWED, full=3_000, quick=100, few=15)
def overrides(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Give any value to any key of a configuration."""
    paths = [path for path in _hide_secret() if path.parent.name != "tuning"]

    def case(choose: random.Random, place: Path) -> None:
        source = choose.choice(paths)
        reader = _reader(source)
        known = [each.key for each in settings(reader(source, []))]
        given = []
        for _ in range(choose.choice([1, 1, 2, 4])):
            key = choose.choice(KEYS) if choose.random() < 0.15 else choose.choice(known)
            value = choose.choice(VALUES)
            given.append(choose.choice(["{0}={1}"] * 9 + ["{0}", "{0}:{1}", "={1}", "{0}=={1}"]).format(key, value))
        _load(reader, source, given)
        if choose.random() < 0.1:
            one_sentence(*command("train", source, *given, "--explain"))

    return run_cases("overrides", case, tries=tries, seed=seed, folder=folder, seconds=SECONDS, keep_files=False)
