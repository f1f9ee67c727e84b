"""Damaged models: refused in one sentence, or with the answer that they gave before."""

from __future__ import annotations

import pytest

from .mutations_models import attack

pytestmark = pytest.mark.slow


def test_damaged_models_are_refused_or_give_the_same_answer() -> None:
    found = attack(seed=0, number=150)
    assert not [what for what in found if what.startswith("FAULT")]
    assert found["refused"] > 100
    assert found["same"]
