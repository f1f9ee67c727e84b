import numpy as np
import pytest

from rrgraph.chem import ATOMIC_NUMBERS, ELEMENTS, fraction_matrix, parse_formula


def test_rows_hold_atomic_fractions_at_the_place_of_each_element():
    found = fraction_matrix([parse_formula("Fe2O3"), parse_formula("Li")])
    assert found.shape == (2, len(ELEMENTS))
    assert found[0, ATOMIC_NUMBERS["Fe"] - 1] == pytest.approx(0.4)
    assert found[0, ATOMIC_NUMBERS["O"] - 1] == pytest.approx(0.6)
    assert np.count_nonzero(found) == 3
    assert found[1, ATOMIC_NUMBERS["Li"] - 1] == 1
