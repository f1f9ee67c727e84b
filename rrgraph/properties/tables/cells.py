"""The cells of one piece of a file as a source understands them: labels, parts and orders.

Flows in: a frame of some rows and the rows of their compositions. Flows out: labels handed to a `LabelColumn`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rrgraph.errors import DataError, suggestion
from rrgraph.properties.tables.labels import LabelColumn
from rrgraph.properties.tables.tasks import TEST, TRAIN, VALIDATION, PropertySource

__all__ = ["GatheredSource", "HashSplit"]

_PART_WORDS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION, "test": TEST}
#: First space group number of each crystal system: triclinic, monoclinic, orthorhombic, tetragonal, trigonal,
#: hexagonal, cubic.
_CRYSTAL_SYSTEMS = (1, 3, 16, 75, 143, 168, 195)
_SPACE_GROUPS = 230


@dataclass(frozen=True, kw_only=True)
class HashSplit:
    """Parts drawn by the digest of a composition, which is therefore in the same part of every source.

    Raises:
        DataError: the shares leave nothing to train on.
    """

    validation: float
    test: float

    def __post_init__(self) -> None:
        if not (self.validation >= 0 and self.test >= 0 and self.validation + self.test < 1):
            raise DataError(
                "The shares of validation and test must leave something to train on, not "
                f"{self.validation:g} and {self.test:g}."
            )

    def parts(self, digests: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Return the part of each composition."""
        shares = digests / 2.0**64
        parts = np.full(len(digests), TRAIN, dtype=np.uint8)
        parts[shares < self.test + self.validation] = VALIDATION
        parts[shares < self.test] = TEST
        return parts


@dataclass
class GatheredSource:
    """A source and what has been read of it.

    Attributes:
        unreadable: cells that are neither empty nor a value the task can use.
        implausible: values outside the plausible range, not kept.
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
        """The columns of the file that the source needs."""
        where = self.source.where[0] if self.source.where else ""
        names = (self.source.formula, self.source.column, self.source.part, self.source.order, where)
        return [name for name in names if name]

    def gather(
        self, frame: pd.DataFrame, rows: NDArray[np.int32], digests: NDArray[np.uint64], split: HashSplit
    ) -> None:
        """Keep the usable values of one piece.

        Args:
            frame: m rows of the file.
            rows: (m,) row of the composition of each, negative where the formula cannot be read.
            digests: of all compositions, by row.
            split: parts for a source without column of them.

        Raises:
            DataError: a cell of the column of parts is none.
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
        parts = _parts(frame[source.part], source) if source.part else split.parts(digests[np.maximum(rows, 0)])
        implausible = usable & (parts != TEST) & ~((labels >= source.low) & (labels <= source.high))
        self.implausible += int(implausible.sum())
        kept = np.flatnonzero(usable & ~implausible)
        orders = _numbers(frame[source.order])[kept] if source.order else None
        self.labels.add(rows[kept], labels[kept], parts[kept], orders)


def _numbers(cells: pd.Series) -> NDArray[np.float64]:
    return pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _labels(values: NDArray[np.float64], source: PropertySource) -> NDArray[np.float64]:
    """Return labels, NaN where a value is no class."""
    if source.convert == "from_one":
        values = values - 1
    elif source.convert == "crystal_system":
        system = np.searchsorted(_CRYSTAL_SYSTEMS, values, side="right") - 1.0
        values = np.where((values % 1 == 0) & (values <= _SPACE_GROUPS), system, np.nan)
    if source.task.kind == "class":
        values = np.where((values % 1 == 0) & (values >= 0) & (values < source.task.classes), values, np.nan)
    return values


def _parts(cells: pd.Series, source: PropertySource) -> NDArray[np.uint8]:
    codes, words = pd.factorize(cells)
    for word in words:
        if word not in _PART_WORDS:
            raise DataError(
                f"Column '{source.part}' of '{source.table}' has the part '{word}', expected train, val or test."
                f"{suggestion(str(word), _PART_WORDS)}"
            )
    if (codes < 0).any():
        raise DataError(f"Column '{source.part}' of '{source.table}' has empty cells, expected train, val or test.")
    parts = np.array([_PART_WORDS[word] for word in words], dtype=np.uint8)[codes]
    if source.validation_trains:
        parts[parts == VALIDATION] = TRAIN
    return parts
