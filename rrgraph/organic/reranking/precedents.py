"""Training reactions as precedents: a product and suggested reactants flow in, how alike they are to them flows out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor, from_numpy

from rrgraph.organic.chemistry.fingerprints import product_fragments
from rrgraph.organic.table import TemplateReactions
from rrgraph.util.progress import track

__all__ = ["CHANGE_NUMBERS", "PRECEDENT_NUMBERS", "Precedents"]

_TEMPLATE_NUMBERS: Final = (
    "nearest_reaction",
    "nearest_product",
    "mean_of_three",
    "among_neighbours",
    "nearest_reaction_of_best",
    "nearest_product_of_best",
    "among_neighbours_of_best",
)

CHANGE_NUMBERS: Final = (
    "nearest_change",
    "log_same_changes",
    "change_among_neighbours",
    "nearest_change_and_product",
    "nearest_product_of_same_change",
)
"""The likeness of what a reaction changes, see `Precedents.describe`."""

PRECEDENT_NUMBERS: Final = (*_TEMPLATE_NUMBERS, *CHANGE_NUMBERS)
"""What precedents tell about a set of reactants, see `Precedents.describe`."""

_BITS: Final = 2048
_RADIUS: Final = 2
_NEIGHBOURS: Final = 64
_OF_A_TEMPLATE: Final = 100
_CHANGE_BITS: Final = 1024
_CHANGE_RADIUS: Final = 1
_SAME_CHANGE: Final = 0.95


@dataclass(frozen=True, eq=False)
class Precedents:
    """Training reactions, their molecules as sets of circular fragments (Morgan, radius 2, 2,048 bits).

    Likeness of molecules is the Tanimoto coefficient. That of products times that of reactants is the score of Coley et
    al. (ACS Cent. Sci. 3, 1237, 2017). What a reaction changes is how much more often the reactants have each fragment
    (radius 1, 1,024 bits) than the product, a difference fingerprint (Schneider et al., J. Chem. Inf. Model. 55, 39,
    2015); changes are as like as the cosine of the two, 0 below that.

    Attributes:
        products: (rows, bits) 0 or 1.
        reactants: (rows, bits), the fragments of all reactants together.
        changes: (rows, bits), whole numbers.
        template: (rows,) int64, place of each row's template.
    """

    products: csr_array
    reactants: csr_array
    changes: csr_array
    template: NDArray[np.int64]

    @classmethod
    def of(cls, reactions: TemplateReactions, templates: Sequence[str]) -> Precedents:
        """Return the precedents of training reactions, whose templates are among the given ones."""
        place = {text: number for number, text in enumerate(templates)}
        pairs = track(list(zip(reactions.products, reactions.reactants, strict=True)), "precedents: changes")
        changes = [_change(product, reactants) for product, reactants in pairs]
        return cls(
            products=_matrix([_ones(text) for text in track(reactions.products, "precedents: products")], _BITS),
            reactants=_matrix([_ones(text) for text in track(reactions.reactants, "precedents: reactants")], _BITS),
            changes=_matrix(changes, _CHANGE_BITS),
            template=np.array([place[text] for text in reactions.templates], dtype=np.int64),
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return everything as tensors by name, for a file."""
        found = {"template": from_numpy(self.template.astype(np.int32))}
        for name, matrix in (("products", self.products), ("reactants", self.reactants), ("changes", self.changes)):
            found[f"{name}.pointer"] = from_numpy(matrix.indptr.astype(np.int32))
            found[f"{name}.bits"] = from_numpy(matrix.indices.astype(np.int16))
        return found | {"changes.counts": from_numpy(self.changes.data.astype(np.int16))}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Precedents:
        """Return what `tensors` returned."""
        found = {}
        for name, width in (("products", _BITS), ("reactants", _BITS), ("changes", _CHANGE_BITS)):
            pointer, bits = (tensors[f"{name}.{part}"].numpy() for part in ("pointer", "bits"))
            counts = tensors.get(f"{name}.counts")
            found[name] = _sparse(pointer, bits, np.ones(len(bits)) if counts is None else counts.numpy(), width)
        return cls(**found, template=tensors["template"].numpy().astype(np.int64))

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
            (n, 12): among the precedents of all templates of the set, the largest product of both likenesses, the
            largest likeness of products, the largest mean of the three most alike of one template, and the sum of the
            likenesses of those among the 64 nearest training products; then the first, second and fourth of these
            for the best template alone; then, among all precedents, the largest likeness of changes, log(1 + number of
            those above 0.95), the sum of its square times the likeness of products over the 64 nearest products, the
            largest of that product, and the largest likeness of products among those above 0.95.
        """
        likeness = _tanimoto(self.products, _dense([_ones(product)], _BITS))[:, 0]
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
            of_reactants = _tanimoto(self.reactants[joined], _dense([_ones(text) for text in reactants], _BITS))
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
            numbers[number, : len(_TEMPLATE_NUMBERS)] = [*table[:, :3].max(0), table[:, 3].sum(), *table[0, [0, 1, 3]]]
        if reactants:
            changes = _dense([_change(product, text) for text in reactants], _CHANGE_BITS)
            numbers[:, len(_TEMPLATE_NUMBERS) :] = self._of_changes(changes, likeness, neighbours)
        return numbers

    def _of_changes(
        self, changes: NDArray[np.float32], likeness: NDArray[np.float64], neighbours: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return (n, 5) of the changes (bits, n) of n sets."""
        unit, kind, rows, order, starts = self._distinct_changes
        lengths = np.sqrt((changes**2).sum(0))
        alike = (unit @ (changes / np.maximum(lengths, 1.0))).clip(0.0)
        same = alike > _SAME_CHANGE
        likeness = likeness.astype(np.float32)
        nearest = np.maximum.reduceat(likeness[order], starts)[:, None]
        near = alike[kind[neighbours]] ** 2 * likeness[neighbours, None]
        return np.column_stack(
            [
                alike.max(0),
                np.log1p(rows @ same),
                near.sum(0, dtype=np.float64),
                (alike**2 * nearest).max(0),
                (same * nearest).max(0),
            ]
        )

    @cached_property
    def _distinct_changes(self) -> _DistinctChanges:
        bounds = zip(self.changes.indptr[:-1], self.changes.indptr[1:], strict=True)
        number: dict[tuple[bytes, bytes], int] = {}
        kind = np.array(
            [
                number.setdefault((self.changes.indices[a:b].tobytes(), self.changes.data[a:b].tobytes()), len(number))
                for a, b in bounds
            ]
        )
        _, first, rows = np.unique(kind, return_index=True, return_counts=True)
        unit = self.changes[first]
        lengths = np.sqrt(unit.multiply(unit).sum(1))
        unit.data /= np.repeat(np.maximum(lengths, 1.0), np.diff(unit.indptr)).astype(np.float32)
        return _DistinctChanges(unit, kind, rows, np.argsort(kind, kind="stable"), np.cumsum(rows) - rows)

    def _most_alike(self, template: int, likeness: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the precedents of a template, those with the most similar products first."""
        order, templates = self._by_template
        rows = order[slice(*np.searchsorted(templates, [template, template + 1]))]
        return rows[np.argsort(-likeness[rows], kind="stable")[:_OF_A_TEMPLATE]]

    @cached_property
    def _by_template(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.template, kind="stable")
        return order, self.template[order]


class _DistinctChanges(NamedTuple):
    """The changes of training reactions, each once; in USPTO-50k three reactions share one on average.

    Attributes:
        unit: (kinds, bits), of length 1.
        kind: (rows,), place of each reaction's change.
        rows: (kinds,), how many reactions change that.
        order: (rows,), reactions sorted by their change.
        starts: (kinds,), where those of each change start in `order`.
    """

    unit: csr_array
    kind: NDArray[np.int64]
    rows: NDArray[np.int64]
    order: NDArray[np.int64]
    starts: NDArray[np.int64]


def _ones(smiles: str) -> Mapping[int, int]:
    """Return 1 for each fragment of molecules joined by dots."""
    found = [_fragments(molecule, _BITS, _RADIUS) for molecule in smiles.split(".")]
    return dict.fromkeys(sorted(set().union(*found)), 1)


def _change(product: str, reactants: str) -> Mapping[int, int]:
    """Return how much more often the reactants have each fragment than the product, where that differs."""
    found: Counter[int] = Counter()
    for molecule in reactants.split("."):
        found.update(_fragments(molecule, _CHANGE_BITS, _CHANGE_RADIUS))
    for molecule in product.split("."):
        found.subtract(_fragments(molecule, _CHANGE_BITS, _CHANGE_RADIUS))
    return {bit: count for bit, count in sorted(found.items()) if count}


@lru_cache(maxsize=50_000)
def _fragments(molecule: str, bits: int, radius: int) -> Mapping[int, int]:
    """Return the circular fragments of one molecule; those of several are what each has."""
    return product_fragments(molecule, bits=bits, radius=radius)


def _matrix(rows: Sequence[Mapping[int, int]], width: int) -> csr_array:
    pointer = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    bits = np.array([bit for row in rows for bit in row], dtype=np.int32)
    return _sparse(pointer, bits, np.array([count for row in rows for count in row.values()]), width)


def _sparse(pointer: NDArray[np.integer], bits: NDArray[np.integer], counts: NDArray[Any], width: int) -> csr_array:
    parts = counts.astype(np.float32), bits.astype(np.int32), pointer.astype(np.int32)
    return csr_array(parts, shape=(len(pointer) - 1, width))


def _dense(rows: Sequence[Mapping[int, int]], width: int) -> NDArray[np.float32]:
    """Return (width, n)."""
    found = np.zeros((width, len(rows)), dtype=np.float32)
    for place, row in enumerate(rows):
        found[list(row), place] = list(row.values())
    return found


def _tanimoto(known: csr_array, asked: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the likeness (rows, n) of rows (rows, bits) to columns (bits, n)."""
    common = (known @ asked).astype(np.float64)
    return common / np.maximum(np.diff(known.indptr)[:, None] + asked.sum(0) - common, 1.0)
