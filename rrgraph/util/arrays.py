"""Arrays read from files, checked before anything is computed with them; and groups of entries of an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["check_array", "check_offsets", "expanded"]


def check_array(
    name: str,
    array: NDArray[Any],
    dtype: DTypeLike,
    shape: Sequence[int | None],
    *,
    low: float | None = None,
    below: float | None = None,
) -> None:
    """Refuse an array of another type or shape, or with values out of range.

    >>> check_array("members", np.array([0, 7], dtype=np.int32), np.int32, (None,), low=0, below=5)
    Traceback (most recent call last):
    ValueError: 'members' holds 7, expected less than 5

    Args:
        name: of the array, for the error.
        array: any.
        dtype: expected type.
        shape: expected lengths, None for any.
        low: smallest value allowed.
        below: every value is smaller.

    Raises:
        ValueError: naming the array and what was expected.
    """
    lengths = tuple("any" if length is None else length for length in shape)
    if array.dtype != np.dtype(dtype):
        raise ValueError(f"'{name}' holds {array.dtype}, expected {np.dtype(dtype)}")
    if array.ndim != len(shape) or any(w not in (None, n) for w, n in zip(shape, array.shape, strict=True)):
        raise ValueError(f"'{name}' has the shape {array.shape}, expected {lengths}".replace("'any'", "any"))
    if array.size == 0:
        return
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"'{name}' holds values that are not finite")
    if low is not None and (least := array.min()) < low:
        raise ValueError(f"'{name}' holds {least}, expected at least {low}")
    if below is not None and (most := array.max()) >= below:
        raise ValueError(f"'{name}' holds {most}, expected less than {below}")


def check_offsets(name: str, offsets: NDArray[Any], dtype: DTypeLike, *, rows: int | None, entries: int) -> None:
    """Refuse offsets that do not divide `entries` entries among `rows` rows, one after the other.

    Raises:
        ValueError: naming the array and what was expected.
    """
    check_array(name, offsets, dtype, (None if rows is None else rows + 1,))
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != entries or (np.diff(offsets) < 0).any():
        raise ValueError(f"'{name}' does not divide {entries} entries, expected numbers that grow from 0 to {entries}")


def expanded(
    firsts: NDArray[np.int64], lengths: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the entries of groups that are kept one after the other.

    >>> place, entry = expanded(np.array([0, 2, 3]), np.array([2, 1, 4]), np.array([1, 0]))
    >>> place.tolist(), entry.tolist()
    ([0, 1, 1], [2, 0, 1])

    Args:
        firsts: first entry of each group.
        lengths: number of its entries.
        groups: (n,) those asked for.

    Returns:
        Position in `groups` of each entry, and the entry.
    """
    number = lengths[groups]
    place = np.repeat(np.arange(len(groups)), number)
    within = np.arange(len(place)) - np.repeat(np.cumsum(number) - number, number)
    return place, firsts[groups][place] + within
