from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from rrgraph.chem import parse_formula
from rrgraph.models import CANDIDATE_CLASSES, CandidatePrior, candidate_classes

NUMBER = len(CANDIDATE_CLASSES)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def naive(logits, classes, recorded, weights):
    """Return the offset of each class with which as many links are expected as are recorded, relative to seen ones."""

    def offset(group):
        own = classes == group
        return brentq(lambda x: weights[own] @ (sigmoid(logits[own] + x) - recorded[own]), -20, 20)

    return np.array([offset(group) for group in range(NUMBER)]) - offset(-1)


@pytest.fixture(scope="module")
def links():
    draw = np.random.default_rng(0)
    logits = draw.normal(-2, 1.5, 90_000)
    classes = np.arange(len(logits)) % (NUMBER + 1) - 1
    recorded = draw.random(len(logits)) < sigmoid(logits)
    # The decoders think too little of some candidates, too much of others, and too much of all.
    wrong = np.append(np.linspace(-2, 2, NUMBER), 0.0)[classes]
    return logits + wrong + 0.4, classes, recorded, draw.integers(1, 4, len(logits)).astype(float)


def test_the_offsets_make_as_many_links_expected_as_there_are(links):
    found = CandidatePrior.fit(*links).offsets
    assert found == pytest.approx(-np.linspace(-2, 2, NUMBER), abs=0.2)
    assert found == pytest.approx(naive(*links), abs=0.01)


def test_a_weight_stands_for_so_many_links(links):
    repeated = [np.repeat(each, links[3].astype(int)) for each in links[:3]]
    assert CandidatePrior.fit(*links).offsets == pytest.approx(CandidatePrior.fit(*repeated).offsets, abs=1e-9)


def test_a_class_that_links_say_nothing_of_has_a_small_offset():
    classes, recorded = np.repeat([-1, 0, 1, 2], [1000, 1, 1000, 1]), np.zeros(2002, dtype=bool)
    recorded[:500] = recorded[-1] = True
    one, none, recorded_once, empty, _ = CandidatePrior.fit(np.zeros(2002), classes, recorded).offsets
    assert -2 < one < 0 < recorded_once < 2
    assert -9 < none < -5  # 500 are expected and none is there
    assert empty == pytest.approx(0, abs=1e-9)


def test_classes_of_candidates():
    names = ["BaCO3", "CsF", "BaTe", "BaTi4O9", "LaAgO9"]
    assert [CANDIDATE_CLASSES[each] for each in candidate_classes([parse_formula(name) for name in names])] == [
        "textbook",
        "purchasable",
        "known",
        "generated",
        "generated",
    ]
    only = {parse_formula("CsF").key}
    assert candidate_classes([parse_formula(name) for name in names[:2]], textbook=only).tolist() == [2, 1]
    assert candidate_classes([parse_formula(name) for name in names[:3]], offered=only).tolist() == [0, 2, 0]
    assert candidate_classes([parse_formula(name) for name in names[:3]], offered=()).tolist() == [0, 0, 0]
    made_up = {parse_formula("LaAgO9").key}
    assert candidate_classes([parse_formula(name) for name in names], made_up=made_up).tolist() == [1, 2, 3, 3, 4]


def test_offsets_are_those_of_the_classes():
    prior = CandidatePrior(np.arange(1.0, NUMBER + 1))
    assert prior.of(np.array([-1, 0, NUMBER - 1, -1])).tolist() == [0, 1, NUMBER, 0]


def test_what_is_stored_is_read_again():
    prior = CandidatePrior(np.linspace(-5, 5, NUMBER))
    stored = prior.to_stored()
    assert stored == {"listed": -5.0, "textbook": -2.5, "purchasable": 0.0, "known": 2.5, "generated": 5.0}
    assert (CandidatePrior.from_stored(stored).offsets == prior.offsets).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"known": float("nan")}, "expected -15 to 15"),
        ({"known": 99.0}, "expected -15 to 15"),
        ({"known": "1"}, "'known' is '1', expected a float"),
        ({"other": 0.0}, "expected listed, textbook, purchasable, known, generated"),
    ],
)
def test_a_damaged_prior_is_refused(change, message):
    stored = CandidatePrior(np.zeros(NUMBER)).to_stored()
    with pytest.raises(ValueError, match=message):
        CandidatePrior.from_stored(stored | change)
