"""Reads which molecules are in stock."""

from __future__ import annotations

import os
import warnings
from typing import Final

from rrgraph.errors import DataError, DataWarning
from rrgraph.organic.chemistry.molecules import MoleculeError, canonical_smiles
from rrgraph.util.progress import track
from rrgraph.util.rows import column_name, listed, open_rows

__all__ = ["MOLECULE_COLUMNS", "read_molecule_stock"]

#: Accepted names of a column of molecules, as `rrgraph.util.rows.column_name` compares them.
MOLECULE_COLUMNS: Final = ("smiles", "product", "products", "product smiles", "prod smiles", "target", "molecule")


def read_molecule_stock(path: str | os.PathLike[str]) -> frozenset[str]:
    """Return the canonical SMILES of the molecules of a list or table; the parts of a salt count too.

    Args:
        path: text with a SMILES a line, behind which a name may follow, or a table with a column `smiles`.

    Raises:
        DataError: the file is missing or damaged, has no such column, or no molecule that can be read.
    """
    found: set[str] = set()
    unreadable = 0
    with open_rows(path, names=MOLECULE_COLUMNS) as rows:
        column = next((each for name in MOLECULE_COLUMNS for each in rows.columns if column_name(each) == name), None)
        if rows.is_list:
            column = rows.columns[0]
        if column is None:
            raise DataError(f"{rows.name} has no column 'smiles' of molecules in stock, found {listed(rows.columns)}.")
        for row in track(rows, "reading the stock", unit="molecule"):
            try:
                smiles = canonical_smiles(str(row.cells.get(column) or "").split(maxsplit=1)[0])
            except (MoleculeError, IndexError):
                unreadable += 1
            else:
                found |= {smiles, *smiles.split(".")}
        if not found:
            raise DataError(f"{rows.name} has no molecule that can be read, expected SMILES such as CC(=O)O.")
        if unreadable:
            warnings.warn(
                f"{unreadable:,} rows of {rows.name} are no molecules that can be read; they are left out.",
                DataWarning,
                stacklevel=2,
            )
    return frozenset(found)
