from __future__ import annotations

import numpy as np
import pytest

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, element_vectors


def test_one_vector_an_element():
    vectors = element_vectors()
    assert vectors.shape == (len(ELEMENTS), 200)
    assert np.isfinite(vectors).all()
    assert len(np.unique(vectors[:94], axis=0)) == 94


def test_elements_of_a_group_are_alike():
    vectors = element_vectors() / np.linalg.norm(element_vectors(), axis=1, keepdims=True)
    for symbol, near, far in (("Cl", "Br", "Zr"), ("La", "Nd", "S"), ("Ti", "Zr", "I")):
        own, alike, other = (vectors[ATOMIC_NUMBERS[name] - 1] for name in (symbol, near, far))
        assert own @ alike > own @ other + 0.1


def test_they_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        element_vectors()[0, 0] = 1.0
