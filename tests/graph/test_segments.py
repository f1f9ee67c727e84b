from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rrgraph.graph.segments import Segments

NUMBERS = st.floats(0, 8, width=16)


@st.composite
def matrices(draw):
    """Entries of a sparse matrix (some of them in the same cell), its shape, and weights of its rows."""
    height, width, number = draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.integers(0, 15))
    rows = draw(arrays(np.int64, number, elements=st.integers(0, height - 1)))
    columns = draw(arrays(np.int64, number, elements=st.integers(0, width - 1)))
    values = draw(arrays(np.float64, number, elements=NUMBERS))
    weights = draw(arrays(np.float32, (height, draw(st.integers(0, 4))), elements=NUMBERS))
    return rows, columns, (height, width), values, weights


def dense(rows, columns, shape, values):
    matrix = np.zeros(shape)
    np.add.at(matrix, (rows, columns), values)
    return matrix


@given(matrices())
def test_sums_equal_the_dense_product(drawn):
    rows, columns, shape, values, weights = drawn
    matrix = dense(rows, columns, shape, values)
    segments = Segments(rows, columns, shape=shape, values=values)
    assert segments.sums(weights).shape == (shape[1], weights.shape[1])
    assert np.allclose(segments.sums(weights), matrix.T @ weights, rtol=1e-5)
    some = np.arange(shape[1])[::-2]
    assert np.array_equal(segments.sums(weights, some), segments.sums(weights)[some])
    assert np.allclose(segments.totals, matrix.sum(0), rtol=1e-5)


@given(matrices())
def test_entries_without_values_count_one_each(drawn):
    rows, columns, shape, _, weights = drawn
    matrix = dense(rows, columns, shape, 1.0)
    segments = Segments(rows, columns, shape=shape)
    assert np.allclose(segments.sums(weights), matrix.T @ weights, rtol=1e-5)
    assert segments.totals.tolist() == matrix.sum(0).tolist()


@given(matrices())
def test_largest_is_taken_over_the_rows_with_an_entry(drawn):
    rows, columns, shape, values, weights = drawn
    expected = np.zeros((shape[1], weights.shape[1]))
    for column in set(columns.tolist()):
        expected[column] = weights[rows[columns == column]].max(0)
    assert np.array_equal(Segments(rows, columns, shape=shape, values=values).largest(weights), expected)
