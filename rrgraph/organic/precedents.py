"""Training reactions as precedents: a product and suggested reactants flow in, how alike they are to them flows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor, from_numpy

from rrgraph.organic.fingerprints import product_fragments
from rrgraph.organic.table import TemplateReactions
from rrgraph.progress import track

__all__ = ["PRECEDENT_NUMBERS", "Precedents"]

PRECEDENT_NUMBERS: Final = (
    "nearest_reaction",
    "nearest_product",
    "mean_of_three",
    "among_neighbours",
    "nearest_reaction_of_best",
    "nearest_product_of_best",
    "among_neighbours_of_best",
)
"""What precedents tell about a set of reactants, see `Precedents.describe`."""

_BITS: Final = 2048
_RADIUS: Final = 2
_NEIGHBOURS: Final = 64
_OF_A_TEMPLATE: Final = 100


@dataclass(frozen=True, eq=False)
class Precedents:
    """Training reactions, their molecules as sets of circular fragments (Morgan, radius 2, 2,048 bits).

    Likeness is the Tanimoto coefficient. That of products times that of reactants is the score of Coley et al.
    (ACS Cent. Sci. 3, 1237, 2017).

    Attributes:
        products: (rows, bits) 0 or 1.
        reactants: (rows, bits), the fragments of all reactants together.
        template: (rows,) int64, place of each row's template.
    """

    products: csr_array
    reactants: csr_array
    template: NDArray[np.int64]

    @classmethod
    def of(cls, reactions: TemplateReactions, templates: Sequence[str]) -> Precedents:
        """Return the precedents of training reactions, whose templates are among the given ones."""
        place = {text: number for number, text in enumerate(templates)}
        return cls(
            products=_matrix([_bits(text) for text in track(reactions.products, "precedents: products")]),
            reactants=_matrix([_bits(text) for text in track(reactions.reactants, "precedents: reactants")]),
            template=np.array([place[text] for text in reactions.templates], dtype=np.int64),
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return everything as tensors by name, for a file."""
        found = {"template": from_numpy(self.template.astype(np.int32))}
        for name, matrix in (("products", self.products), ("reactants", self.reactants)):
            found[f"{name}.pointer"] = from_numpy(matrix.indptr.astype(np.int32))
            found[f"{name}.bits"] = from_numpy(matrix.indices.astype(np.int16))
        return found

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Precedents:
        """Return what `tensors` returned."""
        products, reactants = (
            _sparse(tensors[f"{name}.pointer"].numpy(), tensors[f"{name}.bits"].numpy())
            for name in ("products", "reactants")
        )
        return cls(products, reactants, tensors["template"].numpy().astype(np.int64))

    def describe(
        self, product: str, reactants: Sequence[str], templates: Sequence[Sequence[int]]
    ) -> NDArray[np.float32]:
        """Return what the precedents of the templates behind each set tell about it.

        Args:
            product: canonical SMILES.
            reactants: of n sets, canonical SMILES joined by dots.
            templates: places of the templates that lead to each set, the best first; those without precedents count as
                unlike everything.

        Returns:
            (n, 7): among the precedents of all templates of the set, the largest product of both likenesses, the
            largest likeness of products, the largest mean of the three most alike of one template, and the sum of the
            likenesses of those among the 64 nearest training products; then the first, second and fourth of these
            for the best template alone.
        """
        likeness = _tanimoto(self.products, _dense([_bits(product)]))[:, 0]
        neighbours = np.argsort(-likeness, kind="stable")[:_NEIGHBOURS]
        wanted = sorted({place for places in templates for place in places})
        rows = {place: self._most_alike(place, likeness) for place in wanted}
        near = {
            place: float(likeness[neighbours][self.template[neighbours] == place].sum(dtype=np.float64))
            for place in wanted
        }
        joined = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *rows.values()]))
        both = np.zeros((len(joined), len(reactants)))
        if len(joined):
            of_reactants = _tanimoto(self.reactants[joined], _dense([_bits(text) for text in reactants]))
            both = likeness[joined, None] * of_reactants
        numbers = np.zeros((len(reactants), len(PRECEDENT_NUMBERS)), dtype=np.float32)
        for number, places in enumerate(templates):
            each = []
            for place in places:
                known = rows[place]
                if len(known):
                    together = both[np.searchsorted(joined, known), number].max()
                    each.append((together, likeness[known[0]], likeness[known[:3]].mean(), near[place]))
                else:
                    each.append((0.0, 0.0, 0.0, 0.0))
            table = np.array(each)
            numbers[number] = [*table[:, :3].max(0), table[:, 3].sum(), *table[0, [0, 1, 3]]]
        return numbers

    def _most_alike(self, template: int, likeness: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the precedents of a template, those with the most similar products first."""
        order, templates = self._by_template
        rows = order[slice(*np.searchsorted(templates, [template, template + 1]))]
        return rows[np.argsort(-likeness[rows], kind="stable")[:_OF_A_TEMPLATE]]

    @cached_property
    def _by_template(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.template, kind="stable")
        return order, self.template[order]


@lru_cache(maxsize=50_000)
def _bits(smiles: str) -> tuple[int, ...]:
    return tuple(sorted(product_fragments(smiles, bits=_BITS, radius=_RADIUS)))


def _matrix(rows: Sequence[tuple[int, ...]]) -> csr_array:
    pointer = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    return _sparse(pointer, np.array([bit for row in rows for bit in row]))


def _sparse(pointer: NDArray[np.integer], bits: NDArray[np.integer]) -> csr_array:
    data = np.ones(len(bits), dtype=np.float32)
    return csr_array((data, bits.astype(np.int32), pointer.astype(np.int32)), shape=(len(pointer) - 1, _BITS))


def _dense(rows: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
    """Return (bits, n)."""
    found = np.zeros((_BITS, len(rows)), dtype=np.float32)
    for place, row in enumerate(rows):
        found[list(row), place] = 1.0
    return found


def _tanimoto(known: csr_array, asked: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the likeness (rows, n) of rows (rows, bits) to columns (bits, n)."""
    common = (known @ asked).astype(np.float64)
    return common / np.maximum(np.diff(known.indptr)[:, None] + asked.sum(0) - common, 1.0)
