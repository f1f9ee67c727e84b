"""Exact linear algebra over integers for balancing: elimination and the extreme points of a polytope.

An equation is a row of integers `[coefficients..., right-hand side]`. There are no floats, so whether a solution exists
is decided exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd

__all__ = ["Row", "interior_point", "is_feasible", "reduce_rows"]

Row = list[int]
_Vector = tuple[Fraction, ...]


def reduce_rows(rows: list[Row], width: int) -> list[int]:
    """Bring rows to reduced echelon form in place, pivoting on the first `width` columns.

    Returns the pivot column of each leading row. Rows stay integers divided by their greatest common divisor;
    pivots are positive; a pivot column is zero in all other rows.
    """
    pivots: list[int] = []
    for column in range(width):
        top = len(pivots)
        found = next((index for index in range(top, len(rows)) if rows[index][column]), None)
        if found is None:
            continue
        rows[top], rows[found] = rows[found], rows[top]
        _pivot(rows, top, column)
        pivots.append(column)
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
        return _checked(_solution(rows, basis, width), positive)
    if not _make_feasible(rows, basis, width):
        return None
    vertices: set[_Vector] = set()
    rays: set[_Vector] = set()
    for coordinate in range(positive):
        ray = _maximise(rows, basis, coordinate, width)
        vertex = _solution(rows, basis, width)
        vertices.add(vertex)
        if ray is None and not vertex[coordinate]:
            return None
        if ray is not None:
            scale = sum(ray[:weighed]) or sum(ray)
            rays.add(tuple(value / scale for value in ray))
    point = _mean(vertices)
    if rays:
        point = tuple(value + step for value, step in zip(point, _mean(rays), strict=True))
    return _checked(point, positive)


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
            mixed = [lead * value - factor * other for value, other in zip(row, pivot, strict=True)]
            divisor = gcd(*mixed)
            rows[index] = [value // divisor for value in mixed] if divisor > 1 else mixed


def _solution(rows: list[Row], basis: list[int], width: int) -> _Vector:
    """Return the basic solution: the coordinates outside the basis are zero."""
    point = [Fraction(0)] * width
    for row, column in zip(rows, basis, strict=False):
        point[column] = Fraction(row[-1], row[column])
    return tuple(point)


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


def _maximise(rows: list[Row], basis: list[int], coordinate: int, width: int) -> _Vector | None:
    """Move to a solution where one coordinate is largest; return the ray along which it is unbounded, if any."""
    cost = [0] * (width + 1)
    cost[coordinate] = -1
    rows.append(cost)
    if coordinate in basis:
        _pivot(rows, basis.index(coordinate), coordinate)
    entering = _climb(rows, basis, width)
    rows.pop()
    if entering is None:
        return None
    ray = [Fraction(0)] * width
    ray[entering] = Fraction(1)
    for row, column in zip(rows, basis, strict=True):
        ray[column] = Fraction(-row[entering], row[column])
    return tuple(ray)


def _climb(rows: list[Row], basis: list[int], width: int) -> int | None:
    """Take simplex steps by Bland's rule (which never cycles) on rows of which the last is the cost.

    Returns the unbounded coordinate, or None at an optimum.
    """
    while True:
        entering = next((column for column in range(width) if rows[-1][column] < 0), None)
        if entering is None:
            return None
        ratios = [
            (Fraction(row[-1], row[entering]), column, index)
            for index, (row, column) in enumerate(zip(rows, basis, strict=False))
            if row[entering] > 0
        ]
        if not ratios:
            return entering
        _, _, leaving = min(ratios)
        _pivot(rows, leaving, entering)
        basis[leaving] = entering


def _mean(points: Iterable[_Vector]) -> _Vector:
    columns = list(zip(*points, strict=True))
    return tuple(sum(column, Fraction(0)) / len(column) for column in columns)
