from __future__ import annotations

import numpy as np
import pytest

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, element_vectors, parse_formula
from rrgraph.graph import element_presence
from rrgraph.graph.elements import DIMENSION, element_similarity, mean_vectors, reduced_vectors, unit_rows


def test_presence_has_a_column_for_each_element():
    present = element_presence([{"Li", "Co", "O"}, set(), ["H"]])
    assert present.shape == (3, len(ELEMENTS))
    assert [ELEMENTS[column] for column in np.flatnonzero(present[0])] == ["Li", "O", "Co"]
    assert not present[1].any()
    assert present[2].sum() == present[2, 0] == 1


def test_mean_vectors_are_weighted_by_fractions():
    vectors = reduced_vectors()
    iron, oxygen = vectors[ATOMIC_NUMBERS["Fe"] - 1], vectors[ATOMIC_NUMBERS["O"] - 1]
    (found,) = mean_vectors([parse_formula("Fe2O3")])
    assert found.shape == (DIMENSION,)
    assert found == pytest.approx(0.4 * iron + 0.6 * oxygen, abs=1e-6)
    assert mean_vectors([]).shape == (0, DIMENSION)


def test_reduced_vectors_keep_most_of_the_distances():
    vectors = unit_rows(element_vectors()[:94])
    before = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    kept = reduced_vectors()[:94]
    after = np.linalg.norm(kept[:, None] - kept[None], axis=-1)
    assert (after <= before + 1e-5).all()
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.95
    # The axes are ordered by variance and each points to its largest component.
    spread = kept.std(0)
    assert (np.diff(spread) < 1e-6).all()


def test_similar_elements_are_similar():
    similarity = element_similarity()
    place = {symbol: number - 1 for symbol, number in ATOMIC_NUMBERS.items()}
    assert np.array_equal(np.diag(similarity), np.ones(len(ELEMENTS)))
    assert np.allclose(similarity, similarity.T, atol=1e-6)
    assert (similarity > 0).all()
    assert similarity.max() <= 1
    assert similarity[place["Nd"], place["La"]] > 3 * similarity[place["Nd"], place["Cl"]]


def test_unit_rows_leave_zeros():
    assert unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[0.6, 0.8], [0.0, 0.0]]
