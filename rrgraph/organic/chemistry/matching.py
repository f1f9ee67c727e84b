"""Finds which templates could apply to which products.

A fingerprint of the pattern excludes most products before atoms are compared (RDKit's SubstructLibrary), so that all
templates can be tested. A match may still have no outcome, since rdchiral also checks stereochemistry and valences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.organic.batches import map_batches, split_batches
from rrgraph.organic.chemistry.fingerprints import split_template
from rrgraph.organic.chemistry.molecules import import_rdkit, read_molecule, read_pattern
from rrgraph.organic.chemistry.tensor_cache import cached_tensors

if TYPE_CHECKING:
    from rdkit.Chem import Mol

__all__ = ["PatternScreen", "known_matches", "match_templates", "matching_mask", "product_pattern"]

_BATCH_SIZE = 2000
_FEW = 16
"""Products that are matched one by one; more are matched together."""

_RULES = 1
"""Version of the matching rules; increase it when other pairs match, so that old cache entries are not used."""


def match_templates(products: Sequence[str], templates: Sequence[str], *, jobs: int = 1) -> Tensor:
    """Return the pairs of a product and a template such that the product contains the template's product side.

    Args:
        products: canonical SMILES.
        templates: reaction SMARTS, product side first.
        jobs: number of processes.

    Returns:
        (2, pairs) int64, indices of product and template, sorted.

    Raises:
        DataError: a process died.
        MoleculeError: a product cannot be read.
    """
    batches = split_batches(products, _BATCH_SIZE)
    found: dict[int, Tensor] = {}
    match = partial(_match_batch, templates=tuple(templates))
    for index, pairs in map_batches(match, batches, jobs=jobs, title="matching templates"):
        found[index] = pairs + torch.tensor([[index * _BATCH_SIZE], [0]])
    return (
        torch.cat([found[index] for index in sorted(found)], dim=1) if found else torch.zeros(2, 0, dtype=torch.int64)
    )


def known_matches(products: Sequence[str], templates: Sequence[str], *, jobs: int = 1) -> Tensor:
    """Return the result of `match_templates`, cached for the same texts and the same version of RDKit.

    Raises:
        DataError: a process died, or the cache cannot be written.
        MoleculeError: a product cannot be read.
    """
    stored = cached_tensors(
        f"matches{_RULES}",
        [*products, "", *templates],
        lambda: {"pairs": match_templates(products, templates, jobs=jobs).int()},
    )
    return stored["pairs"].long()


def matching_mask(products: Sequence[str], templates: Sequence[str]) -> Tensor:
    """Return which templates could apply to each product, (products, templates) bool."""
    mask = torch.zeros(len(products), len(templates), dtype=torch.bool)
    if len(products) <= _FEW:
        screen = _screen(tuple(templates))
        for row, product in enumerate(products):
            molecule = read_molecule(product)
            found = [index for index, pattern in screen.possible(molecule) if molecule.HasSubstructMatch(pattern)]
            mask[row, found] = True
        return mask
    product, template = match_templates(products, templates)
    mask[product, template] = True
    return mask


class PatternScreen:
    """Patterns with their fingerprints, to find those that are in single products.

    Reading the patterns of templates takes longer than matching a product with them, so keep it.

    Args:
        patterns: None stands for one that cannot be read, which is in no product.
    """

    def __init__(self, patterns: Sequence[Mol | None]) -> None:
        self._readable = [(index, pattern) for index, pattern in enumerate(patterns) if pattern is not None]
        bits = [_pattern_bits(pattern) for _, pattern in self._readable]
        self._bits = np.array(bits) if bits else np.zeros((0, 1), dtype=np.uint8)

    def possible(self, molecule: Mol) -> Iterator[tuple[int, Mol]]:
        """Yield the index and the pattern of those that may be in a molecule by their fingerprints."""
        for place in np.flatnonzero(~(self._bits & ~_pattern_bits(molecule)).any(axis=1)):
            yield self._readable[place]


@lru_cache(maxsize=4)
def _screen(templates: tuple[str, ...]) -> PatternScreen:
    return PatternScreen([product_pattern(template) for template in templates])


def _pattern_bits(molecule: Mol) -> NDArray[np.uint8]:
    """Return RDKit's fingerprint for substructures, packed: that of a pattern is contained in those of its matches."""
    from rdkit.Chem import PatternFingerprint
    from rdkit.DataStructs import BitVectToBinaryText

    return np.frombuffer(BitVectToBinaryText(PatternFingerprint(molecule)), dtype=np.uint8)


def _match_batch(products: Sequence[str], *, templates: Sequence[str]) -> Tensor:
    import_rdkit()
    from rdkit.Chem import rdSubstructLibrary

    library = rdSubstructLibrary.SubstructLibrary(rdSubstructLibrary.MolHolder(), rdSubstructLibrary.PatternHolder())
    for product in products:
        library.AddMol(read_molecule(product))
    pairs = []
    for index, template in enumerate(templates):
        pattern = product_pattern(template)
        if pattern is not None:
            matches = library.GetMatches(pattern, useChirality=False, numThreads=1, maxResults=-1)
            pairs += [(product, index) for product in matches]
    return torch.tensor(sorted(pairs), dtype=torch.int64).view(-1, 2).T.contiguous()


def product_pattern(template: str) -> Mol | None:
    """Return the pattern of a template's product side, None if it cannot be read."""
    return read_pattern(_outside_brackets(split_template(template)[0]))


def _outside_brackets(pattern: str) -> str:
    """Return a pattern without the outer brackets, which require all components in one molecule."""
    return pattern[1:-1] if pattern.startswith("(") and pattern.endswith(")") else pattern
