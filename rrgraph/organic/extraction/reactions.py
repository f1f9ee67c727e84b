"""Reads and cleans reactions: one product, the molecules it comes from, and whether their atoms are mapped."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from rrgraph.data import SUBSET_WORDS
from rrgraph.errors import DataError, RRGraphError, shortened
from rrgraph.organic.chemistry.molecules import (
    MoleculeError,
    canonical_product,
    canonical_reactants,
    canonical_smiles,
    import_rdkit,
    read_molecule,
)
from rrgraph.util.rows import Row, RowReader, column_name, listed, open_rows

if TYPE_CHECKING:
    from rdkit.Chem import Mol

__all__ = ["CleanReaction", "RawReaction", "ReactionError", "clean_reaction", "read_reactions"]

_REACTION: Final = (
    *("reaction", "reaction smiles", "rxn", "rxn smiles", "mapped reaction", "mapped rxn", "reactions"),
    *("reactants>reagents>production", "reactants>>production"),
)
_PRODUCT: Final = ("product", "products", "product smiles", "prod smiles")
_REACTANTS: Final = ("reactants", "reactants can", "precursors", "reactant smiles")
_SPLIT: Final = ("split", "part", "dataset")
"""Accepted names of columns, as `column_name` compares them."""

_ARROW: Final = re.compile(r"(?<!-)>")
"""A part of an arrow, which a dative bond (->) is not."""
_MOST_CHARACTERS: Final = 20_000
_CARBON: Final = 6


class ReactionError(RRGraphError):
    """Why a reaction gives no template.

    Args:
        reason: the same for all such reactions.
        detail: of this one.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail

    def __str__(self) -> str:
        return shortened(f"{self.reason}: {self.detail}" if self.detail else self.reason)


@dataclass(frozen=True)
class RawReaction:
    """A reaction as it stands in a file.

    Attributes:
        text: reaction SMILES.
        row: of the file.
        subset: word for the subset it is meant for, None if the file does not say.
        error: why the row cannot be used, None if it can.
    """

    text: str
    row: Row
    subset: str | None = None
    error: str | None = None

    @classmethod
    def numbered(cls, reactions: Iterable[str]) -> list[Self]:
        """Return reactions as if they were the lines of a file."""
        return [cls(text, Row(line)) for line, text in enumerate(reactions, start=1)]


@dataclass(frozen=True)
class CleanReaction:
    """A reaction with one product.

    Attributes:
        reactants: SMILES of all molecules on the left and above the arrow, with maps where they have some.
        product: SMILES.
    """

    reactants: tuple[str, ...]
    product: str

    @property
    def is_mapped(self) -> bool:
        """Whether each atom of the product has a number of its own, which one atom of the same element left has too."""
        wanted = _numbers(read_molecule(self.product))
        found = [pair for text in self.reactants for pair in _numbers(read_molecule(text))]
        distinct = {number for number, _ in wanted}
        there = Counter(pair for pair in found if pair[0] in distinct)
        return (
            0 not in distinct
            and len(distinct) == len(wanted) == there.total()
            and all(there[pair] == 1 for pair in wanted)
        )

    def unmapped(self) -> str:
        """Return it as canonical reaction SMILES without maps."""
        return f"{'.'.join(sorted(map(canonical_smiles, self.reactants)))}>>{canonical_smiles(self.product)}"

    def contributors(self) -> tuple[str, ...]:
        """Return the molecules of a mapped reaction that have atoms of the product; other atoms lose their numbers.

        With numbers, atoms that leave would be described in more detail in templates than without.
        """
        numbers = {number for number, _ in _numbers(read_molecule(self.product))}
        found = []
        for text in self.reactants:
            molecule = read_molecule(text)
            others = [atom for atom in molecule.GetAtoms() if atom.GetAtomMapNum() not in numbers]
            if len(others) < molecule.GetNumAtoms():
                for atom in others:
                    atom.SetAtomMapNum(0)
                found.append(import_rdkit().MolToSmiles(molecule))
        return tuple(found)

    def recorded(self) -> tuple[str, str]:
        """Return the canonical product and reactants of a mapped reaction, without molecules that give it no atom.

        Raises:
            ReactionError: the product is among the reactants.
        """
        product, reactants = canonical_product(self.product), canonical_reactants(".".join(self.contributors()))
        if product in reactants.split("."):
            raise ReactionError("the product is among the reactants")
        return product, reactants


def clean_reaction(text: str) -> CleanReaction:
    """Read a reaction SMILES, with or without reagents above the arrow and atom maps.

    Of several products those are left out that are among the reactants, or that have no carbon. Words behind the
    reaction (a name, extensions) are ignored.

    >>> clean_reaction("CC(=O)O.OCC.Cl>>CCOC(C)=O.O").product
    'CCOC(C)=O'

    Raises:
        ReactionError: saying what is wrong with it.
    """
    words = text.split()
    sides = _ARROW.split(words[0]) if words and len(words[0]) <= _MOST_CHARACTERS else []
    if len(sides) != 3:
        raise ReactionError("it is not a reaction SMILES, such as CC(=O)O.OCC>>CCOC(C)=O")
    reactants = tuple(piece for side in sides[:2] for piece in side.split(".") if piece)
    products = [piece for piece in sides[2].split(".") if piece]
    if not reactants or not products:
        raise ReactionError("it has no reactants" if not reactants else "it has no product")
    try:
        known = set(map(canonical_smiles, reactants))
        distinct = {canonical_smiles(product): product for product in products}
    except MoleculeError as error:
        raise ReactionError("a molecule cannot be read", str(error)) from None
    made = {key: product for key, product in distinct.items() if key not in known}
    if not made:
        raise ReactionError("the product is among the reactants")
    organic = {key: product for key, product in made.items() if _has_carbon(key)}
    left = organic or made
    if len(left) > 1:
        raise ReactionError("it has several products", ", ".join(left))
    key, product = next(iter(left.items()))
    try:
        canonical_product(key)
    except MoleculeError as error:
        raise ReactionError("a molecule cannot be read", str(error)) from None
    return CleanReaction(reactants, product)


def read_reactions(
    path: str | os.PathLike[str], *, column: str | None = None
) -> tuple[tuple[str, ...], list[RawReaction]]:
    """Read a list or table of reactions.

    Args:
        path: text with a reaction a line (such as .smi), or a table with a column `reaction`, or with the columns
            `product` and `reactants`; a column `split` says which subset a row is for.
        column: that of the reactions, if it has another name.

    Returns:
        The columns of the file, and its reactions.

    Raises:
        DataError: the file is missing or damaged, or has no such columns.
    """
    names = (*_REACTION, *_PRODUCT, *_REACTANTS, *((column_name(column),) if column else ()))
    with open_rows(path, names=names) as rows:
        used = _columns(rows, column)
        split = None if rows.is_list else _named(rows, _SPLIT)
        return rows.columns, [_raw(row, used, split) for row in rows]


def _columns(rows: RowReader, column: str | None) -> tuple[str, ...]:
    """Return the column of reactions, or those of reactants and products."""
    if column is not None:
        return (rows.column(column, option="--column"),)
    if rows.is_list:
        return (rows.columns[0],)
    if (reaction := _named(rows, _REACTION)) is not None:
        return (reaction,)
    reactants, product = _named(rows, _REACTANTS), _named(rows, _PRODUCT)
    if reactants is None or product is None:
        raise DataError(
            f"{rows.name} has no column 'reaction', nor both 'product' and 'reactants', found {listed(rows.columns)}; "
            "--column NAME says which."
        )
    return reactants, product


def _named(rows: RowReader, names: Sequence[str]) -> str | None:
    """Return the first column that has one of some names."""
    return next((column for name in names for column in rows.columns if column_name(column) == name), None)


def _raw(row: Row, used: Sequence[str], split: str | None) -> RawReaction:
    if row.error is not None:
        return RawReaction("", row, error=row.error)
    values = ["" if row.cells.get(name) is None else str(row.cells[name]).strip() for name in used]
    given = "" if split is None or row.cells.get(split) is None else str(row.cells[split]).strip().lower()
    if given and given not in SUBSET_WORDS:
        return RawReaction("", row, error=f"its split is '{given[:40]}', expected train, validation or test")
    return RawReaction(">>".join(values), row, subset=SUBSET_WORDS[given].word if given else None)


def _numbers(molecule: Mol) -> list[tuple[int, int]]:
    """Return map number and atomic number of each atom."""
    return [(atom.GetAtomMapNum(), atom.GetAtomicNum()) for atom in molecule.GetAtoms()]


def _has_carbon(smiles: str) -> bool:
    return any(atom.GetAtomicNum() == _CARBON for atom in read_molecule(smiles).GetAtoms())
