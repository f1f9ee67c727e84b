"""Check that every row of `textbook.csv` is a real equation; what the rows promise is tested beside.

python -m rrgraph.data.check_textbook [FILE]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import NamedTuple

from rrgraph.chem import VOLATILE, Composition, balance, parse_formula, source_elements
from rrgraph.errors import RRGraphError

__all__ = ["TextbookRow", "problems", "read_rows"]

_MAY_LEAVE = VOLATILE | {"S", "F", "Cl", "Br", "I"}
"""Elements that gases carry away: the S of a sulfate, the Cl of NH4Cl."""


class TextbookRow(NamedTuple):
    """A row with the number of its line."""

    line: int
    target: Composition
    precursors: tuple[Composition, ...]
    category: str


def read_rows(text: str) -> list[TextbookRow]:
    """Return the rows of a CSV text with the columns target, precursors and category.

    Raises:
        FormulaError: a formula is not valid.
    """
    return [
        TextbookRow(
            line, parse_formula(row["target"]), tuple(map(parse_formula, row["precursors"].split(";"))), row["category"]
        )
        for line, row in enumerate(csv.DictReader(text.splitlines()), start=2)
    ]


def problems(rows: Iterable[TextbookRow]) -> Iterator[str]:
    """Yield a sentence for each row that is repeated, does not balance, or holds what cannot be meant."""
    lines: dict[tuple[str, frozenset[str]], int] = {}
    for row in rows:
        keys = frozenset(precursor.key for precursor in row.precursors)
        first = lines.setdefault((row.target.key, keys), row.line)
        if first != row.line or len(keys) < len(row.precursors):
            yield f"Line {row.line}: {row.target} repeats line {first} or one of its own precursors."
        if row.target.key in keys:
            yield f"Line {row.line}: {row.target} is made from itself."
        yield from _wrong_elements(row)
        yield from _unbalanced(row, keys)


def _wrong_elements(row: TextbookRow) -> Iterator[str]:
    supplied = frozenset().union(*(precursor.elements for precursor in row.precursors))
    missing = source_elements(row.target) - supplied - VOLATILE
    foreign = supplied - set(row.target.elements) - _MAY_LEAVE
    if missing or foreign:
        yield f"Line {row.line}: {row.target} lacks {sorted(missing)} or has foreign {sorted(foreign)}."


def _unbalanced(row: TextbookRow, keys: frozenset[str]) -> Iterator[str]:
    try:
        equation = balance(row.target, row.precursors)
    except RRGraphError as error:
        yield f"Line {row.line}: {error}"
        return
    used = {precursor.key for precursor, coefficient in equation.precursors if coefficient > 0}
    if used != keys:
        yield f"Line {row.line}: {equation} does not use the whole set."


def main() -> int:
    """Print the problems; exit with 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=argparse.FileType(encoding="utf-8"))
    file = parser.parse_args().file
    text = file.read() if file else (resources.files("rrgraph.data") / "textbook.csv").read_text(encoding="utf-8")
    found = list(problems(read_rows(text)))
    print("\n".join([*found, f"{len(found)} problems"]))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
