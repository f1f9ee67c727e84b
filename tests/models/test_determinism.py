"""A target gets the same answer alone, in any batch, with any number of threads, and whatever is done for speed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from rrgraph.chem import as_compositions
from rrgraph.models import DEFAULT_MODEL, load_model

FORMULAS = """
    BaTiO3 Li7La3Zr2O12 LiNi0.8Co0.1Mn0.1O2 CuInSe2 Cr2AlB2 Na3V2(PO4)3 Mg2Si Li6PS5Cl
""".split()  # noqa: SIM905 - shorter than a list

#: First sets of targets of all families by probability, then that of another set; to be made anew for another model.
ANSWERS = json.loads((Path(__file__).parent / "answers.json").read_text(encoding="utf-8"))


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
            assert probabilities == pytest.approx(together[target][1], rel=3e-6)


def test_logits_are_the_same_to_the_last_digit(model):
    targets = as_compositions(FORMULAS[:4])
    candidates = model.vocabulary[:300]
    together = model.logits(targets, candidates)
    for number, target in enumerate(targets):
        np.testing.assert_array_equal(model.logits([target], candidates[7:90])[0], together[number, 7:90])


def test_the_bundled_model_keeps_its_answers(model):
    plans = model.plan(list(ANSWERS), top_k=4, literature=False)
    for plan, (*sets, (_, no_match)) in zip(plans, ANSWERS.values(), strict=True):
        assert [";".join(map(str, found.precursors)) for found in plan] == [members for members, _ in sets], plan.target
        probabilities = [probability for _, probability in sets]
        assert [found.probability for found in plan] == pytest.approx(probabilities, rel=0, abs=1e-6), plan.target
        assert plan.no_match == pytest.approx(no_match, rel=0, abs=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_gpu_gives_nearly_the_same_answers(model):
    found = {
        device: load_model(DEFAULT_MODEL, device=device).plan(FORMULAS, literature=False) for device in ("cpu", "cuda")
    }
    for one, other in zip(*found.values(), strict=True):
        by_set = {each.precursors: each.probability for each in other}
        assert all(each.probability == pytest.approx(by_set[each.precursors], rel=0, abs=1e-4) for each in one.sets[:3])
