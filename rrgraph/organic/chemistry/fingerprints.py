"""Fingerprints of products and templates as counts of hashed fragments.

The hashes are those of RDKit and CRC-32, which are the same on every computer.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from rrgraph.organic.chemistry.molecules import import_rdkit, shared_molecule
from rrgraph.util.progress import track

__all__ = ["FRAGMENTS", "product_fragments", "sparse_rows", "split_template", "template_fragments", "template_tokens"]

Fragments = Mapping[int, int]
"""Count of each fragment; a fragment is an index below the number of bits."""

_NGRAMS = 3
_TOKEN = re.compile(r"\[[^\]]*\]|Br|Cl|%\d\d|.")
_MAP_NUMBER = re.compile(r":\d+\]")


FRAGMENTS: Final = ("circular", "roles", "torsions", "paths", "pairs")
"""Types of fragments of a molecule.

Circular ones by atoms (Morgan, Rogers and Hahn 2010, with stereochemistry) or by the roles of atoms (donor, acceptor,
aromatic and so on), topological torsions, paths of up to five bonds, and pairs of atoms with their distance.
"""


@lru_cache(maxsize=16)
def _generator(fragment: str, radius: int, bits: int) -> Any:
    import_rdkit()
    from rdkit.Chem import rdFingerprintGenerator as generators

    match fragment:
        case "circular":
            return generators.GetMorganGenerator(radius=radius, fpSize=bits, includeChirality=True)
        case "roles":
            roles = generators.GetMorganFeatureAtomInvGen()
            return generators.GetMorganGenerator(radius=radius, fpSize=bits, atomInvariantsGenerator=roles)
        case "torsions":
            return generators.GetTopologicalTorsionGenerator(fpSize=bits)
        case "paths":
            return generators.GetRDKitFPGenerator(maxPath=5, fpSize=bits, numBitsPerFeature=1)
        case "pairs":
            return generators.GetAtomPairGenerator(fpSize=bits)
    raise ValueError(fragment)


def product_fragments(smiles: str, *, bits: int, radius: int, fragments: Sequence[str] = ("circular",)) -> Fragments:
    """Return the fragments of a molecule.

    Args:
        smiles: of the molecule.
        bits: length of the fingerprint; each type of fragment has the same share of it.
        radius: of circular fragments, in bonds.
        fragments: distinct ones of `FRAGMENTS`.

    Raises:
        MoleculeError: the SMILES cannot be read.
    """
    molecule, share = shared_molecule(smiles), bits // len(fragments)
    return {
        offset * share + bit: count
        for offset, name in enumerate(fragments)
        for bit, count in _generator(name, radius, share).GetCountFingerprint(molecule).GetNonzeroElements().items()
    }


def template_fragments(template: str, *, bits: int, radius: int) -> Fragments:
    """Return the fragments of both sides of a template, and n-grams of up to three of its tokens.

    The Morgan fragments of each side and the n-grams each have a third of the bits.
    """
    third = bits // 3
    found: Counter[int] = Counter()
    for side_index, side in enumerate(split_template(template)):
        for bit, count in _pattern_fragments(side, third, radius).items():
            found[side_index * third + bit] += count
        tokens = template_tokens(side)
        for length in range(1, _NGRAMS + 1):
            for start in range(len(tokens) - length + 1):
                run = f"{side_index} {' '.join(tokens[start : start + length])}"
                found[2 * third + crc32(run.encode()) % third] += 1
    return dict(found)


def split_template(template: str) -> tuple[str, str]:
    """Return the product side and the reactant side of a template."""
    product, _, reactants = template.partition(">>")
    return product, reactants


def template_tokens(smarts: str) -> list[str]:
    """Return atoms (without map numbers), bonds and brackets of a SMARTS."""
    return _TOKEN.findall(_MAP_NUMBER.sub("]", smarts))


def _pattern_fragments(smarts: str, bits: int, radius: int) -> Fragments:
    chem = import_rdkit()
    pattern = chem.MolFromSmarts(smarts) if smarts.isascii() else None
    if pattern is None:
        return {}
    pattern.UpdatePropertyCache(strict=False)
    chem.FastFindRings(pattern)
    return dict(_generator("circular", radius, bits).GetCountFingerprint(pattern).GetNonzeroElements())


def sparse_rows(rows: Iterable[Fragments], *, total: int, label: str) -> tuple[Tensor, Tensor]:
    """Return fragments as padded tensors as wide as the longest row.

    Args:
        rows: fragments of n texts.
        total: n.
        label: of the progress bar.

    Returns:
        Indices (n, k) int32, the fragment + 1, or 0 for padding; weights (n, k) float32, log(1 + count) normalised to
        norm 1, 0 for padding.
    """
    kept: list[tuple[Sequence[int], Sequence[float]]] = []
    for row in track(rows, label, total=total):
        weights = [math.log1p(count) for count in row.values()]
        norm = math.sqrt(sum(weight * weight for weight in weights)) or 1.0
        kept.append(([fragment + 1 for fragment in row], [weight / norm for weight in weights]))
    width = max((len(found) for found, _ in kept), default=1) or 1
    indices = np.zeros((len(kept), width), dtype=np.int32)
    weights_table = np.zeros((len(kept), width), dtype=np.float32)
    for row_index, (found, weights_of_row) in enumerate(kept):
        indices[row_index, : len(found)] = found
        weights_table[row_index, : len(found)] = weights_of_row
    return torch.from_numpy(indices), torch.from_numpy(weights_table)
