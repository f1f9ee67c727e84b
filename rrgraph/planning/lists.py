"""Lists of formulas, read from files, comma-separated text or Python lists."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from rrgraph.chem import Composition, Material, as_compositions, parse_formula
from rrgraph.data import CATALOGUE, data_path
from rrgraph.errors import DataError, FormulaError, OptionError, suggestion

__all__ = ["Stock", "read_candidates", "read_materials"]

Stock: TypeAlias = str | os.PathLike[str] | Material | Iterable[Material]
"""Precursors: a file, the name of a catalogued one, formulas joined by commas, or a list of materials."""

_COLUMNS = ("formula", "precursor")


def read_materials(option: str, source: Stock, *, words: Sequence[str] = ()) -> list[Composition]:
    """Return the precursors of a file, a catalogued file, a comma-separated list or a list, each once.

    Args:
        option: that the list is the value of, for messages.
        source: where they are.
        words: what else the option takes.

    Raises:
        PlanningError: the value is empty, or neither a file nor a formula nor one of `words`.
        FormulaError: a formula cannot be read.
    """
    expected = f"expected a file, formulas joined by commas{''.join(f', {word!r}' for word in words)}"
    if not isinstance(source, str | os.PathLike):
        found = list(dict.fromkeys(as_compositions(source)))
        if not found:
            raise OptionError(option, f" is empty, {expected}.")
        return found
    choice = os.fspath(source)
    if not choice.strip(" ,"):
        raise OptionError(option, f" is '{choice}', {expected}.")
    try:
        return read_candidates(choice)
    except FormulaError as error:
        if "," in choice:
            raise
        beside = [str(other) for other in Path(choice).parent.glob("*") if other.is_file()]
        near = suggestion(choice, [*words, *beside])
        raise OptionError(option, f" is '{choice}', {expected}.{near}" if near else f": {error}") from None


def read_candidates(source: str | os.PathLike[str]) -> list[Composition]:
    """Read candidate precursors, each once, in the order they are written.

    Args:
        source: name of a catalogued list, formulas joined by commas (``"B,Cr,AlB2"``), a text file with one formula a
            line (empty lines and lines that begin with # are skipped), or a CSV file with a column `formula` or
            `precursor`.

    Raises:
        DataError: a catalogued list is not here; the file is not readable, lacks the column, has no formulas, or a
            line is not a valid formula.
        FormulaError: a formula of the comma-separated list is not a valid formula.
    """
    path = data_path(str(source)) if source in CATALOGUE else Path(source)
    if not _is_file(path):
        text = os.fspath(source)
        if path.suffix and "," not in text and path.suffix.lower() in {".csv", ".txt", ".tsv", ".list"}:
            raise DataError(f"There is no candidate file '{path}'.")
        return list(
            dict.fromkeys(
                parse_formula(piece, dopants=False) for piece in text.split(",") if piece.strip() or "," not in text
            )
        )
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Cannot read the candidate file '{path}': {error}.") from None
    lines = _csv_lines(path, content) if path.suffix.lower() == ".csv" else enumerate(content.splitlines(), start=1)
    candidates = []
    for number, line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                candidates.append(parse_formula(line.strip(), dopants=False))
            except FormulaError as error:
                raise DataError(f"Line {number} of the candidate file '{path}': {error}") from None
    if not candidates:
        raise DataError(f"The candidate file '{path}' has no formulas.")
    return list(dict.fromkeys(candidates))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a long list of formulas is not a file name
        return False


def _csv_lines(path: Path, content: str) -> list[tuple[int, str]]:
    rows = csv.DictReader(content.splitlines())
    names = [name.strip() for name in rows.fieldnames or ()]
    column = next((name for name in _COLUMNS if name in names), None)
    if column is None:
        raise DataError(
            f"The candidate file '{path}' has the columns {', '.join(names) or '(none)'}, expected one named "
            f"{' or '.join(_COLUMNS)}."
        )
    rows.fieldnames = names
    return [(rows.line_num, row[column] or "") for row in rows]
