from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rrgraph.data import load_table
from rrgraph.model import EncoderConfig, ModelConfig, SetScorerConfig
from rrgraph.runs import (
    DataConfig,
    EvaluationConfig,
    PretrainConfig,
    PretrainResult,
    PropertyDataConfig,
    RunConfig,
    RunResult,
    SetsConfig,
    UserTable,
    pretrain_run,
    train_run,
)
from rrgraph.training import PretrainingConfig, SetTrainingConfig, TrainingConfig, TreesConfig


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


@pytest.fixture(scope="session")
def two_stages(tiny: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """The same with several decoders and a second stage that ranks whole sets."""
    return replace(
        tiny,
        name="two",
        output=str(tmp_path_factory.mktemp("two") / "run"),
        model=replace(tiny.model, members=2),
        training=replace(tiny.training, encoder_learning_rate=0.0),
        sets=SetsConfig(
            enabled=True,
            trees=TreesConfig(number=3, depth=2, leaves=4, least=2),
            model=SetScorerConfig(width=8),
            training=SetTrainingConfig(epochs=3, batch_size=16, candidates=8, average=0.5),
        ),
        evaluation=replace(tiny.evaluation, mode="listwise"),
    )


@pytest.fixture(scope="session")
def ranked(two_stages: RunConfig) -> RunResult:
    """The run of that configuration."""
    return train_run(two_stages)


@pytest.fixture(scope="session")
def pretraining(property_file: Path, tmp_path_factory: pytest.TempPathFactory) -> PretrainConfig:
    """A configuration that pretrains in about a second, on a table of invented properties."""
    columns = {"negativity": {"unit": "eV"}, "size": {"transform": "log"}, "anion": {"kind": "class", "classes": 3}}
    return PretrainConfig(
        name="small",
        output=str(tmp_path_factory.mktemp("pretrain") / "small"),
        data=PropertyDataConfig(
            built_in=[], tables=[UserTable(path=str(property_file), columns=columns)], validation_fraction=0.2
        ),
        model=EncoderConfig(width=16, layers=1, heads=2, feedforward=2, weigh_fractions=True),
        training=PretrainingConfig(epochs=8, batch_size=16, learning_rate=3e-2, average=0.9),
    )


@pytest.fixture(scope="session")
def pretrained(pretraining: PretrainConfig) -> PretrainResult:
    """The run of that configuration."""
    return pretrain_run(pretraining)
