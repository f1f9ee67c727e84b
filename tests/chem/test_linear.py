"""Exact elimination and interior points against their definitions."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from rrgraph.chem.linear import has_interior_point, interior_point, reduce_rows

ENTRIES = st.integers(-4, 4)


def matrices(rows, columns):
    return st.lists(st.lists(ENTRIES, min_size=columns, max_size=columns), min_size=rows, max_size=rows)


@given(st.integers(1, 4).flatmap(lambda rows: st.integers(1, 5).flatmap(lambda columns: matrices(rows, columns))))
def test_reduced_rows_keep_their_solutions(rows):
    import sympy

    width = len(rows[0])
    reduced = [list(row) for row in rows]
    pivots = reduce_rows(reduced, width)
    expected, expected_pivots = sympy.Matrix(rows).rref()
    assert tuple(pivots) == expected_pivots
    for place, column in enumerate(pivots):
        assert [Fraction(value, reduced[place][column]) for value in reduced[place]] == [
            Fraction(int(value.p), int(value.q)) for value in expected.row(place)
        ]
    assert not any(value for row in reduced[len(pivots) :] for value in row)


@settings(deadline=None)
@given(
    st.integers(1, 4).flatmap(lambda n: st.tuples(matrices(3, n), st.lists(st.integers(1, 5), min_size=n, max_size=n)))
)
def test_a_positive_solution_is_found_where_one_was_planted(case):
    coefficients, planted = case
    rows = [[*row, sum(a * x for a, x in zip(row, planted, strict=True))] for row in coefficients]
    point = interior_point([list(row) for row in rows], len(planted))
    assert point is not None and min(point) > 0
    for row in rows:
        assert sum(a * x for a, x in zip(row, point, strict=False)) == row[-1]


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 4).flatmap(lambda n: matrices(2, n + 1)))
def test_no_solution_is_overlooked_or_invented(rows):
    from scipy.optimize import linprog

    width = len(rows[0]) - 1
    point = interior_point([list(row) for row in rows], width)
    # A strictly positive solution exists when the least coordinate can be pushed above zero.
    equations = [[*row[:-1], sum(row[:-1])] for row in rows]
    found = linprog(
        [0.0] * width + [-1.0], A_eq=equations, b_eq=[row[-1] for row in rows], bounds=[(0, None)] * width + [(0, 1)]
    )
    assert (point is not None) == (found.status == 0 and -found.fun > 1e-6)
    for positive in range(1, width + 1):
        point = interior_point([list(row) for row in rows], width, positive=positive)
        assert has_interior_point([list(row) for row in rows], positive) == (point is not None)


def test_the_interior_point_is_the_mean_of_the_extreme_ones():
    assert interior_point([[1, 1, 2]], 2) == (1, 1)
    assert interior_point([[2, 1, 1]], 2) == (Fraction(1, 4), Fraction(1, 2))


def test_unbounded_directions_add_one_unit():
    assert interior_point([[1, 0, 0, 3], [0, 1, -1, 0]], 2) == (3, 1, 1)


def test_only_the_leading_coordinates_may_be_asked_to_be_positive():
    rows = [[1, 0, 2], [0, 1, 0]]
    assert interior_point([list(row) for row in rows], 1) is None
    assert interior_point([list(row) for row in rows], 1, positive=1) == (2, 0)
