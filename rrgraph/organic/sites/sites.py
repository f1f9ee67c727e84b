"""Sites: the atoms of products that the product sides of templates match."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rrgraph.organic.batches import map_batches, split_batches
from rrgraph.organic.chemistry.fingerprints import split_template
from rrgraph.organic.chemistry.matching import PatternScreen, product_pattern
from rrgraph.organic.chemistry.molecules import shared_molecule

__all__ = ["POSITIONS", "Site", "SitePatterns", "Sites", "padded_site", "pattern_numbers"]

POSITIONS: Final = 8
"""Atoms of a site that are distinguished; the others of a larger pattern are left out."""

Site = tuple[int, ...]
"""`POSITIONS` atoms of a product that a pattern matches, in the order of the pattern; -1 behind the last."""

_BATCH_SIZE: Final = 250
_MOST_MATCHES: Final = 48
_NUMBERED: Final = re.compile(r":(\d+)(?=\])")


@dataclass(frozen=True, eq=False)
class Sites:
    """The sites of n products, product after product.

    Attributes:
        pattern: (sites,) int64, index of the pattern that matches there.
        atoms: (sites, POSITIONS) int64, atoms of the product; -1 behind the last.
        offsets: (n + 1,) int64, where the sites of each product start.
    """

    pattern: Tensor
    atoms: Tensor
    offsets: Tensor

    def select(self, products: Tensor) -> tuple[Sites, Tensor]:
        """Return the sites of some products and, of each, its index in this table."""
        first, number = self.offsets[products], self.offsets[products + 1] - self.offsets[products]
        offsets = torch.cat([number.new_zeros(1), number.cumsum(0)])
        within = torch.arange(int(offsets[-1])) - offsets[:-1].repeat_interleave(number)
        chosen = first.repeat_interleave(number) + within
        return Sites(self.pattern[chosen], self.atoms[chosen], offsets), chosen

    @property
    def owner(self) -> Tensor:
        """Which product each site is in, (sites,) int64."""
        return torch.arange(len(self.offsets) - 1).repeat_interleave(self.offsets.diff())


class SitePatterns:
    """The distinct product sides of templates.

    Args:
        templates: reaction SMARTS, product side first. The atoms of a site are in the order in which they are written,
            so templates whose product side is written alike share their sites.

    Attributes:
        texts: the distinct product sides without map numbers.
        pattern: (templates,) int64, index of each template's pattern.
    """

    def __init__(self, templates: Sequence[str]) -> None:
        index: dict[str, int] = {}
        sides = [_NUMBERED.sub("", split_template(template)[0]) for template in templates]
        self.pattern = torch.tensor([index.setdefault(side, len(index)) for side in sides], dtype=torch.int64)
        self.texts = tuple(index)
        self._templates = self.pattern.argsort(stable=True)
        self._number = self.pattern.bincount(minlength=len(index))
        self._first = self._number.cumsum(0) - self._number

    def find(self, products: Sequence[str], *, jobs: int = 1) -> Sites:
        """Return all sites of products, those of one pattern in all orders of its atoms.

        Args:
            products: canonical SMILES.
            jobs: number of processes.

        Raises:
            DataError: a process died.
            MoleculeError: a product cannot be read.
        """
        batches = split_batches(products, _BATCH_SIZE)
        work = partial(_find_batch, patterns=self.texts)
        found = dict(map_batches(work, batches, jobs=jobs, title="finding sites"))
        each = [product for index in sorted(found) for product in found[index]]
        table = np.concatenate([np.zeros((0, 1 + POSITIONS), dtype=np.int64), *each])
        lengths = torch.tensor([0, *map(len, each)], dtype=torch.int64)
        return Sites(torch.from_numpy(table[:, 0].copy()), torch.from_numpy(table[:, 1:].copy()), lengths.cumsum(0))

    def pairs(self, sites: Sites) -> tuple[Tensor, Tensor]:
        """Return the templates that may be applied at each site: index of the site and of the template, (pairs,)."""
        number = self._number[sites.pattern]
        site = torch.arange(len(number)).repeat_interleave(number)
        within = torch.arange(len(site)) - (number.cumsum(0) - number)[site]
        return site, self._templates[self._first[sites.pattern][site] + within]


def padded_site(atoms: Sequence[int]) -> Site:
    """Return the site of the atoms that a pattern matches, in its order."""
    return (*atoms[:POSITIONS], *[-1] * (POSITIONS - len(atoms)))


def pattern_numbers(template: str) -> list[int]:
    """Return the map numbers of a template's product side, in the order of its atoms."""
    return [int(number) for number in _NUMBERED.findall(split_template(template)[0])]


@lru_cache(maxsize=4)
def _screen(patterns: tuple[str, ...]) -> PatternScreen:
    return PatternScreen([product_pattern(text) for text in patterns])


def _find_batch(products: Sequence[str], *, patterns: tuple[str, ...]) -> list[NDArray[np.int64]]:
    """Return of each product its sites, the pattern before the atoms, (sites, 1 + POSITIONS)."""
    screen = _screen(patterns)
    return [np.array(list(_sites(screen, product)), dtype=np.int64).reshape(-1, 1 + POSITIONS) for product in products]


def _sites(screen: PatternScreen, product: str) -> Iterator[list[int]]:
    molecule = shared_molecule(product)
    for index, pattern in screen.possible(molecule):
        for atoms in molecule.GetSubstructMatches(pattern, uniquify=False, maxMatches=_MOST_MATCHES):
            yield [index, *padded_site(atoms)]
