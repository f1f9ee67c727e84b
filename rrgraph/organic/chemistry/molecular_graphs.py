"""Molecules as graphs: categories of atoms and bonds, padded so that the first dimension is that of the molecules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.organic.chemistry.molecules import shared_molecule
from rrgraph.util.progress import track

__all__ = ["ATOM_CATEGORIES", "BOND_CATEGORIES", "molecular_graphs"]

#: Categories in each column of atoms: element, bonds, charge, hydrogens, hybridisation, aromatic, ring, R or S.
ATOM_CATEGORIES: Final = (119, 11, 11, 9, 9, 2, 2, 3)

#: Categories in each column of bonds: type, ring, conjugated, E or Z.
BOND_CATEGORIES: Final = (5, 2, 2, 3)

_MOST_CHARGE: Final = 5
_HANDEDNESS: Final = {"R": 1, "S": 2}


def molecular_graphs(smiles: Sequence[str]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the graphs of n molecules.

    Returns:
        Categories of atoms (n, most atoms, len(ATOM_CATEGORIES)) uint8; numbers of atoms (n,) int64; bonds (n, most
        bonds, 2 + len(BOND_CATEGORIES)) int16, the places of both atoms before the categories; numbers of bonds (n,)
        int64.

    Raises:
        MoleculeError: a SMILES cannot be read.
    """
    atoms, bonds = [], []
    for text in track(smiles, "molecular graphs", total=len(smiles), unit="product"):
        molecule = shared_molecule(text)
        atoms.append([_atom(atom) for atom in molecule.GetAtoms()])
        bonds.append([_bond(bond) for bond in molecule.GetBonds()])
    return (
        *_padded(atoms, len(ATOM_CATEGORIES), np.uint8),
        *_padded(bonds, 2 + len(BOND_CATEGORIES), np.int16),
    )


def _padded(rows: Sequence[Sequence[Sequence[int]]], columns: int, kind: type[Any]) -> tuple[Tensor, Tensor]:
    """Return rows of one length, and how long they were."""
    lengths = [len(row) for row in rows]
    table: NDArray[Any] = np.zeros((len(rows), max(lengths, default=0), columns), dtype=kind)
    for index, row in enumerate(rows):
        if row:
            table[index, : len(row)] = row
    return torch.from_numpy(table), torch.tensor(lengths, dtype=torch.int64)


def _atom(atom: Any) -> list[int]:
    values = (
        atom.GetAtomicNum(),
        atom.GetDegree(),
        atom.GetFormalCharge() + _MOST_CHARGE,
        atom.GetTotalNumHs(),
        int(atom.GetHybridization()),
        int(atom.GetIsAromatic()),
        int(atom.IsInRing()),
        _HANDEDNESS.get(atom.GetProp("_CIPCode"), 0) if atom.HasProp("_CIPCode") else 0,
    )
    return [min(max(value, 0), most - 1) for value, most in zip(values, ATOM_CATEGORIES, strict=True)]


def _bond(bond: Any) -> list[int]:
    types = {"SINGLE": 0, "DOUBLE": 1, "TRIPLE": 2, "AROMATIC": 3}
    sides = {"STEREOE": 1, "STEREOTRANS": 1, "STEREOZ": 2, "STEREOCIS": 2}
    return [
        bond.GetBeginAtomIdx(),
        bond.GetEndAtomIdx(),
        types.get(bond.GetBondType().name, 4),
        int(bond.IsInRing()),
        int(bond.GetIsConjugated()),
        sides.get(bond.GetStereo().name, 0),
    ]
