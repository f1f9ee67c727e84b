"""Damaged models: refused in one sentence, or with the answer that they gave before."""

import re

import pytest

from .models import models

pytestmark = pytest.mark.slow


def test_damaged_models_are_refused_or_give_the_same_answer(tmp_path):
    outcome = models(tries=150, seed=0, folder=tmp_path)
    assert not outcome.failures
    found = {end: int(count) for count, end in re.findall(r"(\d+) (\w+)", outcome.note)}
    assert found["refused"] > 100
    assert found["same"]
