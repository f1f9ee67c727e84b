"""A key that is the same for templates that differ only in how they are written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from rrgraph.organic.chemistry.molecules import import_rdkit, read_pattern

if TYPE_CHECKING:
    from rdkit.Chem import Mol

__all__ = ["merge_templates", "template_key"]

_MAP: Final = re.compile(r":\d+(?=\])")
_BOND_TYPES: Final = (
    "QUADRUPLE",
    "QUINTUPLE",
    "HEXTUPLE",
    "TWOANDAHALF",
    "THREEANDAHALF",
    "FOURANDAHALF",
    "FIVEANDAHALF",
)
"""Bond types that stand for bond patterns while atoms are ordered; ordinary ones might be changed by RDKit."""
_SAME_ATOM: Final = "the same atom"


def merge_templates(counts: Mapping[str, int]) -> dict[str, str]:
    """Return for each template the most frequent one with the same key, which stands for all of them.

    >>> merge_templates({"[C:1]-[O:2]>>[C:1].[O:2]": 1, "[O:7]-[C:3]>>[O:7].[C:3]": 2})["[C:1]-[O:2]>>[C:1].[O:2]"]
    '[O:7]-[C:3]>>[O:7].[C:3]'
    """
    keys = {template: template_key(template) for template in counts}
    chosen: dict[str, str] = {}
    for template, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        chosen.setdefault(keys[template], template)
    return {template: chosen[key] for template, key in keys.items()}


def template_key(template: str) -> str:
    """Return a key that does not depend on the order of atoms, bonds and molecules, nor on the map numbers.

    Atoms and bonds of both sides become one graph, in which mapped atoms are linked with themselves; RDKit orders its
    atoms. Stereo centres and double bonds are described relative to that order. Templates with symmetric stereo centres
    may have several keys; templates that differ have different ones.

    Args:
        template: reaction SMARTS.

    Returns:
        A hexadecimal number, of a template that cannot be read one of its text.
    """
    sides = [read_pattern(side.strip()) for side in template.split(">>")]
    text = template if None in sides else _description([side for side in sides if side is not None])
    return hashlib.blake2b(text.encode(errors="backslashreplace"), digest_size=16).hexdigest()


def _description(sides: list[Mol]) -> str:
    """Return atoms in a canonical order with their bonds and stereochemistry."""
    atoms = [(side, atom) for side, molecule in enumerate(sides) for atom in molecule.GetAtoms()]
    places = {(side, atom.GetIdx()): place for place, (side, atom) in enumerate(atoms)}
    labels = [f"{side} {_MAP.sub('', atom.GetSmarts()).replace('@', '')}" for side, atom in atoms]
    bonds = [
        (places[side, bond.GetBeginAtomIdx()], places[side, bond.GetEndAtomIdx()], _bond_label(bond))
        for side, molecule in enumerate(sides)
        for bond in molecule.GetBonds()
    ]
    first: dict[int, int] = {}
    for place, (_, atom) in enumerate(atoms):
        if number := atom.GetAtomMapNum():
            if number in first:
                bonds.append((first[number], place, _SAME_ATOM))
            first.setdefault(number, place)
    ranks = _ranks(labels, bonds)
    lines = sorted((ranks[place], label) for place, label in enumerate(labels))
    links = sorted((*sorted((ranks[one], ranks[other])), label) for one, other, label in bonds)
    stereo = [
        found
        for side, molecule in enumerate(sides)
        for found in _stereo(molecule, [ranks[places[side, index]] for index in range(molecule.GetNumAtoms())])
    ]
    return repr((lines, links, sorted(stereo)))


def _bond_label(bond: Any) -> str:
    """Return the pattern of a bond without its direction, which depends on where it is written from."""
    text = str(bond.GetSmarts())
    return re.sub(r"[/\\]+", "-", text)


def _ranks(labels: list[str], bonds: list[tuple[int, int, str]]) -> list[int]:
    """Return the place of each node of a labelled graph in an order that does not depend on how it is given."""
    chem = import_rdkit()
    graph = chem.RWMol()
    codes = {label: code for code, label in enumerate(sorted(set(labels)), start=1)}
    for label in labels:
        node = chem.Atom(0)
        node.SetIsotope(codes[label])
        graph.AddAtom(node)
    kinds = {label: code for code, label in enumerate(sorted({label for *_, label in bonds}))}
    for one, other, label in bonds:
        graph.AddBond(one, other, getattr(chem.BondType, _BOND_TYPES[kinds[label] % len(_BOND_TYPES)]))
    graph.UpdatePropertyCache(strict=False)
    chem.FastFindRings(graph)
    return list(chem.CanonicalRankAtoms(graph, breakTies=True))


def _stereo(molecule: Mol, ranks: list[int]) -> list[tuple[Any, ...]]:
    """Return the handedness of each stereo centre and the sides of each double bond, relative to the ranks of atoms."""
    chem = import_rdkit()
    found: list[tuple[Any, ...]] = []
    for atom in molecule.GetAtoms():
        if atom.GetChiralTag() in (chem.ChiralType.CHI_TETRAHEDRAL_CW, chem.ChiralType.CHI_TETRAHEDRAL_CCW):
            clockwise = atom.GetChiralTag() == chem.ChiralType.CHI_TETRAHEDRAL_CW
            around = [ranks[bond.GetOtherAtomIdx(atom.GetIdx())] for bond in atom.GetBonds()]
            found.append(("centre", ranks[atom.GetIdx()], clockwise == _is_even(around)))
    for bond in molecule.GetBonds():
        ends = (bond.GetBeginAtom(), bond.GetEndAtom())
        arms = [_arms(end, ranks) for end in ends]
        if bond.GetBondType() == chem.BondType.DOUBLE and all(arms):
            (one, up), (other, down) = (min(each) for each in arms)
            pair = sorted(((ranks[ends[0].GetIdx()], one), (ranks[ends[1].GetIdx()], other)))
            found.append(("double bond", *pair, up == down))
    return found


def _arms(atom: Any, ranks: list[int]) -> list[tuple[int, bool]]:
    """Return the ranks of neighbours by bonds with a direction, and whether these go up from the atom."""
    chem = import_rdkit()
    arms = []
    for bond in atom.GetBonds():
        if bond.GetBondDir() in (chem.BondDir.ENDUPRIGHT, chem.BondDir.ENDDOWNRIGHT):
            outwards = bond.GetBeginAtomIdx() == atom.GetIdx()
            up = (bond.GetBondDir() == chem.BondDir.ENDUPRIGHT) == outwards
            arms.append((ranks[bond.GetOtherAtomIdx(atom.GetIdx())], up))
    return arms


def _is_even(order: list[int]) -> bool:
    """Whether it takes an even number of exchanges to sort distinct numbers."""
    return sum(one > other for place, one in enumerate(order) for other in order[place + 1 :]) % 2 == 0
