"""Exact linear algebra over integers for balancing: elimination and the extreme points of a polytope.

An equation is a row of integers `[coefficients..., right-hand side]`. There are no floats, so whether a solution exists
is decided exactly.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from math import gcd, lcm
from operator import mul

__all__ = ["Row", "has_interior_point", "interior_point", "is_feasible", "reduce_rows"]

Row = list[int]
_Vector = tuple[Fraction, ...]
_Scaled = tuple[int, ...]
"""Coordinates as integers, the last of them their common denominator, without a common divisor."""


def reduce_rows(rows: list[Row], width: int) -> list[int]:
    """Bring rows to reduced echelon form in place, pivoting on the first `width` columns.

    Returns the pivot column of each leading row. Rows stay integers divided by their greatest common divisor;
    pivots are positive; a pivot column is zero in all other rows.
    """
    pivots: list[int] = []
    number, top = len(rows), 0
    for column in range(width):
        for found in range(top, number):
            if rows[found][column]:
                rows[top], rows[found] = rows[found], rows[top]
                _pivot(rows, top, column)
                pivots.append(column)
                top += 1
                break
    return pivots


def interior_point(rows: list[Row], weighed: int, *, positive: int | None = None) -> _Vector | None:
    """Return a solution >= 0 with every coordinate positive, or None if there is none.

    The point is the mean of the extreme solutions found by maximising each coordinate in turn; where the
    solutions are unbounded, the mean of the rays found is added, each scaled so that its first `weighed`
    coordinates sum to 1.

    Args:
        rows: independent or dependent equations; changed in place.
        weighed: number of leading coordinates (the precursors).
        positive: number of leading coordinates that have to be positive; by default all.
    """
    width = len(rows[0]) - 1
    positive = width if positive is None else positive
    basis = reduce_rows(rows, width)
    if any(row[-1] for row in rows[len(basis) :]):
        return None
    del rows[len(basis) :]
    if len(basis) == width:
        return _checked(_mean({_solution(rows, basis, width)}), positive)
    if not _make_feasible(rows, basis, width):
        return None
    vertices: set[_Scaled] = set()
    rays: set[_Scaled] = set()
    for coordinate in range(positive):
        ray = _maximise(rows, basis, coordinate, width)
        vertex = _solution(rows, basis, width)
        vertices.add(vertex)
        if ray is None and not vertex[coordinate]:
            return None
        if ray is not None:
            rays.add(_shortened([*ray, sum(ray[:weighed]) or sum(ray)]))
    point = _mean(vertices)
    if rays:
        point = tuple([value + step for value, step in zip(point, _mean(rays), strict=True)])
    return _checked(point, positive)


def has_interior_point(rows: list[Row], positive: int) -> bool:
    """Whether `interior_point` finds a solution, where the first `positive` coordinates have to be so."""
    width = len(rows[0]) - 1
    basis = reduce_rows(rows, width)
    if any(row[-1] for row in rows[len(basis) :]):
        return False
    del rows[len(basis) :]
    if not _make_feasible(rows, basis, width):
        return False
    waiting = set(range(positive)).difference(_occurring(rows, basis))
    while waiting:
        coordinate = min(waiting)
        ray = _maximise(rows, basis, coordinate, width)
        # Each coordinate that is positive at some vertex, or along some ray, is so in the mean of all of these.
        found = _occurring(rows, basis).union(() if ray is None else (each for each in range(width) if ray[each]))
        if coordinate not in found:
            return False
        waiting -= found
    return True


def is_feasible(rows: list[Row]) -> bool:
    """Whether equations, which are changed in place, have a solution >= 0."""
    width = len(rows[0]) - 1
    basis = reduce_rows(rows, width)
    if any(row[-1] for row in rows[len(basis) :]):
        return False
    del rows[len(basis) :]
    return _make_feasible(rows, basis, width)


def _checked(point: _Vector, positive: int) -> _Vector | None:
    return point if min(point) >= 0 and min(point[:positive]) > 0 else None


def _pivot(rows: list[Row], top: int, column: int) -> None:
    """Make the entry at (top, column) positive and clear the column in all other rows."""
    pivot = rows[top]
    if pivot[column] < 0:
        pivot = rows[top] = [-value for value in pivot]
    lead = pivot[column]
    for index, row in enumerate(rows):
        factor = row[column]
        if factor and index != top:
            mixed = [lead * value - factor * other for value, other in zip(row, pivot)]  # noqa: B905 - much is done here
            divisor = gcd(*mixed)
            rows[index] = [value // divisor for value in mixed] if divisor > 1 else mixed


def _solution(rows: list[Row], basis: list[int], width: int) -> _Scaled:
    """Return the basic solution: the coordinates outside the basis are zero."""
    common = lcm(*[row[column] for row, column in zip(rows, basis, strict=False)])
    point = [0] * width + [common]
    for row, column in zip(rows, basis, strict=False):
        point[column] = row[-1] * (common // row[column])
    return _shortened(point)


def _shortened(point: Row) -> _Scaled:
    divisor = gcd(*point)
    return tuple([value // divisor for value in point])


def _occurring(rows: list[Row], basis: list[int]) -> set[int]:
    """Return the coordinates of the basic solution that are not zero."""
    return {column for row, column in zip(rows, basis, strict=False) if row[-1]}


def _make_feasible(rows: list[Row], basis: list[int], width: int) -> bool:
    """Move to a basic solution without negative coordinates (phase one of the simplex method)."""
    negative = [index for index, row in enumerate(rows) if row[-1] < 0]
    if not negative:
        return True
    for index, row in enumerate(rows):  # one artificial coordinate for each row that starts below zero
        artificial = [int(index == other) for other in negative]
        sign = -1 if index in negative else 1
        rows[index] = [sign * value for value in row[:-1]] + artificial + [sign * row[-1]]
    for column, index in enumerate(negative, start=width):
        basis[index] = column
    total = width + len(negative)
    cost = [-sum(column) for column in zip(*(rows[index] for index in negative), strict=True)]
    cost[width:total] = [0] * len(negative)
    rows.append(cost)
    _climb(rows, basis, width)
    if rows.pop()[-1] != 0:
        return False
    for index, column in enumerate(basis):  # replace artificial coordinates that are left at zero
        if column >= width:
            entering = next(real for real, value in enumerate(rows[index][:width]) if value)
            _pivot(rows, index, entering)
            basis[index] = entering
    rows[:] = [row[:width] + row[-1:] for row in rows]
    return True


def _maximise(rows: list[Row], basis: list[int], coordinate: int, width: int) -> Row | None:
    """Move to a solution where one coordinate is largest; return a ray along which it is unbounded, if any."""
    cost = [0] * (width + 1)
    cost[coordinate] = -1
    rows.append(cost)
    if coordinate in basis:
        _pivot(rows, basis.index(coordinate), coordinate)
    entering = _climb(rows, basis, width)
    rows.pop()
    if entering is None:
        return None
    ray = [0] * width
    ray[entering] = common = lcm(*[row[column] for row, column in zip(rows, basis, strict=True)])
    for row, column in zip(rows, basis, strict=True):
        ray[column] = -row[entering] * (common // row[column])
    return ray


def _climb(rows: list[Row], basis: list[int], width: int) -> int | None:
    """Take simplex steps by Bland's rule (which never cycles) on rows of which the last is the cost.

    Returns the unbounded coordinate, or None at an optimum.
    """
    while True:
        cost = rows[-1]
        entering = next((column for column in range(width) if cost[column] < 0), None)
        if entering is None:
            return None
        leaving, least, by = -1, 0, 0  # the row of the least ratio, and its ratio as a fraction
        for index, column in enumerate(basis):
            row = rows[index]
            if (pivot := row[entering]) > 0:
                difference = row[-1] * by - least * pivot
                if leaving < 0 or difference < 0 or (not difference and column < basis[leaving]):
                    leaving, least, by = index, row[-1], pivot
        if leaving < 0:
            return entering
        _pivot(rows, leaving, entering)
        basis[leaving] = entering


def _mean(points: Collection[_Scaled]) -> _Vector:
    common = lcm(*[point[-1] for point in points])
    scales = [common // point[-1] for point in points]
    columns = list(zip(*points, strict=True))[:-1]
    number = common * len(points)
    return tuple([Fraction(sum(map(mul, column, scales)), number) for column in columns])
