from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from rrgraph.data import PropertyTask
from rrgraph.model import EncoderConfig, PropertyCheckpoint, PropertyModel, SetLists, TargetScale
from rrgraph.model.set_lists import LINK_NUMBERS, SET_NUMBERS

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


@pytest.fixture(scope="session")
def invent_lists() -> Callable[..., SetLists]:
    """Return a function that invents lists of candidate sets with random numbers."""

    def invent(lengths: Sequence[int], *, seed: int = 0, most: int = 4, links: int = 40) -> SetLists:
        draw = torch.Generator().manual_seed(seed)
        number = sum(lengths)
        members = torch.stack([torch.randperm(links, generator=draw)[:most] for _ in range(number)])
        members[torch.arange(most) > torch.randint(most, (number, 1), generator=draw)] = -1
        parts = torch.randint(3, (number, most, 2), generator=draw) * (members >= 0)[..., None]
        return SetLists(
            pointer=torch.tensor([0, *lengths]).cumsum(0),
            numbers=torch.randn(number, len(SET_NUMBERS), generator=draw),
            links=torch.randn(links, len(LINK_NUMBERS), generator=draw),
            members=members,
            parts=parts.float(),
        )

    return invent
