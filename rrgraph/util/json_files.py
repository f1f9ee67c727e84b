"""JSON read strictly: what is damaged, ambiguous or no plain JSON is refused in one sentence.

The files here are those that this package wrote; `rrgraph.util.inputs` reads those of users.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from rrgraph.errors import DataError, RRGraphError

__all__ = ["parse_json", "read_json", "reading"]

_SHOWN = 40


def read_json(path: str | os.PathLike[str], *, error: type[RRGraphError] = DataError, missing: Any = None) -> Any:
    """Return what a JSON file holds.

    Args:
        path: of the file.
        error: to raise where it cannot be read, or is not strict JSON, see `parse_json`.
        missing: what to return where there is no file; None refuses that.
    """
    try:
        return parse_json(Path(path).read_text(encoding="utf-8"))
    except OSError as found:
        if missing is not None and isinstance(found, FileNotFoundError):
            return missing
        raise error(f"Cannot read '{path}': {found.strerror}.") from None
    except UnicodeError:
        raise error(f"'{path}' is damaged: it is not UTF-8 text.") from None
    except ValueError as found:
        raise error(f"'{path}' is damaged: {found}.") from None


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
    except KeyError as found:
        raise error(f"{what} cannot be read: {found!s:.{_SHOWN}} is missing.") from None
    except (ArithmeticError, AttributeError, AssertionError, LookupError, RecursionError, TypeError, ValueError):
        raise error(f"{what} cannot be read: a value is of another kind than expected.") from None


def parse_json(text: str, *, finite: bool = True) -> Any:
    """Return what a JSON text says.

    >>> parse_json('{"a": NaN}')
    Traceback (most recent call last):
    ValueError: not valid JSON (NaN is no JSON number)

    Args:
        text: of one value.
        finite: whether numbers that are not finite, or have more than 40 digits, are refused.

    Raises:
        ValueError: it is not valid, is nested too deeply, gives a key twice, or has a number that is refused or has
            thousands of digits; the message is the end of a sentence.
    """
    numbers: dict[str, Any] = {"parse_constant": _refuse, "parse_float": _finite, "parse_int": _whole}
    try:
        return json.loads(text, object_pairs_hook=_distinct, **(numbers if finite else {}))
    except json.JSONDecodeError as error:
        place = f"column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno}"
        reason = f"{error.msg.removesuffix(' at')} at {place}"
    except RecursionError:
        reason = "it is nested too deeply"
    except _RefusedError as error:
        reason = str(error)
    except ValueError:
        reason = f"a number has more than {sys.get_int_max_str_digits()} digits"
    raise ValueError(f"not valid JSON ({reason})")


class _RefusedError(ValueError):
    """A value that is JSON for Python and not here."""


def _distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise _RefusedError(f"the key {twice[:_SHOWN]!r} is given twice")
    return values


def _refuse(number: str) -> NoReturn:
    raise _RefusedError(f"{number[:_SHOWN]} is no JSON number")


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


def _whole(number: str) -> int:
    return int(number) if len(number) <= _SHOWN else _refuse(number)
