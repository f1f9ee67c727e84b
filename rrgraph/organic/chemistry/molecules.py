"""Reads SMILES and makes them canonical; RDKit and rdchiral-plus are imported when needed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rrgraph.errors import ConfigError, RRGraphError

if TYPE_CHECKING:
    from rdkit.Chem import Mol

__all__ = [
    "MoleculeError",
    "canonical_reactants",
    "canonical_smiles",
    "import_rdchiral",
    "import_rdkit",
    "read_molecule",
    "shared_molecule",
]

_INSTALL = "install it with: pip install 'rrgraph[organic]'."


class MoleculeError(RRGraphError):
    """The text is not a valid SMILES."""


def import_rdkit() -> Any:
    """Return RDKit's module `Chem`.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        from rdkit import Chem
    except ImportError:
        raise ConfigError(f"Molecules need RDKit; {_INSTALL}") from None
    return Chem


def import_rdchiral() -> Any:
    """Return the module of rdchiral-plus that applies templates.

    Raises:
        ConfigError: it is not installed, or the older rdchiral, which has the same module name, is installed instead.
    """
    import_rdkit()
    try:
        from importlib.metadata import PackageNotFoundError, version

        version("rdchiral-plus")
        from rdchiral import main
    except (ImportError, PackageNotFoundError):
        raise ConfigError(f"Applying templates needs rdchiral-plus (not rdchiral); {_INSTALL}") from None
    return main


def read_molecule(smiles: str) -> Mol:
    """Return the molecule of a SMILES.

    Raises:
        MoleculeError: it is empty, cannot be read, or has an atom with an impossible valence.
    """
    chem = import_rdkit()
    from rdkit.rdBase import BlockLogs

    silence = BlockLogs()
    molecule: Mol | None = chem.MolFromSmiles(smiles.strip()) if smiles.strip() else None
    del silence
    if molecule is None:
        raise MoleculeError(f"'{_short(smiles)}' is not a valid molecule, expected SMILES such as CC(=O)Oc1ccccc1.")
    return molecule


@lru_cache(maxsize=1024)
def shared_molecule(smiles: str) -> Mol:
    """Return the molecule of a SMILES from a cache; it is shared and must not be changed."""
    return read_molecule(smiles)


def canonical_smiles(smiles: str) -> str:
    """Return the canonical isomeric SMILES without atom maps; molecules joined by dots are sorted.

    Atom maps are removed before the atoms are ordered, because their order would reveal the reaction centre.

    Raises:
        MoleculeError: see `read_molecule`.
    """
    molecule = read_molecule(smiles)
    # A map number follows a colon; checking every atom would take as long as reading the molecule.
    mapped = [atom for atom in molecule.GetAtoms() if atom.GetAtomMapNum()] if ":" in smiles else []
    for atom in mapped:
        atom.SetAtomMapNum(0)
    chem = import_rdkit()
    text = chem.MolToSmiles(molecule)
    # Without its map number an atom may be written without brackets, which can change its implicit hydrogens.
    return canonical_smiles(text) if mapped else text


def canonical_reactants(smiles: str) -> str:
    """Return the key of a set of reactants: their canonical SMILES, sorted and joined by dots.

    Raises:
        MoleculeError: see `read_molecule`.
    """
    return ".".join(sorted(canonical_smiles(smiles).split(".")))


def _short(smiles: str) -> str:
    return smiles if len(smiles) <= 80 else f"{smiles[:77]}..."
