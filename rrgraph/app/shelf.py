"""What is on a shelf: text that was pasted, or a file that was chosen."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rrgraph.app.questions import MOST_SHELF, RequestError
from rrgraph.errors import DataWarning, RRGraphError
from rrgraph.lab import StockItem, read_stock
from rrgraph.util.sheets import csv_text

__all__ = ["read_shelf", "shelf_of_file", "shelf_text"]

_TEXTS: Final = (".csv", ".tsv", ".txt")


def read_shelf(text: str) -> list[StockItem]:
    """Return what is on a shelf: formulas, or a table as `rrgraph.lab.read_stock` reads it.

    Raises:
        RequestError: it cannot be read.
    """
    return _read("shelf.txt", text.encode())


def shelf_of_file(name: str, content: bytes) -> str:
    """Return the text of an uploaded file, which can be read; of a workbook its first sheet as a table.

    Raises:
        RequestError: it cannot be read, or is too long.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in (*_TEXTS, ".xlsx"):
        raise RequestError("stock", f" is the file '{name[-80:]}', expected a name that ends with .csv, .txt or .xlsx.")
    if suffix == ".xlsx":
        text = shelf_text(_read("shelf.xlsx", content))
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
        read_shelf(text)
    if len(text) > MOST_SHELF:
        raise RequestError("stock", f" has {len(text):,} characters, expected at most {MOST_SHELF:,}.")
    return text


def shelf_text(items: Iterable[StockItem]) -> str:
    """Return a shelf as the text of a table, from which it is read again.

    >>> print(shelf_text(read_shelf("BaCO3, TiO2")), end="")
    formula
    BaCO3
    TiO2
    """
    rows = [
        {
            "formula": item.composition.formula,
            "name": item.name,
            "CAS": item.cas,
            "purity": "" if item.purity is None else f"{100 * item.purity:.8g} %",
            "amount": "" if item.grams is None else f"{item.grams:.8g} g",
            "price": item.price,
            "hazard": item.hazard,
        }
        for item in items
    ]
    names = ("formula", "name", "CAS", "purity", "amount", "price", "hazard")
    return csv_text(rows, [name for name in names if any(row[name] for row in rows)])


def _read(name: str, content: bytes) -> list[StockItem]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)

        def said(text: str) -> str:
            return re.sub(rf"(?:[Tt]he stock file )?'{re.escape(str(path))}'", "the shelf", text)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found = read_stock(path)
            except RRGraphError as error:
                raise RequestError("stock", f": {said(str(error))}") from None
        for note in caught:
            text = said(str(note.message))
            warnings.warn(text[0].upper() + text[1:], DataWarning, stacklevel=2)
        return found
