from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from rrgraph.data import PropertyTask
from rrgraph.model import EncoderConfig, PropertyCheckpoint, PropertyModel, TargetScale

TASKS = (
    PropertyTask(name="formation_energy", unit="eV/atom", family="energy"),
    PropertyTask(name="crystal_system", kind="class", classes=7, family="symmetry"),
    PropertyTask(name="bulk_modulus", unit="GPa", family="elastic", transform="log", lowest=0.0),
    PropertyTask(name="band_gap", unit="eV", family="gap", lowest=0.0),
    PropertyTask(name="anisotropy", family="anisotropy", transform="asinh"),
)
"""Regression and class tasks in mixed order, one of each transform."""


@pytest.fixture(scope="session")
def tasks() -> tuple[PropertyTask, ...]:
    return TASKS


@pytest.fixture(scope="session")
def make_checkpoint() -> Callable[..., PropertyCheckpoint]:
    """Return a function that builds a small property model with random weights and a scale far from neutral."""

    def make(tasks: tuple[PropertyTask, ...] = TASKS, **encoder: object) -> PropertyCheckpoint:
        torch.manual_seed(0)
        regression = [task for task in tasks if task.kind == "regression"]
        center, scale = np.linspace(-1, 2, len(regression)), np.linspace(0.3, 1.1, len(regression))
        config = EncoderConfig(**{"width": 16, "layers": 2, "heads": 2, **encoder})
        model = PropertyModel(config, tasks, scale=TargetScale(regression, center, scale))
        model.set_spread(np.linspace(1.1, 1.5, len(regression)))
        return PropertyCheckpoint(model=model.eval(), metadata={"name": "invented", "seed": 3})

    return make
