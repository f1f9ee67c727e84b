"""Plain text for people: aligned tables, visible control characters, probabilities with as many digits as count."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

__all__ = ["GAP", "column_widths", "escaped", "percent", "plain_table"]

GAP = 2
"""Spaces between the columns of a table."""

#: Controls of terminals (C0, C1), invisible characters, those that change the direction of text, and lone surrogates.
_CONTROLS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escaped(text: str, *, keep: str = "") -> str:
    """Return text whose control and invisible characters are shown and not obeyed.

    Those beyond ASCII are written as JSON writes them, so that a line of JSON keeps its meaning.

    Args:
        text: of any origin.
        keep: control characters that stay.

    >>> print(escaped("BaTiO3 \\x1b[2J\\u202e"))
    BaTiO3 \\x1b[2J\\u202e
    """
    if text.isprintable():
        return text
    return _CONTROLS.sub(lambda found: found[0] if found[0] in keep else _code(found[0]), text)


def _code(letter: str) -> str:
    number = ord(letter)
    return _SHORT.get(letter) or (f"\\x{number:02x}" if number < 0x20 else f"\\u{number:04x}")


def percent(probability: float) -> str:
    """Return a probability with two digits that count: ``41 %``, ``4.3 %``; ``< 0.01 %`` and ``> 99 %`` at the ends."""
    if probability < 1e-4:
        return "< 0.01 %"
    return "> 99 %" if probability >= 0.995 else f"{100 * probability:.2g} %"


def plain_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Collection[str] = ()) -> str:
    """Return a table with aligned columns, one line a row; those that `numbers` names are aligned to the right."""
    right = [name in numbers for name in header]
    widths = column_widths([header, *rows])
    lines = []
    for line in [header, *rows]:
        cells = (
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(line, widths, right, strict=True)
        )
        lines.append((" " * GAP).join(cells).rstrip())
    return "\n".join(lines)


def column_widths(lines: Sequence[Sequence[str]]) -> list[int]:
    """Return the characters that each column takes."""
    return [max(len(part) for cell in column for part in cell.split("\n")) for column in zip(*lines, strict=True)]
