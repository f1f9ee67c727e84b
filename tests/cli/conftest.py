from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rrgraph.cli.main import main
from rrgraph.data import load_table

CONFIG = """\
name: tiny
data: {table: TABLE, split: random}
model: {width: 16, layers: 1, heads: 1, feedforward: 1, statistics: true}
training: {epochs: 2, batch_size: 256, sampler: element_matched, negatives_per_positive: 4, validation_targets: 10,
           learning_rate: 1.0e-2, encoder_learning_rate: 1.0e-2}
evaluation: {subsets: [test]}
"""

PRETRAIN_CONFIG = """\
name: small
data:
  built_in: []
  validation_fraction: 0.2
  tables:
    - path: TABLE
      columns: {negativity: {unit: eV}, size: {transform: log, lowest: 0}, anion: {kind: classification, classes: 3}}
model: {width: 16, layers: 1, heads: 2, feedforward: 2, weigh_fractions: true}
training: {epochs: 4, batch_size: 16, learning_rate: 3.0e-2, ema_decay: 0.9}
"""


@dataclass(frozen=True)
class Result:
    """What one call of the command left on its streams."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture(autouse=True)
def no_tables_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hide the tables of this computer, which `rrgraph plan` would show known reactions of."""
    monkeypatch.delenv("RRGRAPH_DATA", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _: tmp_path_factory.mktemp("cache"))


@pytest.fixture
def rrgraph(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Return a function that runs the command and gives its exit code and streams; nothing may escape it."""

    def call(*argv: object) -> Result:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in argv])
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        streams = capsys.readouterr()
        assert "Traceback" not in streams.err
        return Result(code, streams.out, streams.err)

    return call


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sixth of the textbook reactions as a CSV file."""
    path = tmp_path_factory.mktemp("table") / "reactions.csv"
    textbook = load_table("textbook")
    textbook.select(range(0, len(textbook), 6)).write(path)
    return path


@pytest.fixture(scope="session")
def config(table: Path) -> Path:
    """A configuration that trains in about a second."""
    path = table.parent / "tiny.yaml"
    path.write_text(CONFIG.replace("TABLE", str(table)))
    return path


@pytest.fixture(scope="session")
def trained(config: Path) -> Path:
    """The run folder of that configuration."""
    folder = config.parent / "trained"
    assert main(["train", str(config), f"output={folder}"]) == 0
    return folder


@pytest.fixture(scope="session")
def ranked(config: Path) -> Path:
    """The run folder of a model with a second stage, which compares 16 sets of each target."""
    folder = config.parent / "ranked"
    stage = [
        "reranker.enabled=true",
        "reranker.model.width=8",
        "reranker.training.epochs=2",
        "reranker.training.candidates=16",
    ]
    options = ["model.n_decoders=2", *stage, "evaluation.mode=listwise", "evaluation.subsets=[]"]
    assert main(["train", str(config), *options, f"output={folder}"]) == 0
    return folder


@pytest.fixture(scope="session")
def pretrain_config(property_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration that pretrains in about a second."""
    path = tmp_path_factory.mktemp("pretrain") / "small.yaml"
    path.write_text(PRETRAIN_CONFIG.replace("TABLE", str(property_file)))
    return path


@pytest.fixture(scope="session")
def pretrained(pretrain_config: Path) -> Path:
    """The run folder of that configuration."""
    folder = pretrain_config.parent / "pretrained"
    assert main(["pretrain", str(pretrain_config), f"output={folder}"]) == 0
    return folder
