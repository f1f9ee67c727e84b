from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rrgraph.graph.segments import Segments

NUMBERS = st.floats(0, 8, width=16)


@st.composite
def matrices(draw):
    """Rows and width of a sparse matrix, its entries (some of them in the same cell), and weights of its rows."""
    height, width, number = draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.integers(0, 15))
    rows = draw(arrays(np.int64, number, elements=st.integers(0, height - 1)))
    columns = draw(arrays(np.int64, number, elements=st.integers(0, width - 1)))
    values = draw(arrays(np.float64, number, elements=NUMBERS))
    weights = draw(arrays(np.float32, (draw(st.integers(0, 4)), height), elements=NUMBERS))
    return rows, columns, width, values, weights


def dense(rows, columns, shape, values):
    matrix = np.zeros(shape)
    np.add.at(matrix, (rows, columns), values)
    return matrix


@given(matrices())
def test_sums_equal_the_dense_product(drawn):
    rows, columns, width, values, weights = drawn
    matrix = dense(rows, columns, (weights.shape[1], width), values)
    segments = Segments(rows, columns, width=width, values=values)
    assert segments.sums(weights).shape == (len(weights), width)
    assert np.allclose(segments.sums(weights), weights @ matrix, rtol=1e-5)
    assert np.allclose(segments.totals, matrix.sum(0), rtol=1e-5)


@given(matrices())
def test_entries_without_values_count_one_each(drawn):
    rows, columns, width, _, weights = drawn
    matrix = dense(rows, columns, (weights.shape[1], width), 1.0)
    segments = Segments(rows, columns, width=width)
    assert np.allclose(segments.sums(weights), weights @ matrix, rtol=1e-5)
    assert segments.totals.tolist() == matrix.sum(0).tolist()


@given(matrices())
def test_largest_is_taken_over_the_rows_with_an_entry(drawn):
    rows, columns, width, values, weights = drawn
    expected = np.zeros((len(weights), width))
    for column in set(columns.tolist()):
        expected[:, column] = weights[:, rows[columns == column]].max(1)
    assert np.array_equal(Segments(rows, columns, width=width, values=values).largest(weights), expected)
