from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem import parse_formula
from rrgraph.errors import DataError
from rrgraph.properties.pretraining import PrototypeBaseline
from rrgraph.properties.pretraining.prototypes import prototypes


def padded(amounts, width=5):
    """Atomic fractions of integer amounts as the float32 rows that models see."""
    rows = np.zeros((len(amounts), width), dtype=np.float32)
    for row, counts in enumerate(amounts):
        rows[row, : len(counts)] = np.array(counts) / np.sum(counts)
    return rows


def formula_fractions(*formulas):
    return padded([[float(x) for x in parse_formula(formula).fractions.values()] for formula in formulas])


def test_materials_of_one_stoichiometry_share_a_prototype():
    keys = prototypes(formula_fractions("BaTiO3", "O3SrTi", "Fe2O3", "Al4O6", "LiFePO4", "NaMnPO4", "Si"))
    assert keys.tolist() == ["ABC3", "ABC3", "A2B3", "A2B3", "ABCD4", "ABCD4", "A"]


def test_neither_padding_nor_order_matters():
    rows = np.array([[0.2, 0.6, 0.2, 0, 0], [0, 0.6, 0, 0.2, 0.2]], dtype=np.float32)
    assert prototypes(rows).tolist() == ["ABC3", "ABC3"]


@given(st.lists(st.lists(st.integers(1, 25), min_size=1, max_size=5), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_integer_amounts_survive_single_precision(amounts):
    expected = []
    for counts in amounts:
        shortest = [c // np.gcd.reduce(counts) for c in sorted(counts)]
        expected.append("".join(f"{chr(65 + i)}{c if c > 1 else ''}" for i, c in enumerate(shortest)))
    assert prototypes(padded(amounts)).tolist() == expected


def test_a_small_dopant_is_another_prototype_and_a_rounding_artefact_is_not():
    rows = np.array([[0.5, 0.5, 0], [0.50002, 0.49998, 0], [0.499, 0.5, 0.001]])
    one, artefact, doped = prototypes(rows)
    assert one == artefact != doped


def naive_order(amounts, labels, classes, query):
    """Classes by count in the prototype, then by count overall."""
    same = Counter(label for counts, label in zip(amounts, labels, strict=True) if sorted(counts) == sorted(query))
    overall = Counter(labels)
    return sorted(range(classes), key=lambda c: (-same[c], -overall[c], c))


patterns = st.sampled_from([(1,), (1, 1), (1, 2), (2, 3), (1, 1, 3), (1, 2, 4)])


@given(st.lists(st.tuples(patterns, st.integers(0, 4)), min_size=1, max_size=40), patterns)
@settings(max_examples=200, deadline=None)
def test_ranking_equals_a_naive_count(training, query):
    amounts, labels = [list(p) for p, _ in training], [label for _, label in training]
    baseline = PrototypeBaseline.fit(padded(amounts), labels, classes=5)
    found = baseline.probabilities(padded([list(query)]))[0]
    assert found.sum() == pytest.approx(1)
    assert found.min() > 0
    assert np.argsort(-found, kind="stable").tolist() == naive_order(amounts, labels, 5, query)


def test_an_unseen_prototype_gets_the_overall_frequency():
    baseline = PrototypeBaseline.fit(padded([[1, 1], [1, 1], [1, 2]]), [2, 2, 0], classes=3)
    unseen, seen = baseline.probabilities(padded([[3, 4], [2, 1]]))
    assert np.argsort(-unseen).tolist() == [2, 0, 1]
    assert np.argmax(seen) == 0


def test_wider_padding_than_in_training_is_read():
    baseline = PrototypeBaseline.fit(padded([[1, 1]], width=2), [1], classes=2)
    np.testing.assert_array_equal(
        baseline.probabilities(padded([[1, 1]], width=9)), baseline.probabilities(padded([[1, 1]], width=2))
    )


@pytest.mark.parametrize("labels", [[0], [0, 3], [0, -1], [0, np.nan], [0, 0.5]])
def test_bad_labels_are_refused(labels):
    with pytest.raises(DataError, match="label"):
        PrototypeBaseline.fit(padded([[1, 1], [1, 2]]), labels, classes=3)


@pytest.mark.parametrize("rows", [np.zeros(3), [[0.0, 0.0]], [[-0.5, 1.5]], [[np.nan, 1.0]]])
def test_rows_that_are_no_composition_are_refused(rows):
    with pytest.raises(DataError, match="atomic fractions"):
        prototypes(rows)
