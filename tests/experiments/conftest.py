from __future__ import annotations

from pathlib import Path

import pytest

from rrgraph.baselines import BASELINES, LinkBaseline, Popularity
from rrgraph.data import load_table

EXPERIMENT = """\
title: A trial
systems:
  popular: {config: popular.yaml}
  flat: {config: popular.yaml, overrides: [options.by_oxygen=false]}
overrides: [data.table=TABLE]
splits: [random]
seeds: [0, 1]
protocols: [paper, "open,max_candidates=20"]
quick: {systems: {flat: [options.alpha=0.5]}, seeds: [4]}
"""


class Failing(LinkBaseline):
    """A system that cannot learn when its seed is 1."""

    name = "failing"

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    def _learn(self, table, split):
        if self.seed == 1:
            raise RuntimeError("no such luck")
        self.inner = Popularity().fit(table, split)

    def _logits(self, targets, candidates):
        return self.inner.logits(targets, candidates)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the system that fails."""
    monkeypatch.setitem(BASELINES._entries, "failing", Failing)


@pytest.fixture(scope="session")
def reactions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarter of the textbook reactions."""
    path = tmp_path_factory.mktemp("reactions") / "reactions.csv"
    textbook = load_table("textbook")
    textbook.select(range(0, len(textbook), 4)).write(path)
    return path


@pytest.fixture
def trial(reactions: Path, tmp_path: Path) -> Path:
    """The file of a small experiment."""
    (tmp_path / "popular.yaml").write_text("baseline: popularity\ndata: {split: random}\n")
    path = tmp_path / "trial.yaml"
    path.write_text(EXPERIMENT.replace("TABLE", str(reactions)) + f"output: {tmp_path / 'out'}\n")
    return path
