"""Reads SMILES and makes them canonical; RDKit and rdchiral-plus are imported when needed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from rrgraph.errors import ConfigError, RRGraphError
from rrgraph.util.inputs import unicode_text

if TYPE_CHECKING:
    from rdkit.Chem import Mol

__all__ = [
    "MoleculeError",
    "canonical_product",
    "canonical_reactants",
    "canonical_smiles",
    "import_rdchiral",
    "import_rdkit",
    "read_molecule",
    "shared_molecule",
]

_INSTALL = "install it with: pip install 'rrgraph[organic]'."


_MAX_CHARACTERS: Final = 5000
_ALWAYS_SMALL: Final = 30
"""Characters of a SMILES that needs no check of its size."""
_MAX_ATOMS: Final = 250
_MAX_RINGS: Final = 50
_MAX_BONDS: Final = 10
_REACTION: Final = re.compile(r"(?<!-)>")
"""An arrow, which a dative bond (->) is not."""


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
    main.logger.disable("rdchiral")  # it writes to the terminal what is said here in a sentence
    return main


def read_molecule(smiles: str) -> Mol:
    """Return the molecule of a SMILES, or the molecules that dots join.

    Raises:
        MoleculeError: it is empty, cannot be read, has an atom with an impossible valence, is a reaction, or is larger
            than what can be worked on within a second: 5,000 characters, 250 atoms, 50 rings, 10 bonds of an atom.
    """
    text = smiles.strip()
    if len(text) > _MAX_CHARACTERS:
        raise MoleculeError(f"'{_short(text)}' has {len(text):,} characters, at most {_MAX_CHARACTERS:,} are read.")
    if _REACTION.search(text):
        raise MoleculeError(f"'{_short(text)}' is a reaction, expected one molecule such as CC(=O)Oc1ccccc1.")
    chem = import_rdkit()
    from rdkit.rdBase import BlockLogs

    silence = BlockLogs()
    molecule: Mol | None = None
    # A tilde is any bond, which only patterns have.
    if text.isascii() and text.isprintable() and text and "~" not in text:
        if len(text) > _ALWAYS_SMALL and (raw := chem.MolFromSmiles(text, sanitize=False)) is not None:
            _check_size(raw, text)
        molecule = chem.MolFromSmiles(text)
    del silence
    if molecule is None or not molecule.GetNumAtoms():
        raise MoleculeError(f"'{_short(smiles)}' is not a valid molecule, expected SMILES such as CC(=O)Oc1ccccc1.")
    return molecule


def _check_size(molecule: Mol, text: str) -> None:
    """Check that a molecule whose rings are not yet known is not too large for what is done with it.

    Raises:
        MoleculeError: it is.
    """
    chem = import_rdkit()
    atoms = molecule.GetNumAtoms()
    rings = molecule.GetNumBonds() - atoms + len(chem.GetMolFrags(molecule))
    bonds = max((atom.GetDegree() for atom in molecule.GetAtoms()), default=0)
    for number, most, what in (
        (atoms, _MAX_ATOMS, "atoms"),
        (rings, _MAX_RINGS, "rings"),
        (bonds, _MAX_BONDS, "bonds of one atom"),
    ):
        if number > most:
            raise MoleculeError(f"'{_short(text)}' has {number:,} {what}, at most {most} are read.")


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


def canonical_product(smiles: str) -> str:
    """Return the canonical SMILES of a product to be made, which is one molecule.

    >>> canonical_product("OCC")
    'CCO'

    Raises:
        MoleculeError: there are several molecules, as in a salt, or an atom without an element; see also
            `read_molecule`.
    """
    product = canonical_smiles(smiles)
    molecules = product.count(".") + 1
    if molecules > 1:
        raise MoleculeError(f"'{_short(smiles)}' is {molecules} molecules, expected one, such as CC(=O)Oc1ccccc1.")
    if any(atom.GetAtomicNum() == 0 for atom in shared_molecule(product).GetAtoms()):
        raise MoleculeError(f"'{_short(smiles)}' has an atom of no element ('*'), expected one whole molecule.")
    return product


def canonical_reactants(smiles: str) -> str:
    """Return the key of a set of reactants: their canonical SMILES, sorted and joined by dots.

    Raises:
        MoleculeError: see `read_molecule`.
    """
    return ".".join(sorted(canonical_smiles(smiles).split(".")))


def _short(smiles: str) -> str:
    smiles = unicode_text(smiles)
    return smiles if len(smiles) <= 80 else f"{smiles[:77]}..."
