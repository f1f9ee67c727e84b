"""What templates give at each site of a product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from rrgraph.organic.chemistry.application import quietly
from rrgraph.organic.chemistry.molecules import import_rdkit, read_molecule, shared_molecule
from rrgraph.organic.sites.sites import Site, padded_site, pattern_numbers

if TYPE_CHECKING:
    from rdkit.Chem import Mol

__all__ = ["site_outcomes", "without_stereo"]

_MOST_OUTCOMES: Final = 200


def site_outcomes(template: str, product: str) -> Iterator[tuple[str, Site]]:
    """Yield the reactants that a template gives at each site of a product, without stereochemistry.

    >>> list(site_outcomes("[OH;D1;+0:1]>>C-[O;H0;D2;+0:1]", "CCO"))
    [('CCOC', (2, -1, -1, -1, -1, -1, -1, -1))]

    Args:
        template: reaction SMARTS, product side first.
        product: SMILES.
    """
    reaction = _reaction(template)
    found = quietly(reaction.RunReactants, (shared_molecule(product),), _MOST_OUTCOMES) if reaction else None
    numbers = pattern_numbers(template)
    for molecules in found or ():
        atoms = {
            atom.GetIntProp("old_mapno"): atom.GetIntProp("react_atom_idx")
            for molecule in molecules
            for atom in molecule.GetAtoms()
            if atom.HasProp("old_mapno")
        }
        reactants = quietly(_written_flat, molecules)
        if reactants is not None:
            yield reactants, padded_site([atoms.get(number, -1) for number in numbers])


def without_stereo(smiles: str) -> str:
    """Return the canonical SMILES of molecules without stereochemistry, as `site_outcomes` writes reactants."""
    return _flat_smiles(read_molecule(smiles))


def _written_flat(molecules: Sequence[Mol]) -> str:
    """Return the SMILES of what a reaction makes, whose atoms have to be perceived anew."""
    chem = import_rdkit()
    texts = []
    for molecule in molecules:
        for atom in molecule.GetAtoms():
            atom.SetAtomMapNum(0)
        texts.append(chem.MolToSmiles(molecule, isomericSmiles=False))
    text = ".".join(texts)
    read = chem.MolFromSmiles(text)
    if read is None:
        raise ValueError(text)
    return _flat_smiles(read)


def _flat_smiles(molecule: Mol) -> str:
    text: str = import_rdkit().MolToSmiles(molecule, isomericSmiles=False)
    return text


@lru_cache(maxsize=20_000)
def _reaction(template: str) -> Any:
    """Return RDKit's reaction of a template, None if it cannot be read."""
    import_rdkit()
    from rdkit.Chem import rdChemReactions

    reaction = quietly(rdChemReactions.ReactionFromSmarts, template)
    return reaction if reaction is not None and quietly(reaction.Initialize) is None else None
