"""Labels, subsets and order values from the cells of a batch of rows, according to their source."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rrgraph.data import SUBSET_WORDS, TEST, TRAIN, VALIDATION
from rrgraph.errors import DataError, suggestion
from rrgraph.properties.tables.labels import LabelColumn
from rrgraph.properties.tables.tasks import PropertySource

__all__ = ["GatheredSource", "HashSplit"]

#: First space group number of each crystal system: triclinic, monoclinic, orthorhombic, tetragonal, trigonal,
#: hexagonal, cubic.
_CRYSTAL_SYSTEMS = (1, 3, 16, 75, 143, 168, 195)
_SPACE_GROUPS = 230


@dataclass(frozen=True, kw_only=True)
class HashSplit:
    """Subsets drawn by the digest of a composition, which is therefore in the same subset for every source.

    Raises:
        DataError: the shares leave no training rows.
    """

    validation: float
    test: float

    def __post_init__(self) -> None:
        if not (self.validation >= 0 and self.test >= 0 and self.validation + self.test < 1):
            raise DataError(
                f"The shares of validation and test rows are {self.validation:g} and {self.test:g}, expected shares "
                "that leave training rows."
            )

    def subsets(self, digests: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Return the subset of each composition."""
        shares = digests / 2.0**64
        subsets = np.full(len(digests), TRAIN, dtype=np.uint8)
        subsets[shares < self.test + self.validation] = VALIDATION
        subsets[shares < self.test] = TEST
        return subsets


@dataclass
class GatheredSource:
    """A source and the labels read from it.

    Attributes:
        unreadable: number of cells that are neither empty nor a usable value.
        implausible: number of values outside the plausible range, which are dropped.
        labels: of the compositions.
    """

    source: PropertySource
    unreadable: int = 0
    implausible: int = 0
    labels: LabelColumn = field(init=False)

    def __post_init__(self) -> None:
        self.labels = LabelColumn(self.source)

    @property
    def columns(self) -> list[str]:
        """Columns of the file that the source uses."""
        where = self.source.where[0] if self.source.where else ""
        names = (self.source.formula, self.source.column, self.source.part, self.source.order, where)
        return [name for name in names if name]

    def gather(
        self, frame: pd.DataFrame, rows: NDArray[np.int32], digests: NDArray[np.uint64], split: HashSplit
    ) -> None:
        """Add the usable values of a batch of rows.

        Args:
            frame: m rows of the file.
            rows: (m,) index of the composition of each row, negative if the formula cannot be parsed.
            digests: of all compositions.
            split: gives the subsets for a source without a column of them.

        Raises:
            DataError: a cell of the subset column is not a subset.
        """
        source = self.source
        wanted = rows >= 0
        if source.where:
            column, values = source.where
            wanted &= frame[column].isin(values if isinstance(values, tuple) else (values,)).to_numpy()
        cells = frame[source.column]
        labels = _labels(_numbers(cells), source)
        usable = wanted & np.isfinite(labels)
        self.unreadable += int((wanted & cells.notna().to_numpy() & ~usable).sum())
        if source.part:
            subsets = _subsets(frame[source.part], source)
        else:  # what rows without a composition get does not matter
            subsets = split.subsets(
                digests[np.maximum(rows, 0)] if len(digests) else np.zeros(len(rows), digests.dtype)
            )
        implausible = usable & (subsets != TEST) & ~((labels >= source.low) & (labels <= source.high))
        self.implausible += int(implausible.sum())
        kept = np.flatnonzero(usable & ~implausible)
        orders = _numbers(frame[source.order])[kept] if source.order else None
        self.labels.add(rows[kept], labels[kept], subsets[kept], orders)


def _numbers(cells: pd.Series) -> NDArray[np.float64]:
    return pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _labels(values: NDArray[np.float64], source: PropertySource) -> NDArray[np.float64]:
    """Return labels, NaN where a value is not a class."""
    if source.convert == "from_one":
        values = values - 1
    elif source.convert == "crystal_system":
        system = np.searchsorted(_CRYSTAL_SYSTEMS, values, side="right") - 1.0
        values = np.where((values % 1 == 0) & (values <= _SPACE_GROUPS), system, np.nan)
    if source.task.kind == "classification":
        values = np.where((values % 1 == 0) & (values >= 0) & (values < source.task.classes), values, np.nan)
    return values


def _subsets(cells: pd.Series, source: PropertySource) -> NDArray[np.uint8]:
    codes, words = pd.factorize(cells)
    for word in words:
        if word not in SUBSET_WORDS:
            raise DataError(
                f"Column '{source.part}' of '{source.table}' has the subset '{word}', expected train, val or test."
                f"{suggestion(str(word), SUBSET_WORDS)}"
            )
    if (codes < 0).any():
        raise DataError(f"Column '{source.part}' of '{source.table}' has empty cells, expected train, val or test.")
    subsets = np.array([SUBSET_WORDS[word] for word in words], dtype=np.uint8)[codes]
    if source.validation_trains:
        subsets[subsets == VALIDATION] = TRAIN
    return subsets
