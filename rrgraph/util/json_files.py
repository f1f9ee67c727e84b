"""JSON files read strictly: what is damaged, ambiguous or no plain JSON is refused in one sentence."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from rrgraph.errors import DataError, RRGraphError

__all__ = ["parse_json", "read_json", "reading"]

_SHOWN = 40


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return what a JSON file holds.

    Raises:
        DataError: it is missing, cannot be read, or is not strict JSON, see `parse_json`.
    """
    try:
        return parse_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"Cannot read '{path}': {error.strerror}.") from None
    except ValueError as error:
        raise DataError(f"'{path}' is damaged: {error}.") from None


@contextmanager
def reading(what: str, error: type[RRGraphError] = DataError) -> Iterator[None]:
    """Turn what values of another kind than expected lead to, within the block, into one sentence.

    Args:
        what: is read, for the sentence: ``The metrics of the run in 'runs/x'``.
        error: to raise.
    """
    try:
        yield
    except RRGraphError as found:
        raise error(f"{what} cannot be read: {found}") from None
    except (ArithmeticError, AttributeError, AssertionError, LookupError, TypeError, ValueError) as found:
        reason = " ".join(f"{type(found).__name__}: {found!s:.120}".split()).rstrip(".")
        raise error(f"{what} cannot be read: {reason}.") from None


def parse_json(text: str) -> Any:
    """Return what a JSON text says.

    >>> parse_json('{"a": NaN}')
    Traceback (most recent call last):
    ValueError: NaN is no JSON number

    Raises:
        ValueError: it is cut off or nested too deeply, gives a key twice, or has a number that is not finite or has
            thousands of digits.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_distinct, parse_constant=_refuse, parse_float=_finite, parse_int=_whole
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
        raise ValueError(f"the key {twice[:_SHOWN]!a} is given twice")
    return values


def _refuse(number: str) -> NoReturn:
    raise ValueError(f"{number[:_SHOWN]} is no JSON number")


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


def _whole(number: str) -> int:
    return int(number) if len(number) <= _SHOWN else _refuse(number)
