"""A target gets the same answer alone, in any batch and with any number of threads."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from rrgraph.chem import as_compositions
from rrgraph.models import DEFAULT_MODEL, load_model

FORMULAS = """
    BaTiO3 Li7La3Zr2O12 LiNi0.8Co0.1Mn0.1O2 CuInSe2 Cr2AlB2 Na3V2(PO4)3 Mg2Si Li6PS5Cl
""".split()  # noqa: SIM905 - shorter than a list


@pytest.fixture(scope="module")
def model():
    return load_model(DEFAULT_MODEL)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def answers(model, formulas):
    return {
        plan.target: ([str(found) for found in plan], [found.probability for found in plan])
        for plan in model.plan(formulas, top_k=5, balanced=False, literature=False)
    }


def test_digits_do_not_depend_on_the_batch(model, threads):
    together = answers(model, FORMULAS)
    for seed in range(2):
        drawn = random.Random(seed)
        threads(1 + seed % 2)
        for target, (sets, probabilities) in answers(model, drawn.sample(FORMULAS, 3 + seed)).items():
            assert sets == together[target][0]
            assert probabilities == pytest.approx(together[target][1], rel=1e-6)


def test_logits_are_the_same_to_the_last_digit(model):
    targets = as_compositions(FORMULAS[:4])
    candidates = model.vocabulary[:300]
    together = model.logits(targets, candidates)
    for number, target in enumerate(targets):
        np.testing.assert_array_equal(model.logits([target], candidates[7:90])[0], together[number, 7:90])
