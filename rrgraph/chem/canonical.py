"""The canonical key: one short text for all spellings of the same material.

Two materials are the same when their atomic fractions have the same smallest integer formula within `TOLERANCE`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm

import numpy as np

__all__ = ["MAX_ATOMS", "TOLERANCE", "canonical_key", "key_amounts"]

#: Largest difference between an atomic fraction and its value in the key.
TOLERANCE = 5e-5
#: Largest number of atoms in the integer formula of a key; beyond it, fractions are rounded to four decimals.
MAX_ATOMS = 10_000
#: Two different fractions with denominators N, N' differ by at least 1/(N N'): up to 141 atoms no shorter
#: formula can lie within 1/20,000, so the exact formula is the shortest.
_EXACT_ATOMS = 141
_INVERSE_TOLERANCE = 20_000
#: Numbers of atoms that are tried together; the first blocks are small because most results are.
_BLOCKS = [np.arange(start, stop, dtype=float) for start, stop in ((1, 512), (512, 2048), (2048, MAX_ATOMS))]


def canonical_key(amounts: Sequence[tuple[str, Fraction]]) -> str:
    """Return the key of positive amounts: ``"Fe2O3"`` for Fe4O6, ``"CoLiO2"`` for LiCoO2.

    The key is the integer formula of the fewest atoms N <= `MAX_ATOMS` with every |x_e - k_e / N| <= `TOLERANCE`
    and every k_e >= 1, symbols in alphabetical order. Above 141 atoms it may differ from the exact formula, and parsing
    it again may give a still shorter key: a key is an identifier, so store the formula as well.
    """
    ordered = sorted(amounts)
    common = lcm(*(amount.denominator for _, amount in ordered))
    counts = _shortest(_reduce([amount.numerator * (common // amount.denominator) for _, amount in ordered]))
    return "".join(
        f"{symbol}{count}" if count > 1 else symbol for (symbol, _), count in zip(ordered, counts, strict=True)
    )


@lru_cache(maxsize=2**12)
def key_amounts(key: str) -> tuple[tuple[str, Fraction], ...]:
    """Return the amounts of a key, which `parse_formula` might take for a slip: `Hg21S201` is not an oxide.

    >>> key_amounts("Fe2O3")
    (('Fe', Fraction(2, 1)), ('O', Fraction(3, 1)))
    """
    return tuple((symbol, Fraction(int(count or 1))) for symbol, count in re.findall(r"([A-Z][a-z]?)(\d*)", key))


def _shortest(counts: list[int]) -> list[int]:
    """Return the shortest integer formula within the tolerance of reduced counts."""
    total = sum(counts)
    if total <= _EXACT_ATOMS:
        return counts
    # At MAX_ATOMS the nearest integers are the rounding to four decimals, so the search may stop before it.
    for sizes in _BLOCKS:
        for size in _proposals(sizes, [count / total for count in counts]):
            if size >= total:
                return counts
            candidate = [(2 * count * size + total) // (2 * total) for count in counts]
            if sum(candidate) == size and min(candidate) >= 1 and _within(candidate, size, counts, total):
                return candidate
    if total <= MAX_ATOMS:
        return counts
    return _reduce([max(1, (2 * MAX_ATOMS * count + total) // (2 * total)) for count in counts])


def _proposals(sizes: np.ndarray, fractions: list[float]) -> list[int]:
    """Return the numbers of atoms that floating-point arithmetic cannot exclude, smallest first."""
    for fraction in fractions:
        products = sizes * fraction
        sizes = sizes[np.abs(products - np.rint(products)) <= sizes * (TOLERANCE + 1e-12)]
    proposals: list[int] = sizes.astype(int).tolist()
    return proposals


def _within(candidate: list[int], size: int, counts: list[int], total: int) -> bool:
    """Whether all fractions of the candidate are within the tolerance, in exact arithmetic."""
    limit = size * total
    return all(
        abs(count * size - guess * total) * _INVERSE_TOLERANCE <= limit
        for count, guess in zip(counts, candidate, strict=True)
    )


def _reduce(counts: list[int]) -> list[int]:
    divisor = gcd(*counts)
    return [count // divisor for count in counts]
