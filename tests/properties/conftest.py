from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest
import torch

from rrgraph.data import TRAIN
from rrgraph.nn import EncoderConfig
from rrgraph.properties import (
    PropertyCheckpoint,
    PropertyModel,
    PropertyReport,
    PropertyTable,
    PropertyTask,
    TargetScale,
)

TASKS = (
    PropertyTask(name="formation_energy", unit="eV/atom", family="energy"),
    PropertyTask(name="crystal_system", kind="classification", classes=7, family="symmetry"),
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


REGRESSION = (
    PropertyTask(name="formation_energy", unit="eV/atom", family="energy"),
    PropertyTask(name="bulk_modulus", unit="GPa", family="elastic", transform="log", lowest=0.0),
)
SYSTEM = PropertyTask(name="crystal_system", kind="classification", classes=7, family="symmetry")


@pytest.fixture(scope="session")
def make_properties() -> Callable[..., PropertyTable]:
    """Return a function that invents compositions of given lengths with labels that depend on them."""

    def make(
        lengths: Sequence[int],
        *,
        tasks: Sequence[PropertyTask] = (REGRESSION[0], SYSTEM, REGRESSION[1]),
        known: float = 0.7,
        seed: int = 0,
    ) -> PropertyTable:
        rng = np.random.default_rng(seed)
        rows, width = len(lengths), max(lengths)
        elements = np.zeros((rows, width), dtype=np.uint8)
        fractions = np.zeros((rows, width), dtype=np.float32)
        for row, length in enumerate(lengths):
            elements[row, :length] = rng.choice(np.arange(1, 95), size=length, replace=False)
            fractions[row, :length] = rng.dirichlet(np.full(length, 2.0))
        labels = np.empty((rows, len(tasks)), dtype=np.float32)
        weight = (elements * fractions).sum(axis=1)
        for column, task in enumerate(tasks):
            labels[:, column] = weight % task.classes // 1 if task.classes else 5 + weight / 20 + column
        subsets = np.where(rng.random(labels.shape) < known, TRAIN, 0).astype(np.uint8)
        subsets[subsets.sum(axis=1) == 0, 0] = TRAIN
        labels[subsets == 0] = np.nan
        return PropertyTable(
            tasks=tuple(tasks),
            elements=elements,
            fractions=fractions,
            labels=labels,
            subsets=subsets,
            formulas=pa.chunked_array([pa.array([f"X{row}" for row in range(rows)])]),
            report=PropertyReport(rows={}, blank=0, refused=0, examples=(), doubtful=0, compositions=rows, sources=()),
        )

    return make
