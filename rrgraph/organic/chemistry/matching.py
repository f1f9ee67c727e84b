"""Which templates could apply to which products: both flow in, pairs whose pattern is found flow out.

A fingerprint of the pattern rules most products out before any atom is compared (RDKit's SubstructLibrary), so that all
templates can be tried. What matches may still lead nowhere: rdchiral also looks at stereochemistry and valences.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from rrgraph.data import cache_folder
from rrgraph.organic.batches import in_portions, through_portions
from rrgraph.organic.chemistry.fingerprints import split_template
from rrgraph.organic.chemistry.molecules import import_rdkit, read_molecule
from rrgraph.util.files import atomic_path

__all__ = ["known_matches", "match_templates", "matching_mask"]

_PRODUCTS_AT_ONCE = 2000

_RULES = 1
"""Raised when other pairs match, so that none are taken from the cache that matched before."""


def match_templates(products: Sequence[str], templates: Sequence[str], *, jobs: int = 1) -> Tensor:
    """Return the pairs of a product and a template whose product side it contains.

    Args:
        products: canonical SMILES.
        templates: reaction SMARTS, product side first.
        jobs: number of processes.

    Returns:
        (2, pairs) int64, place of the product and of the template, sorted.

    Raises:
        DataError: a process died.
        MoleculeError: a product cannot be read.
    """
    chunks = in_portions(products, _PRODUCTS_AT_ONCE)
    found: dict[int, Tensor] = {}
    match = partial(_match_chunk, templates=tuple(templates))
    for place, pairs in through_portions(match, chunks, jobs=jobs, title="matching templates"):
        found[place] = pairs + torch.tensor([[place * _PRODUCTS_AT_ONCE], [0]])
    return (
        torch.cat([found[place] for place in sorted(found)], dim=1) if found else torch.zeros(2, 0, dtype=torch.int64)
    )


def known_matches(products: Sequence[str], templates: Sequence[str], *, jobs: int = 1) -> Tensor:
    """Return what `match_templates` returns; kept in the user's cache for the same texts and the same RDKit.

    Raises:
        DataError: a process died, or the cache cannot be written.
        MoleculeError: a product cannot be read.
    """
    texts = "\n".join([*products, "", *templates])
    key = hashlib.blake2b(texts.encode(), digest_size=16).hexdigest()
    path = cache_folder() / "organic" / f"matches{_RULES}-rdkit{version('rdkit')}-{key}.safetensors"
    try:
        return load_file(path)["pairs"].long()
    except (OSError, SafetensorError, KeyError):
        found = match_templates(products, templates, jobs=jobs)
    with atomic_path(path) as part:
        save_file({"pairs": found.int()}, part)
    return found


def matching_mask(products: Sequence[str], templates: Sequence[str]) -> Tensor:
    """Return which templates could apply to each product, (products, templates) bool."""
    mask = torch.zeros(len(products), len(templates), dtype=torch.bool)
    product, template = match_templates(products, templates)
    mask[product, template] = True
    return mask


def _match_chunk(products: Sequence[str], *, templates: Sequence[str]) -> Tensor:
    chem = import_rdkit()
    from rdkit.Chem import rdSubstructLibrary

    library = rdSubstructLibrary.SubstructLibrary(rdSubstructLibrary.MolHolder(), rdSubstructLibrary.PatternHolder())
    for product in products:
        library.AddMol(read_molecule(product))
    pairs = []
    for place, template in enumerate(templates):
        pattern = chem.MolFromSmarts(_outside_brackets(split_template(template)[0]))
        if pattern is not None:
            matches = library.GetMatches(pattern, useChirality=False, numThreads=1, maxResults=-1)
            pairs += [(product, place) for product in matches]
    return torch.tensor(sorted(pairs), dtype=torch.int64).view(-1, 2).T.contiguous()


def _outside_brackets(pattern: str) -> str:
    """Return a pattern without the brackets that hold several parts together in one molecule."""
    return pattern[1:-1] if pattern.startswith("(") and pattern.endswith(")") else pattern
