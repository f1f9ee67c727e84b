from __future__ import annotations

from pathlib import Path

import pytest

from rrgraph.data import load_table
from rrgraph.model import ModelConfig
from rrgraph.runs import DataConfig, EvaluationConfig, RunConfig, RunResult, train_run
from rrgraph.training import TrainingConfig


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """A configuration that trains in about a second, on a sixth of the textbook reactions."""
    folder = tmp_path_factory.mktemp("runs")
    textbook = load_table("textbook")
    textbook.select(range(0, len(textbook), 6)).write(folder / "reactions.csv")
    return RunConfig(
        name="tiny",
        output=str(folder / "tiny"),
        data=DataConfig(table=str(folder / "reactions.csv"), split="random"),
        model=ModelConfig(width=16, layers=1, heads=1, feedforward=1, statistics=True),
        training=TrainingConfig(
            epochs=2, batch_size=256, negatives=4, sampler="element_matched", validation_targets=10, learning_rate=1e-2
        ),
        evaluation=EvaluationConfig(parts=["validation", "test"]),
    )


@pytest.fixture(scope="session")
def finished(tiny: RunConfig) -> RunResult:
    """The run of that configuration."""
    return train_run(tiny)


@pytest.fixture(scope="session")
def run_folder(finished: RunResult) -> Path:
    """Its folder."""
    return finished.folder
