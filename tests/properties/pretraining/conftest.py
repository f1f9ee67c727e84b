from __future__ import annotations

from pathlib import Path

import pytest

from rrgraph.nn import EncoderConfig
from rrgraph.properties.pretraining import (
    PretrainConfig,
    PretrainingConfig,
    PretrainResult,
    PropertyDataConfig,
    UserTable,
    pretrain_run,
)


@pytest.fixture(scope="session")
def pretraining(property_file: Path, tmp_path_factory: pytest.TempPathFactory) -> PretrainConfig:
    """A configuration that pretrains in about a second, on a table of invented properties."""
    columns = {
        "negativity": {"unit": "eV"},
        "size": {"transform": "log"},
        "anion": {"kind": "classification", "classes": 3},
    }
    return PretrainConfig(
        name="small",
        output=str(tmp_path_factory.mktemp("pretrain") / "small"),
        data=PropertyDataConfig(
            built_in=[], tables=[UserTable(path=str(property_file), columns=columns)], validation_fraction=0.2
        ),
        model=EncoderConfig(width=16, layers=1, heads=2, feedforward=2, weigh_fractions=True),
        training=PretrainingConfig(epochs=8, batch_size=16, learning_rate=3e-2, ema_decay=0.9),
    )


@pytest.fixture(scope="session")
def pretrained(pretraining: PretrainConfig) -> PretrainResult:
    """The run of that configuration."""
    return pretrain_run(pretraining)
