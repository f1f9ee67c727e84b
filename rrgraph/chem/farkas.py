"""Quick and exact proofs that positive amounts of some materials do not add up to another one (Farkas' lemma).

A plane through the origin of the amounts of elements proves it if no precursor and no gas is on its far side, and the
target is there, or is on the plane while a precursor is not, whose amount would have to be 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import lcm
from operator import mul
from typing import Final

import numpy as np

from rrgraph.chem.gases import Gas

__all__ = ["Refusals", "Vector", "refusals"]

Vector = Sequence[int]

_LEAST: Final = 1e-4
"""Amount of each precursor that is asked for where a plane is searched."""
_CLOSE: Final = 1e-9
_DENOMINATOR: Final = 10_000


class Refusals:
    """Planes with a list of gases on their near side, in one order of elements.

    They are found by least squares in floating point, kept if they hold in whole numbers, and asked first the next
    time: few are needed for many sets of the same elements.

    >>> known = Refusals()
    >>> known.refuses([(1, 0), (1, 1)], [], (0, 1)), known.refuses([(1, 0), (1, 1)], [], (3, 1))
    (True, False)
    """

    def __init__(self) -> None:
        self.planes: list[list[int]] = []

    def refuses(self, precursors: Sequence[Vector], gases: Sequence[Vector], target: Vector) -> bool:
        """Whether it is proved that no positive amounts of precursors, with any of gases, make the target.

        Args:
            precursors: amounts of the elements.
            gases: the same, negative for those that leave.
            target: the same of what is made.
        """
        if any(_proves(plane, precursors, target) for plane in self.planes):
            return True
        plane = _plane(precursors, gases, target)
        if not any(_product(plane, gas) < 0 for gas in gases) and _proves(plane, precursors, target):
            self.planes.append(plane)
            return True
        return False


@lru_cache(maxsize=4096)
def refusals(elements: tuple[str, ...], gases: tuple[Gas, ...]) -> Refusals:
    """Return what is known of a list of gases."""
    return Refusals()


def _proves(plane: Vector, precursors: Sequence[Vector], target: Vector) -> bool:
    beyond = _product(plane, target)
    if beyond > 0:
        return False
    sides = [_product(plane, each) for each in precursors]
    return min(sides) >= 0 and (beyond < 0 or max(sides) > 0)


def _plane(precursors: Sequence[Vector], gases: Sequence[Vector], target: Vector) -> list[int]:
    """Return the normal of a plane that may prove it; 0 if amounts are found."""
    from scipy.optimize import nnls  # takes a quarter of a second to import, and most plans do without

    columns = np.array([*precursors, *gases, target], dtype=np.float64).T
    columns /= np.abs(columns).max()
    wanted = columns[:, -1] - _LEAST * columns[:, : len(precursors)].sum(axis=1)
    missed = columns[:, :-1] @ nnls(columns[:, :-1], wanted)[0] - wanted
    largest = np.abs(missed).max()
    if largest < _CLOSE:
        return [0] * len(target)
    exact = [_fraction(value) for value in (missed / largest).tolist()]
    common = lcm(*[denominator for _, denominator in exact])
    return [numerator * (common // denominator) for numerator, denominator in exact]


def _fraction(value: float) -> tuple[int, int]:
    """Return the last convergent of a continued fraction whose denominator is small: a quick `Fraction`."""
    numerator, denominator, before, below = 1, 0, 0, 1
    left, right = value.as_integer_ratio()
    while right:
        whole, rest = divmod(left, right)
        if below + whole * denominator > _DENOMINATOR:
            break
        numerator, before = before + whole * numerator, numerator
        denominator, below = below + whole * denominator, denominator
        left, right = right, rest
    return numerator, denominator


def _product(plane: Vector, vector: Vector) -> int:
    return sum(map(mul, plane, vector))
