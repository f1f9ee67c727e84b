"""Templates without the surroundings of what changes, so that they apply to more products.

Extracted templates describe the atoms next to the reaction centre too, so that 17 % of the reactions of the standard
validation split have a template that no training reaction has. Without these atoms it is 3 %, and a model has to learn
from whole molecules where a template fits (LocalRetro, Chen and Jung, JACS Au 1, 1612, 2021).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from rrgraph.organic.chemistry.fingerprints import split_template
from rrgraph.organic.chemistry.molecules import import_rdkit, read_pattern
from rrgraph.organic.chemistry.template_key import merge_templates

if TYPE_CHECKING:
    from rdkit.Chem import Mol

__all__ = ["general_template", "general_templates"]

_MAP: Final = re.compile(r":(\d+)(?=\])")
_STEREO: Final = re.compile(r"[@/\\]")


def general_templates(counts: Mapping[str, int]) -> dict[str, str]:
    """Return the general form of each template, those that differ only in how they are written as the most frequent.

    Args:
        counts: number of rows of each template.
    """
    forms = {template: general_template(template) for template in counts}
    rows: Counter[str] = Counter()
    for template, form in forms.items():
        rows[form] += counts[template]
    merged = merge_templates(rows)
    return {template: merged[form] for template, form in forms.items()}


def general_template(template: str) -> str:
    """Return a template without the atoms that it leaves as they are, its map numbers counted from 1.

    A template with stereochemistry, which is relative to neighbours, or whose changed atoms would fall apart, keeps
    its atoms.

    >>> general_template("[C:2]-[NH;D2;+0:1]-[C:3]>>C-C(=O)-[N;H0;D3;+0:1](-[C:2])-[C:3]")
    '[N&H1&D2&+0:1]>>C-C(=O)-[N&H0&D3&+0:1]'

    Args:
        template: reaction SMARTS, product side first.
    """
    return _numbered(_without_surroundings(template) or template)


def _without_surroundings(template: str) -> str | None:
    """Return a template without the atoms that stay as they are, None if they have to be kept."""
    product, reactants = split_template(template)
    if _STEREO.search(template) or "." in product:
        return None
    together = reactants.startswith("(") and reactants.endswith(")") and ").(" not in reactants
    pattern, result = read_pattern(product), read_pattern(reactants[1:-1] if together else reactants)
    if pattern is None or result is None:
        return None
    before, after = _mapped(pattern), _mapped(result)
    stays = {number for number, atom in before.items() if _surrounding(atom) == _surrounding(after.get(number))}
    if not 0 < len(stays) < len(before) or len(before) < pattern.GetNumAtoms():
        return None
    kept = [_without(side, stays) for side in (pattern, result)]
    if "." in kept[0]:
        return None
    return f"{kept[0]}>>({kept[1]})" if together else ">>".join(kept)


def _mapped(side: Mol) -> dict[int, Any]:
    """Return the atoms of one side by their map number."""
    return {atom.GetAtomMapNum(): atom for atom in side.GetAtoms() if atom.GetAtomMapNum()}


def _surrounding(atom: Any) -> object:
    """Return an atom's pattern and its bonds, which are the same on both sides if it stays as it is."""
    if atom is None:
        return None
    bonds = sorted((bond.GetOtherAtom(atom).GetAtomMapNum(), bond.GetSmarts()) for bond in atom.GetBonds())
    return _MAP.sub("", atom.GetSmarts()), bonds


def _without(side: Mol, numbers: set[int]) -> str:
    """Return the SMARTS of one side without the atoms that have some map numbers."""
    kept = [atom.GetIdx() for atom in side.GetAtoms() if atom.GetAtomMapNum() not in numbers]
    text: str = import_rdkit().MolFragmentToSmarts(side, kept)
    return text


def _numbered(template: str) -> str:
    """Return a template with its map numbers in the order in which they appear."""
    numbers: dict[str, int] = {}
    return _MAP.sub(lambda found: f":{numbers.setdefault(found[1], len(numbers) + 1)}", template)
