from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest

from rrgraph.data import TRAIN, PropertyReport, PropertyTable, PropertyTask

REGRESSION = (
    PropertyTask(name="formation_energy", unit="eV/atom", family="energy"),
    PropertyTask(name="bulk_modulus", unit="GPa", family="elastic", transform="log", lowest=0.0),
)
SYSTEM = PropertyTask(name="crystal_system", kind="class", classes=7, family="symmetry")


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
        parts = np.where(rng.random(labels.shape) < known, TRAIN, 0).astype(np.uint8)
        parts[parts.sum(axis=1) == 0, 0] = TRAIN
        labels[parts == 0] = np.nan
        return PropertyTable(
            tasks=tuple(tasks),
            elements=elements,
            fractions=fractions,
            labels=labels,
            parts=parts,
            formulas=pa.chunked_array([pa.array([f"X{row}" for row in range(rows)])]),
            report=PropertyReport(rows={}, blank=0, refused=0, examples=(), doubtful=0, compositions=rows, sources=()),
        )

    return make
