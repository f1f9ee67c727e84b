from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from rrgraph.data import load_table
from rrgraph.links import TrainingConfig
from rrgraph.nn import ModelConfig
from rrgraph.runs import BaselineConfig, DataConfig, RunConfig
from rrgraph.tuning import SearchSpace, opened_storage
from rrgraph.tuning.messages import quietly
from rrgraph.tuning.space import read_parameter

SPACE = {
    "training.learning_rate": {"range": [1e-4, 1e-1], "log": True},
    "training.sampler": {"choices": ["uniform", "hard"]},
    "training.inverse_temperature": {"range": [1.0, 10.0], "condition": {"training.sampler": "hard"}},
}


@pytest.fixture(scope="session")
def reactions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An eighth of the textbook reactions."""
    path = tmp_path_factory.mktemp("reactions") / "reactions.csv"
    textbook = load_table("textbook")
    textbook.select(range(0, len(textbook), 8)).write(path)
    return path


@pytest.fixture(scope="session")
def plain_config(reactions: Path) -> RunConfig:
    """A configuration whose trial takes well under a second."""
    return RunConfig(
        name="tiny",
        data=DataConfig(table=str(reactions), split="random"),
        model=ModelConfig(width=8, layers=1, heads=1, feedforward=1, decoder_layers=1),
        training=TrainingConfig(epochs=3, batch_size=256, patience=0, negatives_per_positive=2, learning_rate=1e-2),
    )


@pytest.fixture
def config(plain_config: RunConfig, tmp_path: Path) -> RunConfig:
    """The same with a folder of its own for the study."""
    return replace(deepcopy(plain_config), output=str(tmp_path / "study"))


@pytest.fixture
def popularity(reactions: Path, tmp_path: Path) -> BaselineConfig:
    """A baseline, which has no epochs."""
    data = DataConfig(table=str(reactions), split="random")
    return BaselineConfig(name="popular", output=str(tmp_path / "popular"), data=data)


@pytest.fixture(scope="session")
def make_space() -> Callable[..., SearchSpace]:
    """Return a function that makes a search space of options by key, the usual one without any."""

    def make(parameters: dict[str, Any] | None = None, **settings: Any) -> SearchSpace:
        given = SPACE if parameters is None else parameters
        return SearchSpace(tuple(read_parameter(key, options) for key, options in given.items()), settings)

    return make


@pytest.fixture
def trials_of() -> Callable[..., list[optuna.trial.FrozenTrial]]:
    """Return a function that gives the trials of a study."""

    def trials(url: str, name: str = "tiny") -> list[optuna.trial.FrozenTrial]:
        with quietly(), opened_storage(url) as storage:
            return optuna.load_study(study_name=name, storage=storage).get_trials()

    return trials
