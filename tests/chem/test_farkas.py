"""What is refused has no solution by the exact simplex method, and proofs are used again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rrgraph.chem.farkas import Refusals
from rrgraph.chem.linear import has_interior_point

NUMBERS = st.integers(-3, 3)


@st.composite
def equations(draw):
    """Return columns of precursors, gases and target over the same elements."""
    elements = draw(st.integers(1, 4))
    vectors = st.lists(st.tuples(*[NUMBERS] * elements), max_size=4)
    precursors = draw(vectors.filter(bool))
    return precursors, draw(vectors), draw(st.tuples(*[NUMBERS] * elements).filter(any))


@given(st.lists(equations(), min_size=1, max_size=6))
def test_nothing_is_refused_that_has_a_solution(asked):
    known: dict[tuple[int, str], Refusals] = {}
    for precursors, gases, target in asked:
        rows = np.array([*precursors, *gases, target], dtype=object).T.tolist()
        refused = known.setdefault((len(target), str(gases)), Refusals()).refuses(precursors, gases, target)
        assert not (refused and has_interior_point(rows, len(precursors)))


def test_oxygen_that_nothing_carries_off_is_refused_once_for_all_sets():
    known = Refusals()
    gases = [(0, 1)]  # of metal and oxygen; it is taken up
    assert known.refuses([(1, 2)], gases, (1, 1))
    assert known.refuses([(1, 3), (1, 2)], gases, (1, 1))
    assert len(known.planes) == 1
    assert not known.refuses([(1, 0), (1, 2)], gases, (1, 1))


def test_a_precursor_whose_amount_would_be_zero_is_refused():
    known = Refusals()
    assert known.refuses([(1, 0, 1), (0, 1, 0)], [], (1, 0, 1))
    assert not known.refuses([(1, 0, 1)], [], (1, 0, 1))
