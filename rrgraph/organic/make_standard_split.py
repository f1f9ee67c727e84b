"""Makes `standard_split.txt.gz`: in which part of the standard split each row of `uspto_50k` is.

    python -m rrgraph.organic.make_standard_split raw_valid.csv.gz raw_test.csv.gz

`uspto_50k` holds the reactions of every published table in a split of its own. The parts of the standard one are
published as lists of reactions (Dai et al., Conditional Graph Logic Network, NeurIPS 2019; here `raw_val.csv` and
`raw_test.csv` of github.com/Jamson-Zhong/Graph2Edits, MIT), whose rows are found by patent, product and reactants. The
file has a letter for each row (v, t, or - for training) and no reaction.
"""

from __future__ import annotations

import gzip
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

import pandas as pd

from rrgraph.data import TEST, VALIDATION, data_path
from rrgraph.errors import DataError
from rrgraph.organic.chemistry.molecules import canonical_reactants, canonical_smiles
from rrgraph.organic.table import STANDARD_LETTERS, STANDARD_SPLIT, products_checksum

_REACTION: Final = "reactants>reagents>production"


def standard_letters(table: pd.DataFrame, parts: dict[str, pd.DataFrame]) -> str:
    """Return the part of each row of a table.

    Args:
        table: columns id, prod_smiles, reactants_can.
        parts: by letter; columns id and `reactants>reagents>production`.

    Raises:
        DataError: a reaction has no row of its own.
    """
    published = {reaction_id for part in parts.values() for reaction_id in part["id"]}
    waiting = defaultdict(list)
    for row in table.index[table["id"].isin(published)]:
        waiting[table["id"][row], canonical_smiles(table["prod_smiles"][row])].append(row)
    letters = ["-"] * len(table)
    for letter, part in parts.items():
        for reaction_id, reaction in zip(part["id"], part[_REACTION], strict=True):
            reactants, _, product = reaction.split(">")
            rows = waiting[reaction_id, canonical_smiles(product)]
            same = [row for row in rows if _same(table["reactants_can"][row], reactants)]
            if not rows:
                raise DataError(f"The reaction {reaction_id} has no row of its own in the table.")
            row = (same or rows)[0]
            rows.remove(row)
            letters[row] = letter
    return "".join(letters)


def _same(recorded: str, reactants: str) -> bool:
    return canonical_reactants(recorded) == canonical_reactants(reactants)


def main() -> None:
    """Write the file beside this script."""
    table = pd.read_csv(data_path("uspto_50k"))
    by_subset = {subset: letter for letter, subset in STANDARD_LETTERS.items()}
    parts = {
        by_subset[subset]: pd.read_csv(path) for subset, path in zip((VALIDATION, TEST), sys.argv[1:3], strict=True)
    }
    text = f"{products_checksum(table['prod_smiles'])}\n{standard_letters(table, parts)}\n"
    Path(__file__).with_name(STANDARD_SPLIT).write_bytes(gzip.compress(text.encode("ascii"), 9, mtime=0))


if __name__ == "__main__":
    main()
