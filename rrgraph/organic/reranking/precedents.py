"""Training reactions as precedents: how similar a suggested reaction is to training reactions."""

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
from rrgraph.util.arrays import check_array, check_offsets
from rrgraph.util.progress import track

__all__ = ["CHANGE_FEATURES", "PRECEDENT_FEATURES", "Precedents"]

_TEMPLATE_FEATURES: Final = (
    "nearest_reaction",
    "nearest_product",
    "mean_of_three",
    "among_neighbours",
    "nearest_reaction_of_best",
    "nearest_product_of_best",
    "among_neighbours_of_best",
)

CHANGE_FEATURES: Final = (
    "nearest_change",
    "log_same_changes",
    "change_among_neighbours",
    "nearest_change_and_product",
    "nearest_product_of_same_change",
)
"""Features from the similarity of what a reaction changes, see `Precedents.describe`."""

PRECEDENT_FEATURES: Final = (*_TEMPLATE_FEATURES, *CHANGE_FEATURES)
"""Features of a set of reactants from precedents, see `Precedents.describe`."""

_BITS: Final = 2048
_RADIUS: Final = 2
_NEIGHBOURS: Final = 64
_OF_A_TEMPLATE: Final = 100
_CHANGE_BITS: Final = 1024
_CHANGE_RADIUS: Final = 1
_SAME_CHANGE: Final = 0.95


@dataclass(frozen=True, eq=False)
class Precedents:
    """Training reactions, with molecules as sets of circular fragments (Morgan, radius 2, 2,048 bits).

    The similarity of molecules is the Tanimoto coefficient; the similarity of products times that of reactants is the
    score of Coley et al. (ACS Cent. Sci. 3, 1237, 2017). The change of a reaction is the difference of the fragment
    counts (radius 1, 1,024 bits) of reactants and product (Schneider et al., J. Chem. Inf. Model. 55, 39, 2015); the
    similarity of changes is their cosine, or 0 if it is negative.

    Attributes:
        products: (rows, bits) 0 or 1.
        reactants: (rows, bits) 0 or 1, the fragments of all reactants together.
        changes: (rows, bits), whole numbers.
        template: (rows,) int64, index of each row's template.
    """

    products: csr_array
    reactants: csr_array
    changes: csr_array
    template: NDArray[np.int64]

    @classmethod
    def of(cls, reactions: TemplateReactions, templates: Sequence[str]) -> Precedents:
        """Return the precedents of training reactions whose templates are all among the given ones."""
        index = {text: number for number, text in enumerate(templates)}
        pairs = track(list(zip(reactions.products, reactions.reactants, strict=True)), "precedents: changes")
        changes = [_change(product, reactants) for product, reactants in pairs]
        return cls(
            products=_matrix([_ones(text) for text in track(reactions.products, "precedents: products")], _BITS),
            reactants=_matrix([_ones(text) for text in track(reactions.reactants, "precedents: reactants")], _BITS),
            changes=_matrix(changes, _CHANGE_BITS),
            template=np.array([index[text] for text in reactions.templates], dtype=np.int64),
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return the precedents as tensors by name, for a file."""
        found = {"template": from_numpy(self.template.astype(np.int32))}
        for name, matrix in (("products", self.products), ("reactants", self.reactants), ("changes", self.changes)):
            found[f"{name}.pointer"] = from_numpy(matrix.indptr.astype(np.int32))
            found[f"{name}.bits"] = from_numpy(matrix.indices.astype(np.int16))
        return found | {"changes.counts": from_numpy(self.changes.data.astype(np.int16))}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], *, templates: int) -> Precedents:
        """Return the precedents of tensors from `tensors`.

        Args:
            tensors: by name.
            templates: number of templates that they index.

        Raises:
            KeyError: a tensor is missing.
            ValueError: a tensor holds what it cannot.
        """
        template = tensors["template"].numpy()
        check_array("template", template, np.int32, (None,), low=0, below=templates)
        found = {}
        for name, width in (("products", _BITS), ("reactants", _BITS), ("changes", _CHANGE_BITS)):
            offsets, bits = (tensors[f"{name}.{array}"].numpy() for array in ("pointer", "bits"))
            check_array(f"{name}.bits", bits, np.int16, (None,), low=0, below=width)
            check_offsets(f"{name}.pointer", offsets, np.int32, rows=len(template), entries=len(bits))
            counts = tensors[f"{name}.counts"].numpy() if name == "changes" else np.ones(len(bits), dtype=np.int16)
            check_array(f"{name}.counts", counts, np.int16, (len(bits),))
            found[name] = _sparse(offsets, bits, counts, width)
        return cls(**found, template=template.astype(np.int64))

    def describe(
        self, product: str, reactants: Sequence[str], templates: Sequence[Sequence[int]]
    ) -> NDArray[np.float32]:
        """Return features of each set from the precedents of its templates.

        Args:
            product: canonical SMILES.
            reactants: of n sets, canonical SMILES joined by dots.
            templates: indices of the templates that give each set, the best first; templates without precedents have
                similarity 0.

        Returns:
            (n, 12): among the precedents of all templates of the set, the largest product of the similarities of
            products and reactants, the largest similarity of products, the largest mean over the three most similar
            products of one template, and the sum of the similarities of those among the 64 nearest training products;
            then the first, second and fourth of these for the best template only; then, among all precedents, the
            largest similarity of changes, log(1 + number of those above 0.95), the sum of the squared similarity of
            changes times the similarity of products over the 64 nearest products, the largest of these terms, and the
            largest similarity of products among changes above 0.95.
        """
        similarity = _tanimoto(self.products, _dense([_ones(product)], _BITS))[:, 0]
        neighbours = np.argsort(-similarity, kind="stable")[:_NEIGHBOURS]
        wanted = sorted({index for indices in templates for index in indices})
        rows = {index: self._most_similar(index, similarity) for index in wanted}
        near = {
            index: float(similarity[neighbours][self.template[neighbours] == index].sum(dtype=np.float64))
            for index in wanted
        }
        joined = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *rows.values()]))
        both = np.zeros((len(joined), len(reactants)))
        if len(joined):
            of_reactants = _tanimoto(self.reactants[joined], _dense([_ones(text) for text in reactants], _BITS))
            both = similarity[joined, None] * of_reactants
        features = np.zeros((len(reactants), len(PRECEDENT_FEATURES)), dtype=np.float32)
        for row, indices in enumerate(templates):
            each = []
            for index in indices:
                known = rows[index]
                if len(known):
                    together = both[np.searchsorted(joined, known), row].max()
                    each.append((together, similarity[known[0]], similarity[known[:3]].mean(), near[index]))
                else:
                    each.append((0.0, 0.0, 0.0, 0.0))
            table = np.array(each)
            features[row, : len(_TEMPLATE_FEATURES)] = [*table[:, :3].max(0), table[:, 3].sum(), *table[0, [0, 1, 3]]]
        if reactants:
            changes = _dense([_change(product, text) for text in reactants], _CHANGE_BITS)
            features[:, len(_TEMPLATE_FEATURES) :] = self._of_changes(changes, similarity, neighbours)
        return features

    def _of_changes(
        self, changes: NDArray[np.float32], similarity: NDArray[np.float64], neighbours: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the features (n, 5) of the changes (bits, n) of n sets."""
        unit, change, rows, order, starts = self._distinct_changes
        lengths = np.sqrt((changes**2).sum(0))
        alike = (unit @ (changes / np.maximum(lengths, 1.0))).clip(0.0)
        same = alike > _SAME_CHANGE
        similarity = similarity.astype(np.float32)
        nearest = np.maximum.reduceat(similarity[order], starts)[:, None]
        near = alike[change[neighbours]] ** 2 * similarity[neighbours, None]
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
        index: dict[tuple[bytes, bytes], int] = {}
        change = np.array(
            [
                index.setdefault((self.changes.indices[a:b].tobytes(), self.changes.data[a:b].tobytes()), len(index))
                for a, b in bounds
            ]
        )
        _, first, rows = np.unique(change, return_index=True, return_counts=True)
        unit = self.changes[first]
        lengths = np.sqrt(unit.multiply(unit).sum(1))
        unit.data /= np.repeat(np.maximum(lengths, 1.0), np.diff(unit.indptr)).astype(np.float32)
        return _DistinctChanges(unit, change, rows, np.argsort(change, kind="stable"), np.cumsum(rows) - rows)

    def _most_similar(self, template: int, similarity: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the precedents of a template, those with the most similar products first."""
        order, templates = self._by_template
        rows = order[slice(*np.searchsorted(templates, [template, template + 1]))]
        return rows[np.argsort(-similarity[rows], kind="stable")[:_OF_A_TEMPLATE]]

    @cached_property
    def _by_template(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.template, kind="stable")
        return order, self.template[order]


class _DistinctChanges(NamedTuple):
    """The distinct changes of training reactions; in USPTO-50k three reactions share one on average.

    Attributes:
        unit: (changes, bits), of length 1.
        change: (rows,), index of each reaction's change.
        rows: (changes,), number of reactions with the change.
        order: (rows,), reactions sorted by their change.
        starts: (changes,), start of the reactions of each change in `order`.
    """

    unit: csr_array
    change: NDArray[np.int64]
    rows: NDArray[np.int64]
    order: NDArray[np.int64]
    starts: NDArray[np.int64]


def _ones(smiles: str) -> Mapping[int, int]:
    """Return 1 for each fragment of molecules joined by dots."""
    found = [_fragments(molecule, _BITS, _RADIUS) for molecule in smiles.split(".")]
    return dict.fromkeys(sorted(set().union(*found)), 1)


def _change(product: str, reactants: str) -> Mapping[int, int]:
    """Return the non-zero differences between the fragment counts of reactants and product."""
    found: Counter[int] = Counter()
    for molecule in reactants.split("."):
        found.update(_fragments(molecule, _CHANGE_BITS, _CHANGE_RADIUS))
    for molecule in product.split("."):
        found.subtract(_fragments(molecule, _CHANGE_BITS, _CHANGE_RADIUS))
    return {bit: count for bit, count in sorted(found.items()) if count}


@lru_cache(maxsize=50_000)
def _fragments(molecule: str, bits: int, radius: int) -> Mapping[int, int]:
    """Return the circular fragments of one molecule."""
    return product_fragments(molecule, bits=bits, radius=radius)


def _matrix(rows: Sequence[Mapping[int, int]], width: int) -> csr_array:
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    bits = np.array([bit for row in rows for bit in row], dtype=np.int32)
    return _sparse(offsets, bits, np.array([count for row in rows for count in row.values()]), width)


def _sparse(offsets: NDArray[np.integer], bits: NDArray[np.integer], counts: NDArray[Any], width: int) -> csr_array:
    arrays = counts.astype(np.float32), bits.astype(np.int32), offsets.astype(np.int32)
    return csr_array(arrays, shape=(len(offsets) - 1, width))


def _dense(rows: Sequence[Mapping[int, int]], width: int) -> NDArray[np.float32]:
    """Return (width, n)."""
    found = np.zeros((width, len(rows)), dtype=np.float32)
    for column, row in enumerate(rows):
        found[list(row), column] = list(row.values())
    return found


def _tanimoto(known: csr_array, queries: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the Tanimoto similarities (rows, n) of rows (rows, bits) and columns (bits, n)."""
    common: NDArray[np.float64] = (known @ queries).astype(np.float64)
    joint: NDArray[np.float64] = np.maximum(np.diff(known.indptr)[:, None] + queries.sum(0) - common, 1.0)
    return common / joint
