"""The subsets of a split: training, validation and test rows."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["MEASURED", "Subset"]


class Subset(StrEnum):
    """Rows of a split, by the name that files, options and configurations give them."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


MEASURED: Final = (Subset.VALIDATION, Subset.TEST)
"""The subsets that models are measured on."""
