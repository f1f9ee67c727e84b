"""Compositions as vectors over the elements: which elements they have, and the mean of their word vectors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rrgraph.chem import (
    ATOMIC_NUMBERS,
    ELEMENTS,
    VOLATILE,
    Composition,
    element_vectors,
    fraction_matrix,
    source_elements,
)

__all__ = [
    "ANION_CLASSES",
    "DIMENSION",
    "SOLID",
    "Materials",
    "anion_class",
    "element_presence",
    "element_similarity",
    "exact_product",
    "mean_vectors",
    "reduced_vectors",
    "source_presence",
    "unit_rows",
]

SOLID: Final = tuple(number for number, symbol in enumerate(ELEMENTS) if symbol not in VOLATILE)
"""Columns of all elements but C, H, O and N, which may leave as gases."""

DIMENSION: Final = 32
"""Principal components of the element vectors that are kept."""

ANION_CLASSES: Final = (
    "oxide",
    "oxyanion",
    "chalcogenide",
    "halide",
    "nitride",
    "pnictide",
    "carbide",
    "intermetallic",
)
"""Chemical family of a target, by the non-metals it contains."""

_KNOWN: Final = 94  # elements up to plutonium; the word vectors of the others come from too few texts
_LIKENESS: Final = 0.15


def anion_class(elements: Iterable[str]) -> str:
    """Return the family of a target with these elements, one of `ANION_CLASSES`."""
    present = frozenset(elements)
    if "O" in present:
        return "oxyanion" if present & {"P", "S", "Se", "N", "C", "F", "Cl", "Br", "I", "B"} else "oxide"
    for family, anions in (
        ("halide", {"F", "Cl", "Br", "I"}),
        ("chalcogenide", {"S", "Se", "Te"}),
        ("nitride", {"N"}),
        ("pnictide", {"P", "As", "Sb", "Bi"}),
        ("carbide", {"C", "B", "Si", "Ge"}),
    ):
        if present & anions:
            return family
    return "intermetallic"


@dataclass(frozen=True, eq=False)
class Materials:
    """What the frequency features need to know of n materials.

    Attributes:
        presence: (n, elements) bool, their elements.
        sources: (n, elements) bool, their source elements.
        families: (n,) int64, index of the anion class.
        vectors: (n, `DIMENSION`) float32, see `mean_vectors`.
    """

    presence: NDArray[np.bool_]
    sources: NDArray[np.bool_]
    families: NDArray[np.int64]
    vectors: NDArray[np.float32]

    @classmethod
    def of(cls, compositions: Sequence[Composition]) -> Materials:
        """Describe compositions."""
        elements = [composition.elements for composition in compositions]
        return cls(
            presence=element_presence(elements),
            sources=source_presence(compositions),
            families=np.array([ANION_CLASSES.index(anion_class(each)) for each in elements], dtype=np.int64),
            vectors=mean_vectors(compositions),
        )

    def __len__(self) -> int:
        return len(self.families)

    def __getitem__(self, index: NDArray[np.int64]) -> Materials:
        return Materials(*(getattr(self, each.name)[index] for each in fields(self)))


def element_presence(elements: Sequence[Collection[str]]) -> NDArray[np.bool_]:
    """Return which elements each of n collections of symbols has, (n, elements)."""
    present = np.zeros((len(elements), len(ELEMENTS) + 1), dtype=bool)
    numbers = [ATOMIC_NUMBERS[symbol] for symbols in elements for symbol in symbols]
    present[np.repeat(np.arange(len(elements)), [len(symbols) for symbols in elements]), numbers] = True
    return present[:, 1:]


def source_presence(compositions: Sequence[Composition]) -> NDArray[np.bool_]:
    """Return which source elements each of n compositions has, (n, elements)."""
    return element_presence([source_elements(composition) for composition in compositions])


def mean_vectors(compositions: Sequence[Composition]) -> NDArray[np.float32]:
    """Return the mean element vectors of n compositions, weighted by their fractions, (n, `DIMENSION`)."""
    return exact_product(fraction_matrix(compositions), reduced_vectors())


@cache
def reduced_vectors() -> NDArray[np.float32]:
    """Return the element vectors in their principal components, (elements, `DIMENSION`)."""
    vectors = unit_rows(element_vectors())
    vectors = vectors - vectors[:_KNOWN].mean(0)
    _, _, axes = np.linalg.svd(vectors[:_KNOWN].astype(np.float64), full_matrices=False)
    axes = axes[:DIMENSION]
    # The sign of an axis is arbitrary; stored vectors need it to be the same everywhere.
    axes *= np.sign(axes[np.arange(DIMENSION), np.abs(axes).argmax(1)])[:, None]
    reduced: NDArray[np.float64] = vectors @ axes.T
    return reduced.astype(np.float32)


@cache
def element_similarity() -> NDArray[np.float32]:
    """Return exp((cosine - 1) / 0.15) of the centred element vectors, (elements, elements); 1 on the diagonal."""
    vectors = unit_rows(element_vectors())
    vectors = unit_rows(vectors - vectors.mean(0))
    similarity: NDArray[np.float32] = np.exp((vectors @ vectors.T - 1) / _LIKENESS)
    np.fill_diagonal(similarity, 1.0)
    return similarity.astype(np.float32)


def exact_product(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the matrix product by way of double precision.

    The order in which BLAS adds depends on the number of rows and of threads. Rounded to single precision the sums are
    the same in any order, so that a material gets the same numbers alone and among others.
    """
    product: NDArray[np.float64] = np.asarray(one, dtype=np.float64) @ np.asarray(other, dtype=np.float64)
    return product.astype(np.float32)


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows scaled to length 1; rows of zeros stay."""
    scaled: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-9)
    return scaled
